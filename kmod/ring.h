/* SPDX-License-Identifier: GPL-2.0-only */
/* The ring page as the guest sees it: identity, host word, life and death. */
#ifndef EBB_KMOD_RING_H
#define EBB_KMOD_RING_H

#include <linux/types.h>

#include "protocol/ring.h"

/**
 * ebb_ring_init - allocate the ring page and open it for a host
 *
 * Return: 0, or -ENOMEM.
 */
int ebb_ring_init(void);

/* Free the page if no host is attached any more, else leak it and say so. */
void ebb_ring_exit(void);

/*
 * The page that is in force. It is replaced by ebb_ring_renew() only, while the
 * device answers -ESHUTDOWN, no session runs and the facts rest.
 */
struct ebb_ring *ebb_ring_page(void);

/* Guest-physical address of the page, in bytes. */
u64 ebb_ring_gpa(void);

/* Whether @word says that a host of @epoch is attached to this ring. */
bool ebb_ring_host_is_attached(u64 word, u32 epoch);

/* Whether @word is that of a host which wants offers. */
bool ebb_ring_host_demands(u64 word);

/* The next ticket of an OFFERED word: 56 bits, from a random start. */
u64 ebb_ring_next_ticket(void);

/* Show @nonce as the challenge that the canaries hold by now. */
void ebb_ring_publish_challenge(const u8 nonce[EBB_NONCE_BYTES]);

/**
 * ebb_ring_close - tell the host to let go and wait for it
 *
 * Waits at most EBB_DETACH_WAIT_MS, and only if a host is attached.
 *
 * Return: whether the page is nobody's but the guest's.
 */
bool ebb_ring_close(void);

/**
 * ebb_ring_renew - after ebb_ring_close(): a new page with a new identity
 *
 * Return: 0, or -ENOMEM: the ring stays closed.
 */
int ebb_ring_renew(void);

#endif /* EBB_KMOD_RING_H */
