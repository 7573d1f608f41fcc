/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The setting of a free target: what an operator asks of a guest, as it is
 * written on the command line, on the control socket and in the domain's
 * metadata. Pure.
 */
#ifndef EBB_HOST_TARGET_H
#define EBB_HOST_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/message.h"

enum {
	/* Room for any text of ebb_target_format(). */
	EBB_TARGET_TEXT_BYTES = 24,
	/* What a node can give at most, seven eighths, in percent. */
	EBB_TARGET_PERCENT_MAX = 87,
};

enum ebb_target_kind {
	EBB_TARGET_NONE, /* nothing is asked of the guest */
	EBB_TARGET_BYTES, /* keep so many bytes free in huge ranges */
	EBB_TARGET_PERCENT, /* so much of the guest's memory */
	EBB_TARGET_AUTO, /* what the guest's working set leaves over */
};

/**
 * struct ebb_target_setting - a free target as it was asked for
 * @bytes: with EBB_TARGET_BYTES, above 0
 * @percent: with EBB_TARGET_PERCENT, 1 to EBB_TARGET_PERCENT_MAX
 */
struct ebb_target_setting {
	enum ebb_target_kind kind;
	uint64_t bytes;
	uint32_t percent;
};

/**
 * ebb_target_parse - "600M", "40%", "auto", "none" to a setting
 * @text: a size as ebb_size_parse() takes it, a whole percentage, or a word
 * @ret_setting: written only on success
 * @ret_error: what is wrong and what to write instead; may be NULL
 *
 * Returns 0, -EINVAL (not such a text) or -ERANGE (0, more than 63 bits, or a
 * percentage out of bounds).
 */
int ebb_target_parse(const char *text, struct ebb_target_setting *ret_setting,
		     struct ebb_msg_error *ret_error);

/**
 * ebb_target_format - a setting to the text that ebb_target_parse() takes
 * @text: at least EBB_TARGET_TEXT_BYTES
 *
 * A size is exact: in the largest unit that leaves no rest. Returns @text.
 */
const char *ebb_target_format(const struct ebb_target_setting *setting,
			      char *text);

bool ebb_target_is_same(const struct ebb_target_setting *a,
			const struct ebb_target_setting *b);

/**
 * ebb_target_check - whether a guest of @memory_bytes can be asked that
 * @memory_bytes: 0 if not known
 *
 * Returns 0, or -ERANGE with @ret_error.
 */
int ebb_target_check(const struct ebb_target_setting *setting,
		     uint64_t memory_bytes, struct ebb_msg_error *ret_error);

/*
 * What ebb-agent is told, with the longest lease. Without a setting that is
 * "no target".
 */
struct ebb_msg_target
ebb_target_message(const struct ebb_target_setting *setting,
		   uint64_t memory_bytes);

/**
 * ebb_target_reason_text - why a guest keeps less free, or gives no more, in words
 * @reason: the stable word, from a guest
 *
 * A clause for "the guest keeps less: ..." or the like. A word that is not known gets one
 * that says so.
 */
const char *ebb_target_reason_text(const char *reason);

/*
 * Makes a word of a guest's fit for logs and scripts: lower case letters,
 * digits and hyphens. Any other text becomes "unknown", an empty one stays.
 */
void ebb_target_clean_word(char *word);

#endif /* EBB_HOST_TARGET_H */
