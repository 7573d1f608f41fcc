/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-physical address -> file and offset: guessed, then proven.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A wrong offset, or the right offset in another guest's file,
 * punches live memory. QEMU's monitor would tell (info mtree), but to ask
 * taints the domain, and an answer is as old as its question.
 *
 * The invariant. A byte is discarded only in a segment whose canaries were
 * found, by pread(), at the place that the map says, with the boot id of the
 * kernel that runs now and a nonce that was drawn for this very challenge. The
 * nonce never was in memory before, so what is found there was written there
 * by this guest, after the question.
 *
 * How a guess is made. QEMU concatenates the backends of the boot memory in
 * the order of the NUMA cells and splits the whole at a boundary below 4 GiB
 * (hw/i386/pc_piix.c, pc_q35.c); what is above goes on at 4 GiB, or at 1 TiB for
 * a large guest on AMD. A dimm lies at its address. So a backing that begins at
 * byte P of the boot memory holds address A at A - P, or, with S for 4 GiB or 1
 * TiB, at A - S + boundary - P. The candidates are few:
 * cells x boundaries x files, and each costs one read of 48 bytes.
 *
 * What is not proven is that a segment is linear between its canaries. QEMU
 * maps each backend as a whole, the guest splits segments at nodes, at 4 GiB
 * and at gaps, and both ends of a segment must fit one candidate.
 *
 * The alternatives: a tag in each offered range (touches what the host holds
 * as a hole, and so allocates it), or the monitor (taint).
 */
#ifndef EBB_HOST_MAP_H
#define EBB_HOST_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/domxml.h"
#include "host/memory/process.h"
#include "protocol/message.h"

/* A part of guest memory whose place is proven. */
struct ebb_map_segment {
	uint64_t gpa;
	uint64_t bytes;
	uint64_t offset; /* of @gpa in the backing's file */
	uint32_t backing; /* index in ebb_guest_process.backings */
	uint32_t canary_count;
	uint64_t canary_gpas[EBB_CANARY_PER_SEGMENT];
};

struct ebb_map {
	uint32_t segment_count;
	uint32_t unproven_count; /* segments with canaries that were not found */
	struct ebb_map_segment *segments; /* the map's own */
};

/**
 * ebb_map_prove - find each segment's place by its canaries
 * @info: what the guest says of its segments; hostile
 * @nonce: what it was asked to write just now
 * @domxml: the layout that libvirt gave the domain
 * @qemu: its files
 * @ret_map: the segments that were proven; written only on success. Free with
 *	ebb_map_clear()
 *
 * Returns 0 with at least one segment; -ENOENT if none was proven, -EBADMSG if
 * the segments overlap, are not ascending or wrap; -ENOMEM.
 */
int ebb_map_prove(const struct ebb_msg_info *info,
		  const uint8_t nonce[EBB_NONCE_BYTES],
		  const struct ebb_domxml *domxml,
		  const struct ebb_guest_process *qemu,
		  struct ebb_map *ret_map);

/* Nothing is proven any more. Fine if nothing was. */
void ebb_map_clear(struct ebb_map *map);

/**
 * ebb_map_find - the proven segment that holds a whole range
 *
 * Returns it, or NULL if any byte of the range is outside. @bytes > 0.
 */
const struct ebb_map_segment *ebb_map_find(const struct ebb_map *map,
					   uint64_t gpa, uint64_t bytes);

/* Whether a range holds a byte of a canary page. */
bool ebb_map_hits_canary(const struct ebb_map *map, uint64_t gpa,
			 uint64_t bytes);

#endif /* EBB_HOST_MAP_H */
