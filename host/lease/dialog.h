/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one reclaim says to the agent in the guest, and what it hears.
 *
 * One request at a time, on a thread of its own (asker.h), so that neither an
 * agent nor a libvirtd that hangs holds a reclaim longer than it wants to wait.
 */
#ifndef EBB_HOST_DIALOG_H
#define EBB_HOST_DIALOG_H

#include "host/lease/asker.h"
#include "host/lease/bounds.h"
#include "host/libvirt/agent.h"

enum ebb_dialog_kind {
	EBB_DIALOG_SESSION, /* start one; what an earlier host left is ended */
	EBB_DIALOG_TARGET,
	EBB_DIALOG_COMPACT,
	EBB_DIALOG_FACTS,
};

struct ebb_dialog_request {
	enum ebb_dialog_kind kind;
	struct ebb_msg_session_start session;
	struct ebb_msg_target target;
};

/**
 * struct ebb_dialog_reply - what the agent answered
 * @result: 0, or -errno of agent.h; a session: -EBUSY (page reporting is another's)
 * @error: with -errno, a sentence that may hold the guest's own words
 */
struct ebb_dialog_reply {
	int result;
	struct ebb_msg_error error;
	struct ebb_msg_target_state target;
	struct ebb_msg_compact_state compact;
	struct ebb_msg_facts facts;
};

/**
 * struct ebb_dialog - for one thread
 * @line: to the agent, with a talk of its own
 */
struct ebb_dialog {
	struct ebb_asker *asker;
	struct ebb_agent_line line;
};

/* @agent_ms: what an answer may take. Returns 0 or -errno of ebb_asker_new(). */
int ebb_dialog_start(struct ebb_dialog *dialog, struct ebb_channel *channel,
		     uint32_t agent_ms);

/*
 * Never waits. The agent may still be working on the last request, and a
 * reference to the channel is kept until it is done. What of it was not sent
 * yet, as the rest of EBB_DIALOG_SESSION, never is: it would end the session of
 * the next reclaim.
 */
void ebb_dialog_stop(struct ebb_dialog *dialog);

/* Whether a reply is still to be heard. */
bool ebb_dialog_is_open(const struct ebb_dialog *dialog);

/*
 * Sends it; the reply before was heard. Returns 0 or -ENOMEM.
 */
int ebb_dialog_say(struct ebb_dialog *dialog,
		   const struct ebb_dialog_request *request);

/*
 * The reply to what was said. @until_ns: CLOCK_MONOTONIC, 0: does not wait.
 * False: there is none yet.
 */
bool ebb_dialog_hear(struct ebb_dialog *dialog, uint64_t until_ns,
		     struct ebb_dialog_reply *ret_reply);

/**
 * ebb_dialog_ask - say and hear, within the bounds of the reclaim
 *
 * Returns EBB_END_NONE with @ret_reply, or the end that came first.
 */
enum ebb_reclaim_end ebb_dialog_ask(struct ebb_dialog *dialog,
				    const struct ebb_bounds *bounds,
				    const struct ebb_books *books,
				    const struct ebb_dialog_request *request,
				    struct ebb_dialog_reply *ret_reply);

#endif /* EBB_HOST_DIALOG_H */
