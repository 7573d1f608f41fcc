/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbd is asked in a round, in this order, and which members of it are wanted. */
#ifndef EBB_HOST_EXPORTER_QUESTION_H
#define EBB_HOST_EXPORTER_QUESTION_H

#include <json-c/json.h>

/* The last one of a round may be left out. EXP_PAST is asked beside it: see past.h. */
enum exp_question {
	EXP_DAEMON,
	EXP_DOMAINS,
	EXP_POLICY,
	EXP_QUESTION_COUNT,
	EXP_PAST = EXP_QUESTION_COUNT,
	EXP_ANSWER_COUNT
};

/* The command of the control socket. */
const char *exp_question_name(enum exp_question question);

/*
 * The arguments of the command, with the members of a domain that are made use of: see
 * host/interface/selection.h. The caller owns them. NULL: none, or no memory.
 */
struct json_object *exp_question_request(enum exp_question question);

#endif /* EBB_HOST_EXPORTER_QUESTION_H */
