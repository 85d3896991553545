#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Search every state of the kick protocol (the models *.pml) in several small configurations, then
# show that each deliberate mistake (mutants) violates a property. Before that, the same for the
# ordering argument: its litmus tests under the rules of arm64 (arm64.py) and, where herd7 is
# installed, under the Linux-kernel memory model (herd.sh).
#
# usage: check.sh [-v] [DIRECTORY]
#	work files go to DIRECTORY, by default build/model; -v tells how a property was violated
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
verbose=
if [[ ${1-} = -v ]]; then
	verbose=1
	shift
fi
work=${1:-$here/../../../../build/model}
jobs=${JOBS:-2}

# name, what it has; those that begin with `task', `above', `look' are of kick_task.pml and so on,
# the others of kick.pml
declare -A config=(
	# one CPU, kicked from all sides
	[idle]="-DNCPU=1 -DNKICK=2 -DWORK -DRT -DKINDS=K_RESCHED+K_IDLE -DCTX=0"
	# kicks of itself: from a task, an operation, an interrupt
	[self]="-DNCPU=1 -DNKICK=1 -DWORK -DKINDS=K_RESCHED+K_IDLE -DCTX=C_TASK+C_OP+C_IRQ"
	# and from the idle loop, behind its last look at need_resched
	[idle-self]="-DNCPU=1 -DNKICK=1 -DWORK -DKINDS=K_RESCHED+K_IDLE -DCTX=C_IDLE"
	[preempt]="-DNCPU=1 -DNKICK=1 -DRT -DKINDS=K_RESCHED+K_PREEMPT -DCTX=C_TASK+C_OP+C_IRQ"
	# SCX_ENQ_PREEMPT with the rq lock of the target
	[enq]="-DNCPU=1 -DNKICK=1 -DRT -DENQ -DKINDS=K_ENQ -DCTX=0"
	# one waits, and is not the only one to wait for that CPU
	[waiters]="-DNCPU=2 -DNKICK=1 -DWAITS -DNOSLICE -DNOBLOCK -DKINDS=K_WAIT -DONEWAY
		-DCTX=C_TASK+C_IRQ -DAFTER=0"
	# what a waiter's next task sees of its target's last one
	[wait-data]="-DNCPU=2 -DWAITS -DDATA -DNOSLICE -DNOBLOCK -DKINDS=K_WAIT -DONEWAY
		-DCTX=C_TASK -DAFTER=0"
	# two wait for each other, between all other things that CPUs do
	[pair]="-DNCPU=2 -DWAITS -DNOSLICE -DKINDS=K_WAIT -DRING -DCTX=C_OP -DAFTER=6"
	[ring]="-DNCPU=3 -DWAITS -DNOSLICE -DNOTICK -DNOBLOCK -DKINDS=K_WAIT -DRING -DKICKS_EACH=1
		-DCTX=C_TASK -DAFTER=0"
	# core scheduling: CPU 0 picks for its sibling, too
	[core]="-DNCPU=2 -DNKICK=1 -DCORE -DWORK -DRT -DONEWAY -DNOSLICE -DKINDS=K_IDLE -DCTX=0
		-DAFTER=0"
	[core-wait]="-DNCPU=2 -DCORE -DWAITS -DONEWAY -DNOSLICE -DKINDS=K_WAIT -DCTX=C_TASK
		-DAFTER=0"
	[core-rt]="-DNCPU=2 -DCORE -DCORE_RT -DNOBLOCK -DNOSLICE -DKINDS=K_RESCHED -DCTX=0"
	# one waits for a CPU that tasks of a higher class come to
	[wait-above]="-DNCPU=2 -DRT -DWAITS -DNOSLICE -DNOBLOCK -DKINDS=K_WAIT -DONEWAY
		-DCTX=C_TASK -DAFTER=0"
	[hotplug]="-DNCPU=2 -DHOTPLUG -DNOTICK -DKINDS=K_RESCHED -DCTX=C_TASK+C_IRQ"
	[exit]="-DNCPU=1 -DNKICK=1 -DEXITS -DNOTICK -DKINDS=K_RESCHED+K_IDLE -DCTX=C_TASK"
	[exit-nmi]="-DNCPU=1 -DEXITS -DNOTICK -DKINDS=K_RESCHED -DCTX=C_NMI"
	[exit-wait]="-DNCPU=2 -DEXITS -DWAITS -DONEWAY -DNOSLICE -DNOTICK -DNOBLOCK -DKINDS=K_WAIT
		-DKICKS_EACH=1 -DCTX=C_TASK -DAFTER=0"
	# several CPUs at a time, and single ones beside
	[mask]="-DNCPU=2 -DNKICK=1 -DMASK -DWORK -DNOTICK -DNOSLICE -DKINDS=K_RESCHED+K_IDLE -DCTX=0
		-DAFTER=0"
	[mask-kick]="-DNCPU=2 -DNKICK=2 -DMASK -DNOTICK -DNOBLOCK -DKINDS=K_RESCHED+K_PREEMPT
		-DCTX=0 -DAFTER=0"
	# several kicks of one CPU by one operation
	[held]="-DNCPU=2 -DONEWAY -DWAITS -DNOBLOCK -DHELD -DAFTER=0 -DCTX=C_OP
		-DKINDS=K_RESCHED+K_IDLE+K_PREEMPT+K_WAIT"
	# claims: by several, by an operation, by several operations, beside kicks, of the own CPU
	[task]="-DCLAIMERS=2 -DKINDS=K_TASK"
	[task-op]="-DCLAIMERS=1 -DRTS -DKINDS=K_OP"
	[task-ops]="-DCLAIMERS=2 -DNOTICK -DNOSTEAL -DKINDS=K_OP"
	[task-kicks]="-DCLAIMERS=2 -DNUMBERS=2 -DKINDS=K_TASK -DOTHERS=K_PREEMPT+K_RESCHED+K_IDLE"
	[task-op-kicks]="-DCLAIMERS=2 -DNUMBERS=2 -DKINDS=K_OP -DOTHERS=K_TASK+K_PREEMPT"
	# and with a kick of the same CPU by the same operation, and with SCX_KICK_WAIT
	[task-op-kick]="-DCLAIMERS=1 -DRTS -DKINDS=K_OP_KICKS"
	[task-wait]="-DCLAIMERS=2 -DCLAIM_WAIT -DNUMBERS=2 -DKINDS=K_OP -DOTHERS=K_TASK"
	[task-self]="-DCLAIMERS=1 -DRTS -DSELF -DKINDS=K_TASK+K_OP+K_RESCHED"
	# a sibling picks, with and without a switch
	[task-core]="-DCLAIMERS=1 -DCORE -DRTS -DKINDS=K_TASK+K_PREEMPT"
	[task-core-op]="-DCLAIMERS=1 -DCORE -DRTS -DKINDS=K_OP"
	[task-exit]="-DCLAIMERS=1 -DNUMBERS=2 -DEXITS -DNOTICK -DKINDS=K_OP"
	# a task of a higher class, which may become one of sched_ext while it runs
	[above]="-DKICKERS=2"
	# self-kicks behind the last look at need_resched, and elsewhere; kicks from NMI of the CPU
	# itself and of another one; kicks from operations that enqueue the task later
	[look]="-DCTX=C_LOOK+C_TASK"
	[look-nmi-self]="-DCTX=C_NMI -DNMI=0 -DNOTICK"
	[look-nmi]="-DCTX=C_NMI -DNMI=1 -DNOTICK"
	[look-op]="-DCTX=C_OP -DNOTICK"
)

# mutant, the configuration that must catch it
declare -A mutant
while read -r name caught_by; do
	mutant[$name]=$caught_by
done < <(sed -n 's/^= //p' "$here/mutants")

# search NAME CONFIGURATION DEFINITION...: leaves the verdict in NAME/result
search()
{
	local name=$1 dir=$work/$1 model=kick.pml models=$here

	case $2 in
	task*|above*|look*)	model=kick_${2%%-*}.pml ;;
	esac
	shift 2
	rm -rf "$dir"
	mkdir -p "$dir"
	cd "$dir"
	echo broken > result
	if [[ -v mutant[$name] ]]; then
		models=$dir/models
		mkdir "$models"
		cp "$here"/*.pm[lh] "$models"
		sed -n "/^= $name /,/^= /{ s/^|/ /; /^= /!p }" "$here/mutants" |
			patch -s -p0 -F0 -d "$models" > patch.log 2>&1 || return 0
	fi
	if spin -a "$@" "$models/$model" > spin.log 2>&1 &&
	   gcc -O1 -w -DSAFETY -DNOREDUCE -DCOLLAPSE -DMEMLIM=4000 pan.c -o pan > gcc.log 2>&1 &&
	   ./pan -E -m4000000 -w20 > pan.log 2>&1 &&
	   grep -q 'errors: 0$' pan.log && ! grep -q 'too small\|not completed' pan.log; then
		echo holds > result
	elif [[ -f pan.log ]] && grep -q 'assertion violated' pan.log; then
		echo violated > result
	fi
}

# report NAME: its verdict and figures
report()
{
	local log=$work/$1/pan.log

	read -r verdict < "$work/$1/result"
	case $verdict in
	holds)		figures=$(awk '/states, stored/ { s = $1 } /elapsed time/ { t = $4 }
				END { printf "%9d states %6.1f s", s, t }' "$log") ;;
	violated)
		figures=$(sed -n 's/.*assertion violated .*||\([a-z_]*\)) (at depth.*/\1/p' "$log")
		;;
	*)		figures="see $work/$1" ;;
	esac
	printf '%-22s %-9s %s\n' "$1" "$verdict" "$figures"
}

for tool in spin gcc patch python3; do
	command -v "$tool" > /dev/null || { echo "check.sh: $tool is missing" >&2; exit 1; }
done
"$here/arm64.py"
mkdir -p "$work"
work=$(cd "$work" && pwd)
"$here/herd.sh" "$work/litmus"

for name in "${!config[@]}" "${!mutant[@]}"; do
	while (( $(jobs -rp | wc -l) >= jobs )); do
		wait -n
	done
	# word splitting is meant: each configuration is a list of definitions
	if [[ -v config[$name] ]]; then
		# shellcheck disable=SC2086
		search "$name" "$name" ${config[$name]} &
	else
		# shellcheck disable=SC2086
		search "$name" "${mutant[$name]}" ${config[${mutant[$name]}]} &
	fi
done
wait

failed=0
caught=0
for name in $(printf '%s\n' "${!config[@]}" | sort); do
	report "$name"
	if [[ $verdict != holds ]]; then
		failed=$((failed + 1))
		[[ -z $verbose ]] || (cd "$work/$name" && ./pan -r ./*.trail | tail -100)
	fi
done
for name in $(printf '%s\n' "${!mutant[@]}" | sort); do
	report "$name"
	[[ $verdict != violated ]] || caught=$((caught + 1))
done

properties=$(cat "$here"/*.pm[lh] | grep -c '^hidden byte')
if (( failed )); then
	echo "$failed of ${#config[@]} configurations failed," \
		"$caught of ${#mutant[@]} mutants caught"
	exit 1
fi
echo "$properties properties hold, $caught of ${#mutant[@]} mutants caught"
(( caught == ${#mutant[@]} ))
