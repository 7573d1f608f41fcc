/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The client of ebbd's control socket: one question at a time, and it never waits.
 *
 * Theory of operation
 * ===================
 *
 * ebbctl, ebbctl top and ebb-exporter ask ebbd, and each of them waits for more than an
 * answer: a signal, a key, a client of its own. So the caller waits: for input of @fd, no
 * longer than ebb_asking_timeout_ms() says. Then ebb_asking_turn() takes all that came.
 *
 * A question ends with an answer or with an error, at the latest when its time is over,
 * whatever ebbd does. An answer is at most EBB_CONTROL_BYTES_MAX long.
 *
 * A question has a connection of its own, so an ebbd that was restarted is asked as any.
 * With @keeps the connection outlives an answer, and ebb_asking_go_on() asks the next
 * question on it. After an error there is no connection, unless ebbd itself refused.
 *
 * The texts of errors are the same for all programs, but for the remedies: each program
 * has its own struct ebb_asking_words.
 */
#ifndef EBB_HOST_INTERFACE_ASKING_H
#define EBB_HOST_INTERFACE_ASKING_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/frame.h"
#include "protocol/message.h"

enum ebb_asked {
	EBB_ASKED_ANSWERED,
	EBB_ASKED_REFUSED, /* by ebbd: @error_class and @error */
	EBB_ASKED_UNREACHABLE, /* no connection, or it ended, or nothing came in time */
	EBB_ASKED_FAILED, /* something else came than an answer, or memory is short */
};

/**
 * struct ebb_asking_words - how a program tells why there is no answer
 * @start: the remedy where ebbd does not run, without a full stop
 * @permit: where it may not connect
 * @busy: where ebbd takes no connection
 * @stop: after the last sentence: "." or ""
 */
struct ebb_asking_words {
	const char *start;
	const char *permit;
	const char *busy;
	const char *stop;
};

/**
 * struct ebb_asking - zeroed is not valid: use ebb_asking_init()
 * @keeps: the connection stays open after an answer; set after ebb_asking_init()
 * @on_event: called for each event before the answer, may be NULL; set after
 *	ebb_asking_init(). Returns whether the question's time begins anew
 * @fd: to be watched for input; -1: there is no connection
 * @is_under_way: a question is
 * @asked: how the last question ended
 * @value: its answer, until the next question or ebb_asking_take(); or NULL
 * @error_class: of ebbd's refusal
 * @error: why there is no answer, and the remedy
 */
struct ebb_asking {
	const char *path;
	const struct ebb_asking_words *words;
	bool keeps;
	bool (*on_event)(const char *name, const struct json_object *data,
			 void *opaque);
	void *opaque;
	int fd;
	bool is_under_way;
	const char *command;
	uint32_t limit_ms;
	uint64_t deadline_ns;
	struct ebb_frame frame;
	enum ebb_asked asked;
	struct json_object *value;
	char error_class[64];
	char error[512];
};

/* @path: of ebbd's control socket. It and @words stay valid. */
void ebb_asking_init(struct ebb_asking *asking, const char *path,
		     const struct ebb_asking_words *words);
void ebb_asking_clear(struct ebb_asking *asking);

/**
 * ebb_asking_begin - a question on a new connection; none is under way
 * @command: as in host/interface/status.h; stays valid
 * @arguments: owned by it then, may be NULL
 * @limit_ms: for the answer; 0: it is waited for, for ever
 *
 * Returns true if it has ended already.
 */
bool ebb_asking_begin(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments, uint32_t limit_ms);

/**
 * ebb_asking_go_on - the next question, on the connection of the last
 *
 * With @keeps, and only after EBB_ASKED_ANSWERED or EBB_ASKED_REFUSED. It has the time
 * that ebb_asking_begin() gave the first, or the rest of it.
 * Returns true if it has ended already.
 */
bool ebb_asking_go_on(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments);

/* The answer, which the caller owns then; or NULL. */
struct json_object *ebb_asking_take(struct ebb_asking *asking);

/* Ends the connection, and a question that is under way. The answer stays. */
void ebb_asking_close(struct ebb_asking *asking);

/*
 * Goes on with the bytes that came, or with that time passed. Returns true once the
 * question that is under way has ended.
 */
bool ebb_asking_turn(struct ebb_asking *asking);

/* How long ebb_asking_turn() may be left out while nothing comes; -1: for ever. */
int ebb_asking_timeout_ms(const struct ebb_asking *asking);

#endif /* EBB_HOST_INTERFACE_ASKING_H */
