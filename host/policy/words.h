/* SPDX-License-Identifier: GPL-2.0-only */
/* A decision in words, made from what decided it. Pure. */
#ifndef EBB_HOST_POLICY_WORDS_H
#define EBB_HOST_POLICY_WORDS_H

#include "host/policy/policy.h"

enum {
	/* Room for any decision about a domain and a budget of usual names. */
	EBB_POLICY_WORDS_BYTES = 512,
};

/**
 * ebb_policy_words - why a domain is to give
 * @policy: as it was decided about
 * @now_ns: when
 * @ret_text: at least EBB_POLICY_WORDS_BYTES; cut to @text_bytes
 *
 * As in: "web1: 512.0 MiB of 1.9 GiB free, because node 1 has
 * 300.0 MiB of the 820.0 MiB it wants". Returns @ret_text.
 */
const char *ebb_policy_words(const struct ebb_policy *policy,
			     const struct ebb_policy_decision *decision,
			     uint64_t now_ns, char *ret_text,
			     size_t text_bytes);

/**
 * ebb_policy_need_words - what a budget is left to need
 *
 * As in: "node 1 lacks 300.0 MiB: db1 holds most by its shares; the kernel would
 * end db2". "" if nothing is left. Returns @ret_text.
 */
const char *ebb_policy_need_words(const struct ebb_policy *policy,
				  uint32_t budget, char *ret_text,
				  size_t text_bytes);

#endif /* EBB_HOST_POLICY_WORDS_H */
