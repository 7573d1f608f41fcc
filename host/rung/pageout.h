/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rung pageout: the host puts cold memory of the guest into its swap.
 *
 * Theory of operation
 * ===================
 *
 * It needs nothing in the guest, and takes nothing from it that it cannot have back: a
 * page that the guest touches is read from swap again. So it is for guests of which
 * nothing better is to be had, whatever their memory is but a pool of huge pages, and it
 * is slow where the lease is fast: each page is written to a disk, and each that was
 * taken in error is read again while a processor of the guest waits.
 *
 * A run tries parts of the memory, waits for what comes back, and takes what is cold
 * (cold.h), until the books have what was asked for. No trial and no piece is larger than
 * what is missing: below its min a guest does not go. It is paced, with a trial as with a
 * piece:
 *
 * - After each it rests, a quarter as long as the piece took while the host is at
 *   ease, up to four times as long as more tasks of the host stall for memory
 *   (/proc/pressure/memory): the disk that it writes to is the one others wait for. Where
 *   the kernel does not tell how they stall, that is taken for the worst.
 * - What it took is looked at again. A part that was not cold is left alone from
 *   then on; when more than a quarter of all came back the guest needs its memory, and
 *   the run ends as with a guest under pressure. Before a run that took something ends by
 *   itself it waits once more, unless its time is over, and all that went out is counted,
 *   the trials too.
 * - A part of the swap is left to the host, which may have to swap out others soon.
 *   Where several are paged out at once each counts the same room, and reads it anew
 *   before each piece: all that they take too much is a piece each, of that part.
 * - libvirt is asked before each whether a job reads the memory: that would have
 *   all back.
 *
 * The gain is RAM that became swap: how much less of the process is in RAM, but no more
 * than what more of it is in swap. So what the guest frees meanwhile is no gain of this
 * rung, and what came back is none either. Both are the kernel's counts of the process,
 * or of the files behind its memory. The kernel keeps a page in its swap cache
 * until it is written and somebody wants memory, and takes it then before all else: until
 * then MemFree and MemAvailable do not show it, SwapCached does. With zswap a part stays
 * in RAM, compressed.
 *
 * What is free in the guest is not known from outside, so that alone cannot be taken: a
 * size is to be asked for.
 *
 * The alternative: memory.reclaim of the domain's cgroup has the kernel choose. It takes
 * of all that is charged there, QEMU's own memory and its files among that, and not of
 * shared memory that is charged elsewhere. It says neither what it took nor where, so
 * what comes back could be counted for the cgroup alone, and a part that is hot could not
 * be left out the next time. And it is there with cgroups of version 2 alone, for who may
 * write to all of them. process_madvise() takes what is named, of guest memory, on any
 * host since Linux 5.10, with a capability.
 *
 * Where it is closed: choose.c has the list. Swap in zram is RAM: what goes there is only
 * moved.
 */
#ifndef EBB_HOST_PAGEOUT_H
#define EBB_HOST_PAGEOUT_H

#include "host/lease/reclaim.h"

/* How long the guest has to show what it wants back. */
#define EBB_PAGEOUT_SETTLE_MS 3000

/* Why there is no more, though that says nothing of the guest. */
#define EBB_PAGEOUT_SWAP_FULL "swap-full"

/* As ebb_reclaim_prepare() and ebb_reclaim_run(). The lender has no map and no ring. */
void ebb_pageout_prepare(struct ebb_reclaim *reclaim);
void ebb_pageout_run(struct ebb_reclaim *reclaim);

#endif /* EBB_HOST_PAGEOUT_H */
