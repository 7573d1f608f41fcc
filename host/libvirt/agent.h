/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host asks of ebb-agent, as functions. All block; see channel.h.
 *
 * Each returns 0, or what ebb_channel_call() returns, or -EBADMSG if the answer
 * does not fit its table. @ret_error is filled on failure with a sentence that
 * may hold the guest's own words.
 */
#ifndef EBB_HOST_AGENT_H
#define EBB_HOST_AGENT_H

#include "host/libvirt/channel.h"

/**
 * struct ebb_agent_line - how one speaks who tells the guest to do something
 * @talk: of ebb_channel_begin_talk()
 * @timeout_ms: for each answer
 */
struct ebb_agent_line {
	struct ebb_channel *channel;
	uint64_t talk;
	uint32_t timeout_ms;
};

int ebb_agent_info(struct ebb_channel *channel, uint32_t timeout_ms,
		   struct ebb_msg_info *ret_info,
		   struct ebb_msg_error *ret_error);

int ebb_agent_facts(struct ebb_channel *channel, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error);

int ebb_agent_challenge(struct ebb_channel *channel, uint32_t timeout_ms,
			const uint8_t nonce[EBB_NONCE_BYTES],
			struct ebb_msg_error *ret_error);

/*
 * @ret_guest_errno: why the module refused, a positive errno, or 0 if that is
 * not known. With -EREMOTEIO only.
 */
int ebb_agent_session_start(const struct ebb_agent_line *line,
			    const struct ebb_msg_session_start *start,
			    int *ret_guest_errno,
			    struct ebb_msg_error *ret_error);

/* Ends the session that runs, if one does, and waits for its end. */
int ebb_agent_session_stop(const struct ebb_agent_line *line,
			   struct ebb_msg_error *ret_error);

/*
 * A free target, in place of the one before. -ENOSYS: the agent is too old to
 * know the command. @ret_state is fit for logs and scripts: its words are
 * cleaned.
 */
int ebb_agent_target(const struct ebb_agent_line *line,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error);

/*
 * Makes contiguous what the guest has free, or tells whether that has ended.
 * -ENOSYS as above. The reason is cleaned.
 */
int ebb_agent_compact(const struct ebb_agent_line *line,
		      struct ebb_msg_compact_state *ret_state,
		      struct ebb_msg_error *ret_error);

/* A state of a target, of an event's data, which may be NULL. Returns 0 or -EBADMSG. */
int ebb_agent_target_decode(const struct json_object *data,
			    struct ebb_msg_target_state *ret_state,
			    struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_AGENT_H */
