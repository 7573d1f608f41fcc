/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int on_exit_of_child(sd_event_source *source, const siginfo_t *info,
			    void *opaque)
{
	struct ebb_child *child = opaque;
	int code = info->si_code == CLD_EXITED ? info->si_status : -1;

	(void)source;
	child->source = sd_event_source_unref(child->source);
	child->done(code, child->opaque);
	return 0;
}

static void __attribute__((__noreturn__))
run_child(ebb_child_work_fn work, const void *argument, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
#ifdef SYS_close_range
	/* A port that we hold open could not be opened again. */
	syscall(SYS_close_range, 3u, ~0u, 0u);
#endif
	_exit(work(argument));
}

int ebb_child_start(struct ebb_child *child, sd_event *event,
		    ebb_child_work_fn work, const void *argument)
{
	pid_t parent = getpid();
	pid_t pid;
	int r;

	if (child->source)
		return -EBUSY;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(work, argument, parent);
	r = sd_event_add_child(event, &child->source, pid, WEXITED,
			       on_exit_of_child, child);
	if (r < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return r;
	}
	sd_event_source_set_child_process_own(child->source, 1);
	return 0;
}

bool ebb_child_runs(const struct ebb_child *child)
{
	return child->source != NULL;
}

void ebb_child_kill(struct ebb_child *child)
{
	if (child->source)
		sd_event_source_send_child_signal(child->source, SIGKILL, NULL,
						  0);
}

void ebb_child_end(struct ebb_child *child)
{
	/* The source owns the process: it is killed and reaped with it. */
	child->source = sd_event_source_disable_unref(child->source);
}
