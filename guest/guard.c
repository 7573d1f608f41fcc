/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/knobs.h"
#include "guest/sysfile.h"

enum {
	LOCK_MS = 2000,
	LOCK_POLL_MS = 20,
};

struct ebb_guard {
	int lock;
	int end; /* of the pipe; never written to */
	pid_t pid;
};

static int open_lock(const char *state_dir)
{
	char path[EBB_SYSFILE_PATH_BYTES];
	int fd, r;

	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	if ((size_t)snprintf(path, sizeof(path), "%s/lock", state_dir) >=
	    sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	do
		r = flock(fd, LOCK_EX | LOCK_NB);
	while (r < 0 && errno == EINTR);
	if (r < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* An agent that is being killed loses its pipe before its lock. */
static int wait_for_lock(const char *state_dir)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	int lock = open_lock(state_dir);

	for (int waited_ms = 0; lock == -EWOULDBLOCK && waited_ms < LOCK_MS;
	     waited_ms += LOCK_POLL_MS) {
		nanosleep(&pause, NULL);
		lock = open_lock(state_dir);
	}
	return lock;
}

int ebb_guard_restore(const char *root, const char *state_dir)
{
	int lock ebb_auto_close = wait_for_lock(state_dir);
	struct ebb_knobs *knobs;
	int r;

	/* There is an agent, and it did that at its start. */
	if (lock == -EWOULDBLOCK)
		return 0;
	if (lock < 0)
		return lock;
	r = ebb_knobs_new(root, state_dir, &knobs);
	if (r == 0)
		ebb_knobs_free(knobs);
	return r;
}

/* Without what the agent has open: above all the lock and our pipe's other end. */
static void close_others(int kept)
{
#ifdef SYS_close_range
	if (kept > 0 &&
	    syscall(SYS_close_range, 0u, (unsigned int)kept - 1, 0u) == 0 &&
	    syscall(SYS_close_range, (unsigned int)kept + 1, ~0u, 0u) == 0)
		return;
#endif
	for (long fd = sysconf(_SC_OPEN_MAX) - 1; fd >= 0; fd--)
		if (fd != kept)
			close((int)fd);
}

static void __attribute__((__noreturn__))
wait_and_restore(int end, const char *root, const char *state_dir)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_NAME, "ebb-guard");
	close_others(end);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(ebb_guard_restore(root, state_dir) < 0);
}

int ebb_guard_start(const char *root, const char *state_dir,
		    struct ebb_guard **ret_guard)
{
	struct ebb_guard *guard = calloc(1, sizeof(*guard));
	int ends[2], r;

	if (!guard)
		return -ENOMEM;
	guard->lock = wait_for_lock(state_dir);
	r = guard->lock;
	if (r < 0)
		goto err_free;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		r = -errno;
		goto err_lock;
	}
	guard->end = ends[1];
	guard->pid = fork();
	if (guard->pid == 0)
		wait_and_restore(ends[0], root, state_dir);
	r = guard->pid < 0 ? -errno : 0;
	close(ends[0]);
	if (r < 0)
		goto err_pipe;
	*ret_guard = guard;
	return 0;

err_pipe:
	close(ends[1]);
err_lock:
	close(guard->lock);
err_free:
	free(guard);
	return r;
}

void ebb_guard_stop(struct ebb_guard *guard)
{
	if (!guard)
		return;
	kill(guard->pid, SIGKILL);
	waitpid(guard->pid, NULL, 0);
	close(guard->end);
	close(guard->lock);
	free(guard);
}
