/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One question to ebbd at a time, without a wait: for those who have something else to
 * wait for, too.
 *
 * Each question has a connection of its own, so that an ebbd that was restarted is asked
 * as any. It ends with an answer or an error, at the latest when its time is over.
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
	EBB_ASKED_UNREACHABLE, /* @error says why, and what mends it */
};

/**
 * struct ebb_asking - zeroed is not valid: use ebb_asking_init()
 * @fd: to be watched for input; -1: nothing is asked
 * @asked: how the last question ended
 * @value: its answer, until the next question; or NULL
 * @error_class, @error: why there is none
 */
struct ebb_asking {
	const char *path;
	int fd;
	uint64_t deadline_ns;
	struct ebb_frame frame;
	enum ebb_asked asked;
	struct json_object *value;
	char error_class[64];
	char error[512];
};

/* @path: of ebbd's control socket; stays valid. */
void ebb_asking_init(struct ebb_asking *asking, const char *path);
void ebb_asking_clear(struct ebb_asking *asking);

/**
 * ebb_asking_begin - a question; none is under way
 * @arguments: owned by it then, may be NULL
 * @limit_ms: for the answer
 *
 * Returns true if it has ended already.
 */
bool ebb_asking_begin(struct ebb_asking *asking, const char *command,
		      struct json_object *arguments, uint32_t limit_ms);

/*
 * Goes on with what came, or with that time passed. Returns true once the question that
 * is under way has ended.
 */
bool ebb_asking_turn(struct ebb_asking *asking);

/* How long ebb_asking_turn() may be left out while nothing comes; -1: for ever. */
int ebb_asking_timeout_ms(const struct ebb_asking *asking);

#endif /* EBB_HOST_INTERFACE_ASKING_H */
