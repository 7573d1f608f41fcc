/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/rung/hand.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/u64.h"
#include "host/base/worker.h"
#include "host/lease/asker.h"

enum {
	POLL_US = 200 * 1000,
	/* The driver is asked at once when the period is set. */
	DRIVER_MS = 3 * 1000,
	PERIOD_S = 1,
	/* Periods that a driver which answers may be late. */
	LATE_PERIODS = 3,
};

struct question {
	struct ebb_question head;
	struct ebb_balloon_line *line;
	struct ebb_balloon_act act;
	struct ebb_hand_answer answer;
};

static void work(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;
	struct ebb_hand_answer *answer = &question->answer;

	answer->result = ebb_balloon_line_act(question->line, &question->act,
					      &answer->stats, answer->error);
}

static void release(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;

	ebb_balloon_line_free(question->line);
	free(question);
}

void ebb_hand_init(struct ebb_hand *hand, const char *uri, const char *uuid)
{
	*hand = (struct ebb_hand){ .asker = NULL };
	snprintf(hand->uri, sizeof(hand->uri), "%s", uri);
	snprintf(hand->uuid, sizeof(hand->uuid), "%s", uuid);
}

void ebb_hand_release(struct ebb_hand *hand)
{
	ebb_asker_free(hand->asker);
	ebb_balloon_line_free(hand->line);
	hand->asker = NULL;
	hand->line = NULL;
}

static int prepare(struct ebb_hand *hand)
{
	if (!hand->line)
		hand->line = ebb_balloon_line_new(hand->uri, hand->uuid);
	if (!hand->line)
		return -ENOMEM;
	return hand->asker ? 0 : ebb_asker_new(&hand->asker);
}

int ebb_hand_ask(struct ebb_hand *hand, const struct ebb_balloon_act *act)
{
	struct question *question;
	int r;

	if (ebb_hand_is_asked(hand))
		return -EBUSY;
	r = prepare(hand);
	if (r < 0)
		return r;
	question = calloc(1, sizeof(*question));
	if (!question)
		return -ENOMEM;
	question->head.work = work;
	question->head.release = release;
	question->line = hand->line;
	question->act = *act;
	hand->line = NULL;
	/* What is about to be held is; what is about to be given back still is. */
	if (act->write && act->record.base_bytes)
		hand->record = act->record;
	hand->asked_ns = ebb_now_ns();
	ebb_asker_ask(hand->asker, &question->head);
	return 0;
}

bool ebb_hand_is_asked(const struct ebb_hand *hand)
{
	return hand->asker && ebb_asker_is_asked(hand->asker);
}

bool ebb_hand_take(struct ebb_hand *hand, uint64_t until_ns,
		   struct ebb_hand_answer *ret_answer)
{
	struct ebb_question *head =
		hand->asker ? ebb_asker_take(hand->asker, until_ns) : NULL;
	struct question *question = (struct question *)(void *)head;

	if (!question)
		return false;
	*ret_answer = question->answer;
	hand->line = question->line;
	/* Once, whatever came after that: it is not to be given back twice. */
	if (question->act.write && !question->act.record.base_bytes &&
	    (ret_answer->result == 0 || ret_answer->stats.resized))
		hand->record = question->act.record;
	free(question);
	return true;
}

static uint64_t answer_limit_ns(void)
{
	return ebb_now_ns() + EBB_HAND_ANSWER_S * EBB_NS_PER_S;
}

static int silence(int r, struct ebb_hand_answer *ret_answer)
{
	snprintf(ret_answer->error, sizeof(ret_answer->error), "%s",
		 r == -ETIMEDOUT ? "QEMU or libvirtd does not answer"
		 : r == -EBUSY	 ? "too many calls of libvirt hang"
				 : strerror(-r));
	return r;
}

int ebb_hand_do(struct ebb_hand *hand, const struct ebb_balloon_act *act,
		struct ebb_hand_answer *ret_answer)
{
	int r;

	if (ebb_hand_is_asked(hand) &&
	    !ebb_hand_take(hand, answer_limit_ns(), ret_answer))
		return silence(-ETIMEDOUT, ret_answer);
	r = ebb_hand_ask(hand, act);
	if (r < 0)
		return silence(r, ret_answer);
	if (!ebb_hand_take(hand, answer_limit_ns(), ret_answer))
		return silence(-ETIMEDOUT, ret_answer);
	return ret_answer->result;
}

static bool is_young(const struct ebb_balloon_stats *stats, uint32_t period_s)
{
	uint64_t now_s = (uint64_t)time(NULL);

	return stats->stamp_s &&
	       stats->stamp_s + (uint64_t)LATE_PERIODS * period_s >= now_s;
}

/* With a period, until it answers. */
static int await_driver(struct ebb_hand *hand, uint64_t before_s,
			struct ebb_hand_answer *ret_answer)
{
	static const struct ebb_balloon_act read = { 0 };
	uint64_t until_ns = ebb_now_ns() + DRIVER_MS * EBB_NS_PER_MS;
	int r = 0;

	while (r == 0 && ret_answer->stats.stamp_s <= before_s) {
		if (ebb_now_ns() >= until_ns)
			return -ENODATA;
		ebb_sleep_us(POLL_US);
		r = ebb_hand_do(hand, &read, ret_answer);
	}
	return r;
}

static int hear_driver(struct ebb_hand *hand, uint32_t period_s,
		       struct ebb_hand_answer *ret_answer)
{
	const struct ebb_balloon_act start = { .set_period = true,
					       .period_s = PERIOD_S };
	const struct ebb_balloon_act stop = { .set_period = true,
					      .period_s = period_s };
	struct ebb_hand_answer unused;
	uint64_t before_s;
	int r = ebb_hand_do(hand, &(struct ebb_balloon_act){ 0 }, ret_answer);

	if (r < 0)
		return r;
	before_s = ret_answer->stats.stamp_s;
	r = ebb_hand_do(hand, &start, ret_answer);
	if (r == 0)
		r = await_driver(hand, before_s, ret_answer);
	if (r != -ETIMEDOUT)
		ebb_hand_do(hand, &stop, &unused);
	return r < 0 || ret_answer->stats.usable_known ? r : -ENODATA;
}

int ebb_hand_hear_driver(struct ebb_hand *hand, uint32_t period_s,
			 struct ebb_hand_answer *ret_answer)
{
	int r;

	/* ebbd does not end in the midst of it: its own period would stay. */
	if (!ebb_worker_hold())
		return silence(-ECANCELED, ret_answer);
	r = hear_driver(hand, period_s, ret_answer);
	ebb_worker_let_go();
	return r;
}

int ebb_hand_try_driver(struct ebb_hand *hand, uint32_t period_s,
			struct ebb_hand_answer *ret_answer)
{
	int r;

	if (!period_s)
		return ebb_hand_hear_driver(hand, 0, ret_answer);
	r = ebb_hand_do(hand, &(struct ebb_balloon_act){ 0 }, ret_answer);
	/* It has had its time. */
	if (r == 0 && (!is_young(&ret_answer->stats, period_s) ||
		       !ret_answer->stats.usable_known))
		return -ENODATA;
	return r;
}

struct ebb_balloon_record
ebb_hand_record_now(const struct ebb_balloon_record *record,
		    uint64_t memory_bytes)
{
	struct ebb_balloon_record now = *record;
	/* What the balloon leaves is all but this. */
	uint64_t others_bytes = record->memory_bytes - record->base_bytes;
	uint64_t taken_bytes = record->base_bytes - record->left_bytes;

	if (!record->base_bytes)
		return now;
	now.memory_bytes = memory_bytes;
	if (!record->memory_bytes) {
		now.base_bytes = ebb_u64_min(record->base_bytes, memory_bytes);
		now.left_bytes = ebb_u64_min(record->left_bytes, memory_bytes);
	} else if (others_bytes + taken_bytes < memory_bytes) {
		now.base_bytes = memory_bytes - others_bytes;
		now.left_bytes = now.base_bytes - taken_bytes;
	} else {
		now.base_bytes = now.left_bytes = 0;
	}
	return now;
}

uint64_t ebb_hand_held_bytes(const struct ebb_balloon_record *record,
			     const struct ebb_balloon_stats *stats)
{
	const struct ebb_balloon_record now =
		ebb_hand_record_now(record, stats->memory_bytes);
	uint64_t missing_bytes = now.base_bytes > stats->actual_bytes
					 ? now.base_bytes - stats->actual_bytes
					 : 0;

	return ebb_u64_min(missing_bytes, now.base_bytes - now.left_bytes);
}

bool ebb_hand_is_above(const struct ebb_balloon_record *record,
		       const struct ebb_balloon_stats *stats)
{
	return stats->actual_bytes >
	       ebb_hand_record_now(record, stats->memory_bytes).base_bytes;
}

struct ebb_balloon_act
ebb_hand_give_back(const struct ebb_balloon_record *record,
		   const struct ebb_balloon_stats *stats)
{
	const struct ebb_balloon_record now =
		ebb_hand_record_now(record, stats->memory_bytes);

	return (struct ebb_balloon_act){
		.write = true,
		/*
		 * Who made it smaller than it was may have it so. One that has not
		 * moved may still be asked to.
		 */
		.resize = !ebb_hand_is_above(record, stats),
		.left_bytes = ebb_u64_min(stats->actual_bytes + now.base_bytes -
						  now.left_bytes,
					  now.base_bytes),
		.set_period = true,
		.period_s = record->period_s,
	};
}
