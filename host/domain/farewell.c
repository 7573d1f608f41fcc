/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/farewell.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/size.h"
#include "host/libvirt/virt.h"

enum {
	CLEAR_READS = 5,
	CLEAR_US = 200 * 1000,
};

/* @told: the log has it already that the memory may stay with the balloon. */
struct farewell {
	struct ebb_hand hand;
	bool give_back;
	bool told;
	char name[EBB_NAME_BYTES_MAX];
};

/* The size is the last that is known: libvirt refuses more than the domain has. */
static void tell_held(const struct farewell *farewell, const char *why)
{
	const struct ebb_balloon_record *record = &farewell->hand.record;

	ebb_log(EBB_LOG_WARNING,
		"%s: its balloon holds %s for Ebb, and cannot give it back now "
		"(%s): nobody watches it until ebbd runs again. To let the "
		"guest have it back: virsh setmem %s %llu --live",
		farewell->name,
		EBB_SIZE(record->base_bytes - record->left_bytes), why,
		farewell->name,
		(unsigned long long)(record->base_bytes / EBB_KIB));
}

/*
 * Reads until the balloon does not leave more than before Ebb, as the guard does; for a
 * second at most.
 */
static int read_clear(struct ebb_hand *hand, struct ebb_hand_answer *ret_answer)
{
	static const struct ebb_balloon_act read = { 0 };
	int r = ebb_hand_do(hand, &read, ret_answer);

	for (int i = 0; r == 0 && i < CLEAR_READS && ebb_hand_holds(hand) &&
			ebb_hand_is_above(&hand->record, &ret_answer->stats);
	     i++) {
		ebb_sleep_us(CLEAR_US);
		r = ebb_hand_do(hand, &read, ret_answer);
	}
	return r;
}

static void farewell_work(void *opaque)
{
	struct farewell *farewell = opaque;
	struct ebb_hand *hand = &farewell->hand;
	struct ebb_hand_answer answer = { 0 };
	struct ebb_balloon_act all;
	int r = 0;

	if (farewell->give_back && ebb_hand_holds(hand)) {
		r = read_clear(hand, &answer);
		all = ebb_hand_give_back(&hand->record, &answer.stats);
		/* The question that was out may have given it back. */
		if (r == 0 && ebb_hand_holds(hand))
			r = ebb_hand_do(hand, &all, &answer);
	}
	if (r < 0 && !farewell->told)
		tell_held(farewell, answer.error);
	else if (r == 0 && farewell->told)
		ebb_log(EBB_LOG_NOTICE,
			"%s: its balloon has given back what it held for Ebb",
			farewell->name);
	ebb_hand_release(hand);
}

static void farewell_done(void *opaque)
{
	free(opaque);
}

void ebb_farewell_begin(struct ebb_workers *workers,
			const struct ebb_farewell *order)
{
	struct farewell *farewell = calloc(1, sizeof(*farewell));

	/* Without memory a thread and a connection are leaked. */
	if (!farewell)
		return;
	farewell->hand = order->hand;
	farewell->give_back = order->give_back;
	snprintf(farewell->name, sizeof(farewell->name), "%s", order->name);
	/* It may not come to that before ebbd has ended. */
	farewell->told = order->give_back && order->unread &&
			 ebb_hand_holds(&farewell->hand);
	if (farewell->told)
		tell_held(farewell, "QEMU or libvirtd does not answer");
	if (ebb_workers_run(workers, EBB_WORK_RELEASE, farewell_work,
			    farewell_done, farewell) < 0)
		free(farewell);
}
