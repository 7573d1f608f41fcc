/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host/base/loop.h"

struct job {
	struct ebb_workers *workers;
	void (*work)(void *opaque);
	void (*done)(void *opaque);
	void *opaque;
	struct job *next;
};

struct ebb_workers {
	int event_fd;
	int watch;
	uint32_t count; /* event loop's thread only */
	pthread_mutex_t lock;
	struct job *finished; /* under lock */
};

static void on_finished(int watch, int fd, int events, void *opaque)
{
	struct ebb_workers *workers = opaque;
	struct job *job, *next;
	eventfd_t wakeups;

	(void)watch;
	(void)events;
	eventfd_read(fd, &wakeups);
	pthread_mutex_lock(&workers->lock);
	job = workers->finished;
	workers->finished = NULL;
	pthread_mutex_unlock(&workers->lock);

	for (; job; job = next) {
		next = job->next;
		workers->count--;
		job->done(job->opaque);
		free(job);
	}
}

int ebb_workers_new(struct ebb_workers **ret_workers)
{
	struct ebb_workers *workers = calloc(1, sizeof(*workers));
	int r;

	if (!workers)
		return -ENOMEM;
	workers->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (workers->event_fd < 0) {
		r = -errno;
		free(workers);
		return r;
	}
	pthread_mutex_init(&workers->lock, NULL);
	workers->watch = ebb_loop_watch(workers->event_fd, EBB_LOOP_READABLE,
					on_finished, workers);
	if (workers->watch < 0) {
		close(workers->event_fd);
		free(workers);
		return -EIO;
	}
	*ret_workers = workers;
	return 0;
}

void ebb_workers_free(struct ebb_workers *workers)
{
	if (!workers)
		return;
	ebb_loop_unwatch(workers->watch);
	close(workers->event_fd);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

static void *run_job(void *opaque)
{
	struct job *job = opaque;
	struct ebb_workers *workers = job->workers;

	/* Waits of some microseconds shall not be stretched to 50. */
	prctl(PR_SET_TIMERSLACK, 1000);
	job->work(job->opaque);

	pthread_mutex_lock(&workers->lock);
	job->next = workers->finished;
	workers->finished = job;
	/* Under the lock: the owner may free @workers once it saw the job. */
	eventfd_write(workers->event_fd, 1);
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

int ebb_workers_run(struct ebb_workers *workers, void (*work)(void *opaque),
		    void (*done)(void *opaque), void *opaque)
{
	struct job *job = calloc(1, sizeof(*job));
	sigset_t all, before;
	pthread_t thread;
	int r;

	if (!job)
		return -ENOMEM;
	*job = (struct job){
		.workers = workers, .work = work, .done = done, .opaque = opaque
	};
	/* Signals are for the event loop's thread; a fault stays where it is. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&thread, NULL, run_job, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r) {
		free(job);
		return -r;
	}
	pthread_detach(thread);
	workers->count++;
	return 0;
}

uint32_t ebb_workers_count(const struct ebb_workers *workers)
{
	return workers->count;
}
