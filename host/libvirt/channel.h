/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The way to a domain's agent, through libvirt.
 *
 * Theory of operation
 * ===================
 *
 * Two ways, one interface. A domain may have a channel of Ebb's own
 * (org.ebb.agent.0): a libvirt stream, both directions, so that the agent can
 * speak first. Else there is org.qemu.guest_agent.0, which libvirt itself
 * serves: one command at a time, no events, and an agent that hangs blocks
 * other users of it. So the first is used where it is there.
 *
 * Bytes of a stream are read on the event loop's thread. A worker that calls
 * waits for its answer, which it knows by its id: what answers an earlier call
 * that timed out is dropped.
 *
 * A call that waits for its turn may outlive who wanted it: a reclaim does not
 * wait for an agent that hangs. What it was about to say (stop the session, keep
 * so much free) would then be said in the midst of what another one does. So who
 * tells the guest to do something does so in a talk: there is one at a time, and
 * what belongs to another one is not sent.
 */
#ifndef EBB_HOST_CHANNEL_H
#define EBB_HOST_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/virt.h"
#include "protocol/message.h"

struct ebb_channel;

/* On the event loop's thread. */
struct ebb_channel_ops {
	/* @data is the guest's, hostile, and may be NULL. It is not kept. */
	void (*event)(const char *name, const struct json_object *data,
		      void *opaque);
	/* The stream ended; close the channel. */
	void (*broken)(void *opaque);
};

/**
 * ebb_channel_open - open the way (blocks)
 * @domain: a reference is kept
 * @own: EBB_CHANNEL_NAME, else QGA_CHANNEL_NAME
 * @ret_channel: close with ebb_channel_close()
 *
 * Returns 0, -EBUSY (somebody else has it open), -ENOTCONN or -ENOMEM.
 */
int ebb_channel_open(struct ebb_domain *domain, bool own,
		     const struct ebb_channel_ops *ops, void *opaque,
		     struct ebb_channel **ret_channel);

/*
 * On the event loop's thread, without blocking: libvirtd is told by a job. A call that
 * is under way ends with -ENOTCONN as soon as it can. Drops the reference of
 * ebb_channel_open(). NULL is fine.
 */
void ebb_channel_close(struct ebb_channel *channel);

/* A reference of one who calls; the channel may be closed meanwhile. */
struct ebb_channel *ebb_channel_ref(struct ebb_channel *channel);
void ebb_channel_unref(struct ebb_channel *channel);

/* The name of the channel that is used. */
const char *ebb_channel_name(const struct ebb_channel *channel);

/*
 * Begins a talk, and ends the one before: what was to be said in it and has no
 * turn yet is not said. What was said is before all that this one says. Returns
 * its number, which is never 0. Never waits.
 */
uint64_t ebb_channel_begin_talk(struct ebb_channel *channel);

/**
 * ebb_channel_call - one command and its answer (blocks)
 * @talk: that it belongs to; 0: none, it changes nothing in the guest
 * @command: name
 * @arguments: owned by the call, NULL for none
 * @timeout_ms: for the answer
 * @ret_reply: set if 0 or -EREMOTEIO is returned; free with ebb_msg_clear()
 *
 * One at a time: a call waits for the one before, of whatever thread, and that is
 * part of its time.
 *
 * Returns 0; -EREMOTEIO (the agent answered with an error), -ETIMEDOUT,
 * -ENOTCONN, -ENOBUFS (the guest sent too much, the channel is closed),
 * -ECANCELED (@talk was over before its turn; it was not sent), -EBADMSG (not an
 * answer) or -ENOMEM.
 */
int ebb_channel_call(struct ebb_channel *channel, uint64_t talk,
		     const char *command, struct json_object *arguments,
		     uint32_t timeout_ms, struct ebb_msg *ret_reply);

/* How many events came so far; for the event loop's thread. */
uint64_t ebb_channel_events(const struct ebb_channel *channel);

/*
 * How many had come before the last answer. That answer has all that they tell, as the
 * agent sends one line after the other.
 */
uint64_t ebb_channel_events_before_reply(struct ebb_channel *channel);

#endif /* EBB_HOST_CHANNEL_H */
