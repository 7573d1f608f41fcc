/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whether the model and the code mean the same protocol: the names and codes
 * of lease-table.h, and its moves against ebb_lease_may() for each actor and
 * each pair of bytes.
 */
#include <stdio.h>

#include "protocol/lease.h"
#include "protocol/ring.h"

/* The code's values, kept before the model's macros take their names. */
static const __u32 code_values[] = {
	EBB_LEASE_FREE, EBB_LEASE_OFFERED, EBB_LEASE_TAKEN,   EBB_LEASE_GRANTED,
	EBB_LEASE_DONE, EBB_LEASE_FAILED,  EBB_LEASE_REVOKED, EBB_RING_CLOSED,
	EBB_RING_OPEN,	EBB_HOST_DETACHED, EBB_HOST_ATTACHED,
};

static const enum ebb_lease_actor GUEST = EBB_ACTOR_GUEST;
static const enum ebb_lease_actor HOST = EBB_ACTOR_HOST;

#include "lease-table.h"

static const struct {
	const char *name;
	__u32 value;
} model_values[] = {
	{ "EBB_LEASE_FREE", EBB_LEASE_FREE },
	{ "EBB_LEASE_OFFERED", EBB_LEASE_OFFERED },
	{ "EBB_LEASE_TAKEN", EBB_LEASE_TAKEN },
	{ "EBB_LEASE_GRANTED", EBB_LEASE_GRANTED },
	{ "EBB_LEASE_DONE", EBB_LEASE_DONE },
	{ "EBB_LEASE_FAILED", EBB_LEASE_FAILED },
	{ "EBB_LEASE_REVOKED", EBB_LEASE_REVOKED },
	{ "EBB_RING_CLOSED", EBB_RING_CLOSED },
	{ "EBB_RING_OPEN", EBB_RING_OPEN },
	{ "EBB_HOST_DETACHED", EBB_HOST_DETACHED },
	{ "EBB_HOST_ATTACHED", EBB_HOST_ATTACHED },
};

enum {
	VALUE_COUNT = sizeof(code_values) / sizeof(code_values[0])
};

static_assert(sizeof(model_values) / sizeof(model_values[0]) == VALUE_COUNT,
	      "a name is missing");

static bool model_may(enum ebb_lease_actor actor, __u32 from, __u32 to)
{
#define MOVE(who, a, b) \
	(actor == who && from == EBB_LEASE_##a && to == EBB_LEASE_##b) ||
	return MODEL_MOVES(MOVE) false;
#undef MOVE
}

static int check_values(void)
{
	int wrong = 0;

	for (int i = 0; i < VALUE_COUNT; i++) {
		if (code_values[i] == model_values[i].value)
			continue;
		printf("%s: protocol says 0x%x, lease-table.h 0x%x\n",
		       model_values[i].name, code_values[i],
		       model_values[i].value);
		wrong++;
	}
	return wrong;
}

static int check_moves(enum ebb_lease_actor actor, const char *name)
{
	int wrong = 0;

	for (__u32 from = 0; from < 256; from++) {
		for (__u32 to = 0; to < 256; to++) {
			bool code = ebb_lease_may(actor, from, to);

			if (code == model_may(actor, from, to))
				continue;
			printf("%s 0x%x -> 0x%x: %s only\n", name, from, to,
			       code ? "ebb_lease_may()" : "lease-table.h");
			wrong++;
		}
	}
	return wrong;
}

int main(void)
{
	int wrong = check_values() + check_moves(GUEST, "guest") +
		    check_moves(HOST, "host");

	return wrong ? 1 : 0;
}
