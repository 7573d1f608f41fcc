/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/worker.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "host/base/loop.h"

enum {
	CHECK_MS = 1000,
	/* So many jobs leave holes in the heap that are worth a look. */
	TRIM_JOBS = 64,
};

struct job {
	enum ebb_work kind;
	void (*work)(void *opaque);
	void (*done)(void *opaque);
	void *opaque;
	const char *name;
	uint64_t begun_ns;
	struct job *next;
};

struct queue {
	struct job *first;
	struct job **end;
};

struct ebb_workers {
	int event_fd;
	int watch;
	int check_timer;
	uint32_t count; /* event loop's thread only */
	uint32_t limits[EBB_WORK_KINDS];
	uint32_t threads_max;

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t queued;
	struct queue queues[EBB_WORK_KINDS];
	struct queue finished;
	uint32_t waiting; /* in the queues */
	uint32_t running[EBB_WORK_KINDS];
	struct job *looks; /* that run */
	uint32_t turn; /* the kind that is looked at first */
	uint32_t holds;
	bool stopping; /* nobody may begin to hold */
	bool ended; /* threads shall end */
	uint32_t idle; /* threads that wait for a job, or look for one now */
	uint32_t jobs; /* begun since the heap was trimmed */
	uint32_t jobs_checked; /* of these, at the last check */
	bool trim; /* some thread shall */
	uint32_t thread_count;
	pthread_t threads[EBB_WORKERS_MAX + EBB_WORKERS_OWN +
			  EBB_WORKERS_STUCK_MAX];
};

/* The pool whose thread this is. */
static __thread struct ebb_workers *own_workers;

static void push(struct queue *queue, struct job *job)
{
	job->next = NULL;
	if (!queue->first)
		queue->end = &queue->first;
	*queue->end = job;
	queue->end = &job->next;
}

static struct job *pop(struct queue *queue)
{
	struct job *job = queue->first;

	if (job)
		queue->first = job->next;
	return job;
}

/* One job a turn of the loop, so that others have theirs in between. */
static void on_finished(int watch, int fd, int events, void *opaque)
{
	struct ebb_workers *workers = opaque;
	struct job *job;
	eventfd_t one;

	(void)watch;
	(void)events;
	if (eventfd_read(fd, &one) < 0)
		return;
	pthread_mutex_lock(&workers->lock);
	job = pop(&workers->finished);
	pthread_mutex_unlock(&workers->lock);
	workers->count--;
	ebb_loop_doing(job->name);
	job->done(job->opaque);
	free(job);
}

static void on_check(int timer, void *opaque);

static void unwatch(struct ebb_workers *workers)
{
	if (workers->check_timer >= 0)
		ebb_loop_timer_remove(workers->check_timer);
	if (workers->watch >= 0)
		ebb_loop_unwatch(workers->watch);
	close(workers->event_fd);
}

int ebb_workers_new(uint32_t threads, uint32_t reclaims,
		    struct ebb_workers **ret_workers)
{
	struct ebb_workers *workers;
	int r;

	if (threads < EBB_WORKERS_MIN || threads > EBB_WORKERS_MAX ||
	    reclaims == 0)
		return -EINVAL;
	workers = calloc(1, sizeof(*workers));
	if (!workers)
		return -ENOMEM;
	workers->threads_max = threads + EBB_WORKERS_OWN;
	for (uint32_t kind = 0; kind < EBB_WORK_KINDS; kind++)
		workers->limits[kind] = threads;
	workers->limits[EBB_WORK_RECLAIM] = reclaims;
	workers->limits[EBB_WORK_CONNECTION] = 1;
	workers->limits[EBB_WORK_READ] = 1;
	workers->limits[EBB_WORK_HISTORY] = 1;
	workers->event_fd =
		eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
	if (workers->event_fd < 0) {
		r = -errno;
		free(workers);
		return r;
	}
	workers->watch = ebb_loop_watch(workers->event_fd, EBB_LOOP_READABLE,
					on_finished, workers);
	workers->check_timer = ebb_loop_timer(CHECK_MS, on_check, workers);
	if (workers->watch < 0 || workers->check_timer < 0) {
		unwatch(workers);
		free(workers);
		return -EIO;
	}
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->queued, NULL);
	*ret_workers = workers;
	return 0;
}

void ebb_workers_free(struct ebb_workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->ended = true;
	pthread_cond_broadcast(&workers->queued);
	pthread_mutex_unlock(&workers->lock);
	for (uint32_t i = 0; i < workers->thread_count; i++)
		pthread_join(workers->threads[i], NULL);
	unwatch(workers);
	pthread_cond_destroy(&workers->queued);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}

/* Under the lock: looks that do not count any more. */
static uint32_t stuck_looks(const struct ebb_workers *workers)
{
	uint64_t now_ns = ebb_now_ns();
	uint32_t count = 0;

	for (const struct job *job = workers->looks; job; job = job->next)
		count += now_ns - job->begun_ns >=
			 EBB_WORKERS_STUCK_S * EBB_NS_PER_S;
	return count < EBB_WORKERS_STUCK_MAX ? count : EBB_WORKERS_STUCK_MAX;
}

/* Under the lock: leaves a thread to each kind that has none. */
static bool may_start(const struct ebb_workers *workers, uint32_t kind)
{
	uint32_t used = 1;

	for (uint32_t other = 0; other < EBB_WORK_KINDS; other++) {
		uint32_t running = workers->running[other];

		if (other == EBB_WORK_LOOK)
			running -= stuck_looks(workers);
		if (other == kind && running >= workers->limits[kind])
			return false;
		used += running || other == kind ? running : 1;
	}
	return used <= workers->threads_max;
}

/* Under the lock: the job that is next, or NULL. */
static struct job *next_job(struct ebb_workers *workers)
{
	for (uint32_t i = 0; i < EBB_WORK_KINDS; i++) {
		uint32_t kind = (workers->turn + i) % EBB_WORK_KINDS;

		if (!workers->queues[kind].first || !may_start(workers, kind))
			continue;
		workers->turn = (kind + 1) % EBB_WORK_KINDS;
		workers->waiting--;
		workers->running[kind]++;
		workers->jobs++;
		return pop(&workers->queues[kind]);
	}
	return NULL;
}

static void begin_look(struct ebb_workers *workers, struct job *job)
{
	job->begun_ns = ebb_now_ns();
	job->next = workers->looks;
	workers->looks = job;
}

static void end_look(struct ebb_workers *workers, const struct job *job)
{
	struct job **link = &workers->looks;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
}

/* Under the lock, which is given up for the job's work. */
static void run_job(struct ebb_workers *workers, struct job *job)
{
	if (job->kind == EBB_WORK_LOOK)
		begin_look(workers, job);
	pthread_mutex_unlock(&workers->lock);
	job->work(job->opaque);
	pthread_mutex_lock(&workers->lock);
	if (job->kind == EBB_WORK_LOOK)
		end_look(workers, job);
	workers->running[job->kind]--;
	push(&workers->finished, job);
	/* The loop that it wakes takes the lock, while this may wait for a CPU. */
	workers->idle++;
	pthread_mutex_unlock(&workers->lock);
	eventfd_write(workers->event_fd, 1);
	pthread_mutex_lock(&workers->lock);
	workers->idle--;
}

/* Under the lock, which is given up meanwhile. */
static void trim(struct ebb_workers *workers)
{
	workers->trim = false;
	pthread_mutex_unlock(&workers->lock);
	malloc_trim(0);
	pthread_mutex_lock(&workers->lock);
}

static void *run_thread(void *opaque)
{
	struct ebb_workers *workers = opaque;
	struct job *job;

	own_workers = workers;
	/* Waits of some microseconds shall not be stretched to 50. */
	prctl(PR_SET_TIMERSLACK, 1000);
	pthread_mutex_lock(&workers->lock);
	while (!workers->ended) {
		job = next_job(workers);
		if (job) {
			run_job(workers, job);
			continue;
		}
		if (workers->trim) {
			trim(workers);
			continue;
		}
		workers->idle++;
		pthread_cond_wait(&workers->queued, &workers->lock);
		workers->idle--;
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

/* Under the lock. Returns 0, or -EAGAIN if there is no thread at all. */
static int start_thread(struct ebb_workers *workers)
{
	sigset_t all, before;
	int r;

	/* Signals are for the event loop's thread; a fault stays where it is. */
	sigfillset(&all);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGSEGV);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&workers->threads[workers->thread_count], NULL,
			   run_thread, workers);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		workers->thread_count++;
	return workers->thread_count ? 0 : -EAGAIN;
}

/* Under the lock: threads that were woken for others that wait are not idle. */
static bool needs_thread(const struct ebb_workers *workers, uint32_t waiting)
{
	uint32_t max = workers->threads_max + stuck_looks(workers);

	/* Without work for those of one kind, there are none of them. */
	if (workers->running[EBB_WORK_HISTORY] == 0 &&
	    !workers->queues[EBB_WORK_HISTORY].first)
		max -= EBB_WORKERS_OWN;
	return workers->idle < waiting && workers->thread_count < max;
}

/*
 * Under the lock: what many jobs had, such as each domain's XML, lies between what
 * lasts, so it goes back to the system only if it is asked for: a sixth of all that
 * ebbd had for 100 domains.
 */
static void want_trim(struct ebb_workers *workers)
{
	bool calm = workers->waiting == 0 &&
		    workers->jobs == workers->jobs_checked;

	workers->jobs_checked = workers->jobs;
	if (!calm || workers->jobs < TRIM_JOBS)
		return;
	workers->jobs = workers->jobs_checked = 0;
	workers->trim = true;
	pthread_cond_signal(&workers->queued);
}

/* What waits behind looks that are stuck is queued already. */
static void on_check(int timer, void *opaque)
{
	struct ebb_workers *workers = opaque;
	uint32_t before = UINT32_MAX;

	(void)timer;
	pthread_mutex_lock(&workers->lock);
	want_trim(workers);
	while (!workers->stopping && before != workers->thread_count &&
	       needs_thread(workers, workers->waiting)) {
		before = workers->thread_count;
		start_thread(workers);
	}
	if (workers->waiting > 0)
		pthread_cond_broadcast(&workers->queued);
	pthread_mutex_unlock(&workers->lock);
}

int ebb_workers_run_named(struct ebb_workers *workers, enum ebb_work kind,
			  void (*work)(void *opaque),
			  void (*done)(void *opaque), void *opaque,
			  const char *name)
{
	struct job *job = calloc(1, sizeof(*job));
	int r = 0;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .kind = kind,
			     .work = work,
			     .done = done,
			     .opaque = opaque,
			     .name = name };
	pthread_mutex_lock(&workers->lock);
	if (needs_thread(workers, workers->waiting + 1))
		r = start_thread(workers);
	if (r == 0) {
		push(&workers->queues[kind], job);
		workers->waiting++;
		pthread_cond_signal(&workers->queued);
	}
	pthread_mutex_unlock(&workers->lock);
	if (r < 0)
		free(job);
	else
		workers->count++;
	return r;
}

uint32_t ebb_workers_count(const struct ebb_workers *workers)
{
	return workers->count;
}

uint32_t ebb_workers_threads(struct ebb_workers *workers)
{
	uint32_t count;

	pthread_mutex_lock(&workers->lock);
	count = workers->thread_count;
	pthread_mutex_unlock(&workers->lock);
	return count;
}

bool ebb_workers_stop(struct ebb_workers *workers)
{
	bool may_exit;

	pthread_mutex_lock(&workers->lock);
	workers->stopping = true;
	may_exit = workers->holds == 0 &&
		   workers->running[EBB_WORK_RELEASE] == 0 &&
		   !workers->queues[EBB_WORK_RELEASE].first;
	pthread_mutex_unlock(&workers->lock);
	return may_exit;
}

bool ebb_worker_hold(void)
{
	struct ebb_workers *workers = own_workers;
	bool may_begin;

	if (!workers)
		return true;
	pthread_mutex_lock(&workers->lock);
	may_begin = !workers->stopping;
	workers->holds += may_begin;
	pthread_mutex_unlock(&workers->lock);
	return may_begin;
}

void ebb_worker_let_go(void)
{
	struct ebb_workers *workers = own_workers;

	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->holds--;
	pthread_mutex_unlock(&workers->lock);
}
