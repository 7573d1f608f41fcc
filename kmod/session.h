/* SPDX-License-Identifier: GPL-2.0-only */
/* A reclaim session: offers while the host demands, at most so long. */
#ifndef EBB_KMOD_SESSION_H
#define EBB_KMOD_SESSION_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include "protocol/ring.h"
#include "protocol/uapi.h"

/* Sessions run on @queue, one at a time, the kernel's passes on @pass_queue. */
void ebb_session_init(struct workqueue_struct *queue,
		      struct workqueue_struct *pass_queue);

/**
 * ebb_session_start - begin a session for the host that demands in the ring
 *
 * Return: 0 and the session runs; -EINVAL, -EALREADY, -EBUSY, -EOPNOTSUPP,
 * -ENOTCONN, -ESHUTDOWN as in protocol/uapi.h; -EINTR if the caller is killed
 * while the session before parts.
 */
int ebb_session_start(const struct ebb_session *request);

/**
 * ebb_session_stop - end the session, if one runs, and wait for its last slot
 *
 * Return: 0; -ESHUTDOWN; -EINTR if the caller is killed meanwhile.
 */
int ebb_session_stop(void);

/*
 * End the session, if one runs, for @why. From any context, without waiting:
 * the session takes back what is not granted within one poll.
 */
void ebb_session_end(enum ebb_session_state why);

/**
 * ebb_session_recall - end the session for @why and wait for its ranges
 * @timeout_ms: how long at most
 *
 * Sleeps, but allocates nothing. A session that was waited for in vain is not
 * waited for again.
 *
 * Return: whether all ranges are back with the guest.
 */
bool ebb_session_recall(enum ebb_session_state why, unsigned int timeout_ms);

/**
 * ebb_session_close - end the session and let no other start
 * @timeout_ms: how long to wait for the last slot; 0: for as long as it takes
 *
 * Return: whether no slot is in flight.
 */
bool ebb_session_close(unsigned int timeout_ms);

/* After ebb_session_close(): sessions may start again. */
void ebb_session_reopen(void);

/**
 * ebb_session_lock_ring - keep the ring open, and the same
 *
 * Sessions neither start nor stop until ebb_session_unlock_ring().
 *
 * Return: 0 with a mutex locked, or -ESHUTDOWN without.
 */
int ebb_session_lock_ring(void);
void ebb_session_unlock_ring(void);

/* Whether ranges may be off the free lists for a host. */
bool ebb_session_is_running(void);

/* EBB_INFO_ bits that are the session's to tell. */
u32 ebb_session_info_flags(void);

#endif /* EBB_KMOD_SESSION_H */
