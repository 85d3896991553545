#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Judge the litmus tests of the kick protocol (litmus/*.litmus) and their twins, which lack a
# barrier, under the Linux-kernel memory model: herd7 has to say what the `Result' line says.
#
# usage: herd.sh [DIRECTORY]
#	work files go to DIRECTORY, by default build/model/litmus; LKMM is the directory of
#	linux-kernel.cfg, by default tools/memory-model of this tree or of build/src-patched
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$here/../../../..
work=${1:-$top/build/model/litmus}

command -v herd7 > /dev/null || {
	echo "herd7: not installed, so the litmus tests are judged by arm64.py only"
	exit 0
}
for lkmm in ${LKMM:+"$LKMM"} "$top"/{,build/src-patched/}tools/memory-model; do
	[[ ! -f $lkmm/linux-kernel.cfg ]] || break
done
[[ -f $lkmm/linux-kernel.cfg ]] || { echo "herd.sh: no linux-kernel.cfg, set LKMM" >&2; exit 1; }

rm -rf "$work"
mkdir -p "$work"
work=$(cd "$work" && pwd)
cp "$here"/litmus/*.litmus "$work"
"$here/arm64.py" --twins "$work"

# herd7 reads what linux-kernel.cfg names from the directory that it is started in
cd "$lkmm"
never=0 sometimes=0 failed=0
for test in "$work"/*.litmus; do
	name=$(basename "$test" .litmus)
	expected=$(sed -n 's/^ \* Result: //p' "$test")
	herd7 -conf linux-kernel.cfg "$test" > "$work/$name.log" 2>&1 || true
	seen=$(awk '$1 == "Observation" { print $3 }' "$work/$name.log")
	if [[ $seen != "$expected" ]]; then
		echo "herd7: $name: ${seen:-no result} instead of $expected, see $work/$name.log"
		failed=$((failed + 1))
	fi
	[[ $seen != Never ]] || never=$((never + 1))
	[[ $seen != Sometimes ]] || sometimes=$((sometimes + 1))
done
echo "herd7: $never tests Never, $sometimes twins without a barrier Sometimes"
(( failed == 0 && never && sometimes ))
