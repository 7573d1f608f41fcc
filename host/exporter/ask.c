/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/exporter/ask.h"

#include <stdio.h>
#include <sys/socket.h>

#include "common/clock.h"

static const struct ebb_asking_words words = {
	.start = "Start ebbd, or name its socket with --socket",
	.permit = "Run ebb-exporter in the group that read-group in ebbd.conf "
		  "names, ebb by default",
	.busy = "It takes no connection at the moment",
	.stop = "",
};

void exp_ask_init(struct exp_ask *ask, const char *path)
{
	*ask = (struct exp_ask){ 0 };
	ebb_asking_init(&ask->asking, path, &words);
	ask->asking.keeps = true;
}

void exp_ask_clear(struct exp_ask *ask)
{
	ebb_asking_clear(&ask->asking);
	exp_round_clear(&ask->round);
}

/* Returns true: the round has ended. */
static bool end_round(struct exp_ask *ask)
{
	ebb_asking_close(&ask->asking);
	ask->round.took_us =
		(uint32_t)((ebb_now_ns() - ask->began_ns) / EBB_NS_PER_US);
	return true;
}

/* The first error is told. */
static void note_error(struct exp_ask *ask)
{
	char *error = ask->round.error;

	if (error[0])
		return;
	if (ask->asking.asked == EBB_ASKED_REFUSED)
		snprintf(error, sizeof(ask->round.error),
			 "ebbd refuses %s: %.180s",
			 exp_question_name(ask->question), ask->asking.error);
	else
		snprintf(error, sizeof(ask->round.error), "%s",
			 ask->asking.error);
}

/* Takes the end of a question. Returns false if the round ends with it. */
static bool take_end(struct exp_ask *ask)
{
	enum ebb_asked asked = ask->asking.asked;

	if (asked == EBB_ASKED_ANSWERED)
		ask->round.answers[ask->question] =
			ebb_asking_take(&ask->asking);
	else
		note_error(ask);
	return asked == EBB_ASKED_ANSWERED || asked == EBB_ASKED_REFUSED;
}

/* After the end of a question: asks on. Returns true once the round has ended. */
static bool go_on(struct exp_ask *ask)
{
	do {
		if (!take_end(ask))
			return end_round(ask);
		if (ask->question == ask->last) {
			ask->round.policy_was_kept = ask->last == EXP_DOMAINS;
			return end_round(ask);
		}
		ask->question++;
	} while (ebb_asking_go_on(&ask->asking,
				  exp_question_name(ask->question),
				  exp_question_request(ask->question)) ||
		 ebb_asking_turn(&ask->asking));
	return false;
}

/* The process that listens there; 0: that is not known. */
static pid_t find_peer(int fd)
{
	struct ucred peer = { 0 };
	socklen_t bytes = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) == 0
		       ? peer.pid
		       : 0;
}

static bool begin(struct exp_ask *ask, enum exp_question first,
		  enum exp_question last, struct json_object *arguments)
{
	exp_round_clear(&ask->round);
	ask->began_ns = ebb_now_ns();
	ask->question = first;
	ask->last = last;
	if (ebb_asking_begin(&ask->asking, exp_question_name(first), arguments,
			     EXP_ROUND_MS))
		return go_on(ask);
	ask->peer = find_peer(ask->asking.fd);
	return false;
}

bool exp_ask_begin(struct exp_ask *ask, bool keep_policy)
{
	pid_t before = ask->peer;
	bool ended = begin(ask, EXP_DAEMON, EXP_POLICY,
			   exp_question_request(EXP_DAEMON));

	if (keep_policy && ask->peer == before)
		ask->last = EXP_DOMAINS;
	return ended;
}

bool exp_ask_begin_past(struct exp_ask *ask, struct json_object *arguments)
{
	return begin(ask, EXP_PAST, EXP_PAST, arguments);
}

bool exp_ask_turn(struct exp_ask *ask)
{
	return ebb_asking_turn(&ask->asking) && go_on(ask);
}

int exp_ask_timeout_ms(const struct exp_ask *ask)
{
	return ebb_asking_timeout_ms(&ask->asking);
}
