/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What top asks ebbd, and when.
 *
 * In each interval there is one round of questions: the list; where it is of use, the
 * explanation of the selected domain, which costs ebbd a whole decision and is asked for
 * more seldom; all about the domain whose details are shown; and new events. A round
 * ends with the first that goes wrong, and the next one begins anew.
 */
#ifndef EBB_HOST_CTL_TOP_ROUND_H
#define EBB_HOST_CTL_TOP_ROUND_H

#include "host/ctl/top/view.h"
#include "host/interface/asking.h"

enum top_question {
	TOP_ASK_LIST,
	TOP_ASK_EXPLAIN,
	TOP_ASK_SHOW,
	TOP_ASK_EVENTS,
	TOP_ASK_NOTHING, /* no round is under way */
};

/**
 * struct top_round - see top_round_init()
 * @uri: as of struct ebb_domain_request
 * @began_ns: the last one; 0: none began yet
 * @is_hurried: the next one is wanted as soon as may be, TOP_INTERVAL_MIN_MS after that
 * @explained_ns: the last time that was asked for, of @explained_uuid
 * @of_all: ask for the explanation of all: of the selected one there is none
 * @trouble_ns: since then each round went wrong; 0: the last went well
 */
struct top_round {
	struct ebb_asking asking;
	const char *uri;
	enum top_question question;
	uint64_t began_ns;
	bool is_hurried;
	uint64_t explained_ns;
	char explained_uuid[37];
	bool of_all;
	uint64_t trouble_ns;
};

/* @path, @uri: stay valid. */
void top_round_init(struct top_round *round, const char *path, const char *uri);
void top_round_clear(struct top_round *round);

/* A new one; none is under way. Returns true if it has ended already. */
bool top_round_begin(struct top_round *round, struct top_view *view);

/*
 * Goes on with what came. Returns true once the round that is under way has ended:
 * @view has what came, or why nothing did.
 */
bool top_round_turn(struct top_round *round, struct top_view *view);

/* How long nothing has to be done; 0: a turn, or a new round, is due. */
int top_round_timeout_ms(const struct top_round *round,
			 const struct top_view *view);

#endif /* EBB_HOST_CTL_TOP_ROUND_H */
