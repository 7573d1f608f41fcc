/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the guest's anonymous memory can go.
 *
 * Theory of operation
 * ===================
 *
 * Swap in zram is the guest's own RAM: what goes there is not gained but moved,
 * and costs the guest a copy and its host nothing less. A disk is a gain, but a
 * slow one that the guest's programs feel later. So a free target frees page
 * cache alone. With --swap it may also swap, if all swap that is in use lies on
 * disks: the kernel fills the swap with the highest priority first, which is
 * zram where there is one.
 *
 * kswapd knows no such choice. It prefers page cache the more the lower
 * vm.swappiness is, which is 1 while a target is in force (knobs.h): not 0,
 * which would let a container at its limit be killed rather than swapped. What
 * is asked of kswapd is never more than half of the page cache there is, as it
 * turns to anonymous memory where cache is short.
 */
#ifndef EBB_GUEST_SWAP_H
#define EBB_GUEST_SWAP_H

enum ebb_swap {
	EBB_SWAP_NONE, /* none, or none that is known */
	EBB_SWAP_DISK, /* all of it is on disks */
	EBB_SWAP_MEMORY, /* some of it is in the guest's own memory */
};

/* @root: as in sysfile.h */
enum ebb_swap ebb_swap_look(const char *root);

#endif /* EBB_GUEST_SWAP_H */
