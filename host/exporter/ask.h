/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One round of questions to ebbd, without a wait.
 *
 * There is at most one connection, and one question on it at a time. It is made for each
 * round anew, so that an ebbd that was restarted is asked as any. A round ends after
 * EXP_ROUND_MS, whatever ebbd does. A refusal costs one answer; any other error ends the
 * round.
 */
#ifndef EBB_HOST_EXPORTER_ASK_H
#define EBB_HOST_EXPORTER_ASK_H

#include <sys/types.h>

#include "host/exporter/page.h"
#include "host/interface/asking.h"

enum {
	EXP_ROUND_MS = 5 * 1000
};

/**
 * struct exp_ask - zeroed is not valid: use exp_ask_init()
 * @asking: its fd is to be watched for input; -1: no round is under way
 * @peer: the process that was connected to last
 * @question: that is being asked, of those until @last
 * @round: what came so far
 */
struct exp_ask {
	struct ebb_asking asking;
	pid_t peer;
	uint64_t began_ns;
	enum exp_question question;
	enum exp_question last;
	struct exp_round round;
};

/* @path: of ebbd's control socket; stays valid. */
void exp_ask_init(struct exp_ask *ask, const char *path);
void exp_ask_clear(struct exp_ask *ask);

/**
 * exp_ask_begin - a new round; none is under way
 * @keep_policy: EXP_POLICY is not asked, unless another process answers than before
 *
 * Returns true if it has ended already: ebbd cannot be reached.
 */
bool exp_ask_begin(struct exp_ask *ask, bool keep_policy);

/* Likewise a round that asks EXP_PAST alone. @arguments: are the ask's then. */
bool exp_ask_begin_past(struct exp_ask *ask, struct json_object *arguments);

/**
 * exp_ask_turn - goes on with what came, or with that time passed
 *
 * Returns true once the round that is under way has ended: @ask->round is complete.
 */
bool exp_ask_turn(struct exp_ask *ask);

/* How long exp_ask_turn() may be left out while nothing comes; -1: for ever. */
int exp_ask_timeout_ms(const struct exp_ask *ask);

#endif /* EBB_HOST_EXPORTER_ASK_H */
