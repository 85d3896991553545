// SPDX-License-Identifier: GPL-2.0-only
/*
 * kick_torture: the sub-scheduler, and the root that may have one. Both are the program's BPF
 * object once more, with the same books, so each has programs of its own that kick.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "kick_torture_user.h"

#define OPS		"kick_torture_cid"

struct kick_torture *parent, *sub;

static pthread_mutex_t caps_lock = PTHREAD_MUTEX_INITIALIZER;
static struct bpf_link *sub_link;
static bool attached;

/* Of libbpf, where that knows of it */
struct bpf_prog_assoc_struct_ops_opts;
int bpf_program__assoc_struct_ops(struct bpf_program *prog, struct bpf_map *map,
				  struct bpf_prog_assoc_struct_ops_opts *opts) __weak;

static struct bpf_program *named(struct kick_torture *sched, const char *name)
{
	return bpf_object__find_program_by_name(sched->obj, name);
}

/* What kicks, beside the operations of each scheduler, and what is there once only */
static const char * const kickers[] = {
	"torture_kick", "torture_make_masks", "torture_switch", "torture_hardirq", "torture_nmi",
};

static const char * const of_parent[] = {
	"sub_grant", "sub_revoke", "sub_judge", "sub_judged",
};

/*
 * The schedulers
 */

struct bpf_map *cid_ops(struct kick_torture *sched)
{
	return bpf_object__find_map_by_name(sched->obj, OPS);
}

/* The kernel has sub-schedulers, and so has this program, with a libbpf that knows of them */
bool knows_subs(const struct btf *kernel)
{
	return bpf_program__assoc_struct_ops && cid_ops(skel) &&
	       btf__find_by_name_kind(kernel, "__scx_kick_serve_subs", BTF_KIND_FUNC) > 0;
}

static bool set_cgroup(struct kick_torture *sched, u64 cgroup)
{
	const struct btf *btf = bpf_object__btf(sched->obj);
	s32 id = btf__find_by_name_kind(btf, "sched_ext_ops_cid", BTF_KIND_STRUCT);
	const struct btf_type *type = btf__type_by_id(btf, id);
	char *ops = bpf_map__initial_value(cid_ops(sched), NULL);
	int i;

	for (i = 0; type && ops && i < btf_vlen(type); i++) {
		const struct btf_member *member = btf_members(type) + i;

		if (strcmp(btf__name_by_offset(btf, member->name_off), "sub_cgroup_id"))
			continue;
		*(u64 *)(ops + btf_member_bit_offset(type, i) / 8) = cgroup;
		return true;
	}
	return false;
}

/* What the kernel has no place for is left out, as for the one by CPU */
static void choose_programs(struct kick_torture *sched, bool is_parent)
{
	struct bpf_program *prog;
	size_t i;

	bpf_object__for_each_program(prog, sched->obj) {
		if (bpf_program__type(prog) != BPF_PROG_TYPE_STRUCT_OPS)
			bpf_program__set_autoload(prog, false);
	}
	for (i = 0; i < ARRAY_SIZE(kickers); i++)
		bpf_program__set_autoload(named(sched, kickers[i]),
					  bpf_program__autoload(named(skel, kickers[i])));
	for (i = 0; is_parent && i < ARRAY_SIZE(of_parent); i++)
		bpf_program__set_autoload(named(sched, of_parent[i]), true);
}

/* Each program belongs to the scheduler that it kicks for */
static bool associate(struct kick_torture *sched)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, sched->obj) {
		if (bpf_program__autoload(prog) &&
		    bpf_program__type(prog) != BPF_PROG_TYPE_STRUCT_OPS &&
		    bpf_program__assoc_struct_ops(prog, cid_ops(sched), NULL))
			return false;
	}
	return true;
}

/* Of the cgroup, or the root if that is 0 */
static struct kick_torture *open_sched(u64 cgroup)
{
	struct kick_torture *sched = kick_torture__open();

	if (!sched)
		return NULL;
	SCX_ENUM_INIT(sched);
	*sched->rodata = *skel->rodata;
	sched->rodata->role = cgroup ? TORTURE_SUB : TORTURE_ROOT;
	bpf_map__set_autocreate(sched->maps.kick_torture_some, false);
	bpf_map__set_autocreate(sched->maps.kick_torture_all, false);
	choose_programs(sched, !cgroup);
	if (!set_cgroup(sched, cgroup) ||
	    bpf_map__reuse_fd(sched->maps.bss, bpf_map__fd(skel->maps.bss)) ||
	    kick_torture__load(sched) || !associate(sched) ||
	    !run_program(sched->progs.torture_make_masks, NULL, 0)) {
		kick_torture__destroy(sched);
		return NULL;
	}
	return sched;
}

/* That of @cgroup */
bool open_subs(u64 cgroup)
{
	orders->cgroup = cgroup;
	parent = open_sched(0);
	sub = parent ? open_sched(cgroup) : NULL;
	return sub;
}

void close_subs(void)
{
	kick_torture__destroy(sub);
	kick_torture__destroy(parent);
}

/* One whose programs kick for who is in control, now and then for its sub-scheduler */
struct kick_torture *any_kicker(struct kick_torture *control, u64 random)
{
	return control == parent && shared(attached) && random & 1 ? sub : control;
}

/*
 * Caps
 */

/* Of the CPUs whose cids have a bit in @cids, as far as the sub-scheduler is there */
void change_caps(bool grant, u64 caps, u64 cids)
{
	struct bpf_program *prog = named(parent, grant ? "sub_grant" : "sub_revoke");
	struct sub_caps args = { .cgroup = orders->cgroup, .caps = caps, .cids = cids };

	pthread_mutex_lock(&caps_lock);
	if (!run_program(prog, &args, sizeof(args)))
		fail("the caps of the sub-scheduler can't be changed: %s", strerror(errno));
	pthread_mutex_unlock(&caps_lock);
}

/*
 * The sub-scheduler, attached and detached
 */

bool attach_sub(void)
{
	sub_link = bpf_map__attach_struct_ops(cid_ops(sub));
	if (!sub_link)
		return false;
	change_caps(true, SUB_CAPS_FOR_USE, -1ULL);
	__atomic_store_n(&attached, true, __ATOMIC_SEQ_CST);
	return true;
}

bool sub_is_attached(void)
{
	return shared(attached);
}

bool sub_has_ended(void)
{
	return shared(sub->data->uei.kind);
}

/* Together with its root it may end, or not begin, but not for reasons of its own */
static void check_sub_exit(void)
{
	struct user_exit_info *uei = &sub->data->uei;

	if (uei->kind && !strstr(uei->reason, "user") && !strstr(uei->reason, "parent") &&
	    !strstr(uei->reason, "sysrq") && !strstr(uei->msg, "parent") &&
	    !strstr(uei->msg, "scx_sub_enable() failed") &&
	    !(uei->exit_code & SCX_ECODE_ACT_RESTART))
		fail("the sub-scheduler has ended: %s: %s", uei->reason, uei->msg);
}

void detach_sub(void)
{
	__atomic_store_n(&attached, false, __ATOMIC_SEQ_CST);
	bpf_link__destroy(sub_link);
	check_sub_exit();
}
