/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of a ring: the page mapped from the backing, and the host
 * word in it. See protocol/ring.h for the rules.
 */
#ifndef EBB_HOST_RINGMAP_H
#define EBB_HOST_RINGMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/ring.h"

/**
 * struct ebb_ringmap - a ring that this process has mapped
 * @ring: the page; lives in guest memory, may change or vanish at any time
 * @tag: of the ring, from a private copy
 * @epoch: ours while attached, 0 else
 */
struct ebb_ringmap {
	struct ebb_ring *ring;
	void *mapping;
	size_t mapping_bytes;
	int guard;
	uint32_t tag;
	uint32_t epoch;
};

/**
 * ebb_ringmap_open - map the page and check that it is a ring
 * @fd: of the backing
 * @offset: of the page in it
 * @page_bytes: of the backing
 * @boot_id, @challenge: what must be in it
 * @ret_map: written only on success
 *
 * Returns 0, -EBADMSG (not that ring), -EPROTONOSUPPORT (another version),
 * -ENOSPC (too many guards) or -errno.
 */
int ebb_ringmap_open(int fd, uint64_t offset, uint64_t page_bytes,
		     const uint8_t boot_id[EBB_BOOT_ID_BYTES],
		     const uint8_t challenge[EBB_NONCE_BYTES],
		     struct ebb_ringmap *ret_map);

/* Detaches if attached, and unmaps. A zeroed or closed one is fine. */
void ebb_ringmap_close(struct ebb_ringmap *map);

/**
 * ebb_ringmap_attach - become the ring's host, with the next epoch
 *
 * The caller holds the domain's lock, so that an earlier host is gone with all
 * its system calls. Its TAKEN and GRANTED slots are resolved to FAILED.
 *
 * Returns 0, -ESHUTDOWN (the ring is CLOSED) or -EBADMSG (the host word is not
 * one of this ring).
 */
int ebb_ringmap_attach(struct ebb_ringmap *map);

/* Swaps between ATTACHED and DEMANDING. False if the word is not ours. */
bool ebb_ringmap_demand(struct ebb_ringmap *map, bool demand);

/* Whether the ring is still there and OPEN. */
bool ebb_ringmap_is_open(const struct ebb_ringmap *map);

/**
 * ebb_ringmap_facts - a whole reading of the facts
 * @ret_facts: written only on success
 *
 * Bounded: gives up after some tries. Returns 0, -EAGAIN (the guest is always
 * writing), or -EBADMSG (more nodes than fit, or a number beyond INT64_MAX).
 */
int ebb_ringmap_facts(const struct ebb_ringmap *map,
		      struct ebb_facts *ret_facts);

#endif /* EBB_HOST_RINGMAP_H */
