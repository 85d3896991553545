// SPDX-License-Identifier: GPL-2.0-only
/* kick_torture: the scheduler, loaded and unloaded, and the tasks that it gets */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include "kick_torture_user.h"

struct worker {
	pthread_t thread;
	void (*body)(struct worker *w);
	pid_t tid;
	u64 random;
	u64 turns, turns_before;
	int in, out;		/* of pipes, for work_pass() */
};

static struct worker *workers;
static int nr_workers;
static bool stop_workers;

/* The keeper has the scheduler loaded. It ends when the other end of the lifeline does */
static int lifeline[2];
static pthread_mutex_t keeper_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t keeper;

/* The one that is in control, or was */
static struct kick_torture *control;
static bool loaded;
static u64 loaded_ns;		/* since when */
static u64 change_ns;		/* how long it took to end the one before and to load it */

/*
 * The scheduler
 */

bool prepare_tasks(void)
{
	return !pipe2(lifeline, O_CLOEXEC);
}

static void keep(struct bpf_map *ops, int answer)
{
	struct bpf_link *link;
	int err = 0;

	close(lifeline[1]);
	signal(SIGTERM, SIG_DFL);
	/* Not behind all the tasks that fill the machine */
	be(SCHED_FIFO, 1);
	link = bpf_map__attach_struct_ops(ops);
	if (!link)
		err = errno;
	if (write(answer, &err, sizeof(err)) != sizeof(err) || err)
		_exit(1);
	/* For ever, unless kick_torture ends */
	if (!read(lifeline[0], &err, 1))
		_exit(0);
}

/* Sets errno to what attaching gave */
static bool try_load(struct bpf_map *ops)
{
	int fds[2], err = EIO;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return false;
	pid = fork();
	if (!pid)
		keep(ops, fds[1]);
	close(fds[1]);
	if (pid < 0 || read(fds[0], &err, sizeof(err)) != sizeof(err))
		err = EIO;
	close(fds[0]);
	if (!err)
		keeper = pid;
	else if (pid > 0)
		waitpid(pid, NULL, 0);
	errno = err;
	return !err;
}

/* Where there are sub-schedulers one that may have them, in turn with one that may not, mostly */
static struct bpf_map *choose(u64 *random)
{
	bool again = parent && !(next_random(random) & 3), was_parent = control == parent;

	if (parent && again == was_parent) {
		control = parent;
		return cid_ops(parent);
	}
	control = skel;
	return next_random(random) & 1 ? skel->maps.kick_torture_some :
					 skel->maps.kick_torture_all;
}

void load(u64 *random)
{
	struct bpf_map *ops = choose(random);

	/* Another one may still be on its way out, CPUs may come and go */
	if (!WAIT_FOR(try_load(ops)))
		fail("the scheduler can't be loaded: %s", strerror(errno));
	loaded_ns = now_ns();
	__atomic_store_n(&loaded, true, __ATOMIC_SEQ_CST);
}

bool is_in_control(struct kick_torture *sched)
{
	return shared(loaded) && shared(control) == sched;
}

/*
 * It is to be loaded again: while it was, a CPU came or went, or deadline tasks left no bandwidth
 * for the server that newer kernels have for it
 */
static bool asks_for_restart(const struct user_exit_info *uei)
{
	return uei->exit_code & SCX_ECODE_ACT_RESTART ||
	       strstr(uei->msg, "scx_root_enable() failed (-16)");
}

/* Returns the process that has the scheduler loaded, and that ends it, too */
static pid_t begin_unload(int signal)
{
	pid_t pid = keeper;

	keeper = 0;
	__atomic_store_n(&loaded, false, __ATOMIC_SEQ_CST);
	if (!signal && press_sysrq("S"))
		WAIT_FOR(shared(control->data->uei.kind));
	return pid;
}

static void end_keeper(pid_t pid, int signal)
{
	kill(pid, signal ?: SIGTERM);
	if (!WAIT_FOR(waitpid(pid, NULL, WNOHANG)))
		fail("the process that had the scheduler loaded does not end");
}

static void check_exit(struct kick_torture *sched, int signal)
{
	struct user_exit_info *uei = &sched->data->uei;

	if (!strstr(uei->reason, signal ? "user" : "sysrq") && !asks_for_restart(uei))
		fail("the scheduler has ended: %s: %s", uei->reason, uei->msg);
}

void unload(int signal)
{
	if (!keeper)
		return;
	end_keeper(begin_unload(signal), signal);
	if (!WAIT_FOR(no_scheduler()))
		fail("the scheduler does not go");
	check_exit(control, signal);
}

static void *load_next(void *random)
{
	load(random);
	return NULL;
}

/*
 * Load another one as soon as the kernel lets it, while the one before still leaves.
 *
 * A scheduler that sysrq has ended leaves when its process does, which in Linux 6.12 ends whatever
 * is loaded by then.
 */
static bool replace(int signal, u64 *random)
{
	struct kick_torture *before = control;
	pthread_t next;
	pid_t pid;

	if (!keeper || shared(control->data->uei.kind) || (!signal && !skel->rodata->pick_only))
		return false;
	pid = begin_unload(signal);
	if (pthread_create(&next, NULL, load_next, random)) {
		fail("no thread to load the scheduler: %s", strerror(errno));
		return true;
	}
	end_keeper(pid, signal);
	pthread_join(next, NULL);
	check_exit(before, signal);
	return true;
}

/* To change it takes long on a busy machine, and without one nothing is kicked */
static void let_live(void)
{
	while (!shared(stop_faults) && ns_since(loaded_ns) < 4 * change_ns)
		usleep(10000);
}

void reload(int signal, u64 *random)
{
	u64 start;

	pthread_mutex_lock(&keeper_lock);
	let_live();
	start = now_ns();
	if (next_random(random) & 1 || !replace(signal, random)) {
		unload(signal);
		if (next_random(random) & 1)
			usleep(next_random(random) % 200000);
		load(random);
	}
	change_ns = ns_since(start);
	pthread_mutex_unlock(&keeper_lock);
}

void let_change(bool may)
{
	if (may)
		pthread_mutex_unlock(&keeper_lock);
	else
		pthread_mutex_lock(&keeper_lock);
}

/* Load it again, if it has ended by itself: unload() tells if that is wrong */
void revive(u64 *random)
{
	if (pthread_mutex_trylock(&keeper_lock))
		return;
	if (keeper && shared(control->data->uei.kind)) {
		unload(SIGTERM);
		load(random);
	}
	pthread_mutex_unlock(&keeper_lock);
}

/*
 * The tasks
 */

static void turn(struct worker *w)
{
	u64 until = shared(rest_until), now;

	count(w->turns);
	if (!until)
		return;
	now = now_ns();
	if (now < until)
		usleep((until - now) / 1000 + 1);
}

static void work_spin(struct worker *w)
{
	while (!shared(stop_workers))
		turn(w);
}

static void work_nap(struct worker *w)
{
	while (!shared(stop_workers)) {
		usleep(next_random(&w->random) % 500);
		turn(w);
	}
}

static void work_yield(struct worker *w)
{
	while (!shared(stop_workers)) {
		spin(next_random(&w->random) % 200000);
		sched_yield();
		turn(w);
	}
}

static void work_pass(struct worker *w)
{
	char token = 0;

	while (!shared(stop_workers) && read(w->in, &token, 1) == 1 &&
	       write(w->out, &token, 1) == 1)
		turn(w);
}

static void work_kick(struct worker *w)
{
	while (!shared(stop_workers)) {
		u64 random = next_random(&w->random);
		struct torture_kick_args args = {
			.nr = (random >> 16) % (random & 7 ? 64 : opts.burst) + 1,
		};
		struct kick_torture *sched = shared(control);
		bool dropped = !shared(loaded) || shared(sched->data->uei.kind);

		/* Some of those that are dropped are enough */
		if (dropped)
			args.nr = 8;
		sched = any_kicker(sched, random >> 5);
		run_program(sched->progs.torture_kick, &args, sizeof(args));
		turn(w);
		if (dropped)
			usleep(20000);
		else if (!(random & 0x18))
			usleep(random >> 8 & 0xff);
	}
}

static void *worker_thread(void *arg)
{
	struct worker *w = arg;

	if (!be(SCHED_EXT, 0))
		fail("no policy SCHED_EXT: %s", strerror(errno));
	__atomic_store_n(&w->tid, syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	w->body(w);
	return NULL;
}

static struct worker *add_worker(void (*body)(struct worker *w))
{
	struct worker *w = &workers[nr_workers++];

	w->body = body;
	w->random = seed_of(SEED_WORKERS + nr_workers);
	return w;
}

/* Two that pass a token to and fro */
static bool add_pair(void)
{
	struct worker *a = add_worker(work_pass), *b = add_worker(work_pass);
	int ab[2], ba[2];

	if (pipe2(ab, O_CLOEXEC) || pipe2(ba, O_CLOEXEC))
		return false;
	a->out = ab[1];
	b->in = ab[0];
	b->out = ba[1];
	a->in = ba[0];
	return write(a->out, "", 1) == 1;
}

static bool start_worker(struct worker *w)
{
	if (pthread_create(&w->thread, NULL, worker_thread, w) || !WAIT_FOR(shared(w->tid)))
		return false;
	orders->workers[(w - workers) % TORTURE_NR_WORKERS] = w->tid;
	return true;
}

bool start_workers(void)
{
	u32 set;
	int i;

	workers = calloc(7 * opts.sets * nr_cpus, sizeof(*workers));
	if (!workers)
		return false;
	for (set = 0; set < opts.sets * nr_cpus; set++) {
		add_worker(work_spin);
		add_worker(work_nap);
		add_worker(work_yield);
		add_worker(work_kick);
		add_worker(work_kick);
		if (!add_pair())
			return false;
	}
	for (i = 0; i < nr_workers; i++) {
		if (!start_worker(&workers[i]))
			return false;
	}
	return !failed();
}

bool end_workers(void)
{
	char name[32];
	int i;

	__atomic_store_n(&stop_workers, true, __ATOMIC_SEQ_CST);
	/* Those that wait for a token get one */
	for (i = 0; i < nr_workers; i++) {
		if (workers[i].out && write(workers[i].out, "", 1) != 1)
			fail("a pipe is full");
	}
	for (i = 0; i < nr_workers; i++) {
		snprintf(name, sizeof(name), "task %d", workers[i].tid);
		if (workers[i].tid && !join(workers[i].thread, name))
			return false;
	}
	return true;
}

pid_t any_worker(u64 *random)
{
	return workers[next_random(random) % nr_workers].tid;
}

/* One that executes user code whenever it runs, and does not rest */
pid_t any_spinner(u64 *random)
{
	struct worker *w;

	do {
		w = &workers[next_random(random) % nr_workers];
	} while (w->body != work_spin);
	return w->tid;
}

/*
 * Not one in a BPF program of a system call, which may be preempted while it must not migrate:
 * when its affinity changes meanwhile, Linux 6.12 warns in affine_move_task(), and a tracing
 * program that comes by with the rq locked may deadlock on that lock in migrate_enable().
 */
pid_t any_mover(u64 *random)
{
	struct worker *w;

	do {
		w = &workers[next_random(random) % nr_workers];
	} while (w->body == work_kick);
	return w->tid;
}

/* Each one must have moved since the last call that was long enough ago */
void check_workers(void)
{
	static u64 then;
	int i;

	if (then && ns_since(then) < lost_secs() * NSEC_PER_SEC)
		return;
	for (i = 0; i < nr_workers; i++) {
		struct worker *w = &workers[i];

		if (then && shared(w->turns) == w->turns_before)
			fail("task %d has not moved for %lu s", w->tid, lost_secs());
		w->turns_before = shared(w->turns);
	}
	then = now_ns();
}
