/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/asker.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"

enum {
	ASKERS_LEFT_MAX = 32
};

/* Threads that were left with a call under way. */
static atomic_uint left_count;

/*
 * @asked: by the owner: there is a question that it has not taken back
 * @lock: of what follows
 * @question: to be answered, or being answered; the thread's
 * @answer: answered, to be taken
 * @working: a call is under way
 * @ended: the owner is gone
 */
struct ebb_asker {
	bool asked;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct ebb_question *question;
	struct ebb_question *answer;
	bool working;
	bool ended;
};

static void destroy(struct ebb_asker *asker)
{
	if (asker->question)
		asker->question->release(asker->question);
	if (asker->answer)
		asker->answer->release(asker->answer);
	pthread_cond_destroy(&asker->changed);
	pthread_mutex_destroy(&asker->lock);
	free(asker);
}

static void *answer_questions(void *opaque)
{
	struct ebb_asker *asker = opaque;
	bool left = false;

	pthread_mutex_lock(&asker->lock);
	while (!asker->ended) {
		if (!asker->question) {
			pthread_cond_wait(&asker->changed, &asker->lock);
			continue;
		}
		asker->working = true;
		pthread_mutex_unlock(&asker->lock);
		asker->question->work(asker->question);
		pthread_mutex_lock(&asker->lock);
		left = asker->ended;
		asker->working = false;
		asker->answer = asker->question;
		asker->question = NULL;
		pthread_cond_broadcast(&asker->changed);
	}
	pthread_mutex_unlock(&asker->lock);
	if (left) {
		destroy(asker);
		left_count--;
	}
	return NULL;
}

int ebb_asker_new(struct ebb_asker **ret_asker)
{
	struct ebb_asker *asker;
	pthread_condattr_t attributes;
	int r;

	if (left_count >= ASKERS_LEFT_MAX)
		return -EBUSY;
	asker = calloc(1, sizeof(*asker));
	if (!asker)
		return -ENOMEM;
	pthread_mutex_init(&asker->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&asker->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	r = pthread_create(&asker->thread, NULL, answer_questions, asker);
	if (r) {
		destroy(asker);
		return -r;
	}
	*ret_asker = asker;
	return 0;
}

void ebb_asker_ask(struct ebb_asker *asker, struct ebb_question *question)
{
	asker->asked = true;
	pthread_mutex_lock(&asker->lock);
	asker->question = question;
	pthread_cond_broadcast(&asker->changed);
	pthread_mutex_unlock(&asker->lock);
}

bool ebb_asker_is_asked(const struct ebb_asker *asker)
{
	return asker->asked;
}

struct ebb_question *ebb_asker_take(struct ebb_asker *asker, uint64_t until_ns)
{
	struct timespec until = { .tv_sec = (time_t)(until_ns / 1000000000),
				  .tv_nsec = (long)(until_ns % 1000000000) };
	struct ebb_question *answer;
	int r = 0;

	pthread_mutex_lock(&asker->lock);
	while (asker->asked && !asker->answer && r == 0)
		r = until_ns ? pthread_cond_timedwait(&asker->changed,
						      &asker->lock, &until)
			     : ETIMEDOUT;
	answer = asker->answer;
	asker->answer = NULL;
	pthread_mutex_unlock(&asker->lock);
	if (answer)
		asker->asked = false;
	return answer;
}

void ebb_asker_free(struct ebb_asker *asker)
{
	bool left;

	if (!asker)
		return;
	pthread_mutex_lock(&asker->lock);
	asker->ended = true;
	left = asker->working;
	if (left) {
		left_count++;
		pthread_detach(asker->thread);
	}
	pthread_cond_broadcast(&asker->changed);
	pthread_mutex_unlock(&asker->lock);
	if (left)
		return;
	pthread_join(asker->thread, NULL);
	destroy(asker);
}
