/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/permission.h"

#include <time.h>

#include "common/clock.h"

enum {
	/* So old, an answer is asked for anew. */
	RENEW_MS = EBB_PERMISSION_MS / 2,
	/* Nobody wanted one for so long: a guest that has to free memory first. */
	WANTED_MS = 100,
};

static bool is_within(uint64_t since_ns, uint32_t age_ms)
{
	return since_ns && ebb_now_ns() - since_ns < (uint64_t)age_ms * 1000000;
}

/* Under the lock: waits until something changed, or the answer has aged. */
static void wait_for_age(struct ebb_permission *permission)
{
	uint64_t until_ns =
		permission->answered_ns + (uint64_t)RENEW_MS * 1000000;
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000),
				  .tv_nsec = (long)(until_ns % 1000000000) };

	pthread_cond_timedwait(&permission->changed, &permission->lock, &until);
}

static void renew(struct ebb_permission *permission)
{
	uint64_t asked_ns = ebb_now_ns();
	int answer;

	pthread_mutex_unlock(&permission->lock);
	answer = permission->ask(permission->opaque);
	pthread_mutex_lock(&permission->lock);
	permission->answer = answer;
	permission->answered_ns = asked_ns;
	pthread_cond_broadcast(&permission->changed);
}

static void *keep_asking(void *opaque)
{
	struct ebb_permission *permission = opaque;

	pthread_mutex_lock(&permission->lock);
	while (!permission->ended) {
		if (!permission->waited_for &&
		    !is_within(permission->wanted_ns, WANTED_MS))
			pthread_cond_wait(&permission->changed,
					  &permission->lock);
		else if (is_within(permission->answered_ns, RENEW_MS))
			wait_for_age(permission);
		else
			renew(permission);
	}
	pthread_mutex_unlock(&permission->lock);
	return NULL;
}

static void release(struct ebb_permission *permission)
{
	pthread_cond_destroy(&permission->changed);
	pthread_mutex_destroy(&permission->lock);
}

int ebb_permission_start(struct ebb_permission *permission,
			 int (*ask)(void *opaque), void *opaque)
{
	pthread_condattr_t attributes;
	int r;

	*permission = (struct ebb_permission){ .ask = ask,
					       .opaque = opaque,
					       .wanted_ns = ebb_now_ns() };
	pthread_mutex_init(&permission->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&permission->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&permission->thread, NULL, keep_asking, permission);
	if (r)
		release(permission);
	return -r;
}

void ebb_permission_stop(struct ebb_permission *permission)
{
	pthread_mutex_lock(&permission->lock);
	permission->ended = true;
	pthread_cond_broadcast(&permission->changed);
	pthread_mutex_unlock(&permission->lock);
	pthread_join(permission->thread, NULL);
	release(permission);
}

/* Where answers take longer than they are good for, one of now does. */
static bool is_young(const struct ebb_permission *permission,
		     uint64_t called_ns)
{
	return permission->answered_ns >= called_ns ||
	       is_within(permission->answered_ns, EBB_PERMISSION_MS);
}

int ebb_permission_get(struct ebb_permission *permission)
{
	uint64_t called_ns = ebb_now_ns();
	int answer;

	pthread_mutex_lock(&permission->lock);
	permission->wanted_ns = called_ns;
	/* Nobody is woken where there is one: that is the thread's own clock. */
	if (!is_young(permission, called_ns)) {
		permission->waited_for = true;
		pthread_cond_broadcast(&permission->changed);
		while (!is_young(permission, called_ns))
			pthread_cond_wait(&permission->changed,
					  &permission->lock);
		permission->waited_for = false;
		permission->wanted_ns = ebb_now_ns();
	}
	answer = permission->answer;
	pthread_mutex_unlock(&permission->lock);
	return answer;
}
