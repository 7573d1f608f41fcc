/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of a process's shared files are the guest's RAM.
 *
 * Theory of operation
 * ===================
 *
 * QEMU may have shared files mapped that are no RAM: those of ivshmem, which
 * other guests have mapped as well. To lock one keeps the other guests' looks
 * away for ever, and to count it makes guests larger than they are. What is RAM
 * is proven by canaries (map.h), and only that is locked for good.
 *
 * But a host that is there already is not to be disturbed by the questions that
 * proof takes. So before them the files are locked that by their size are the
 * memory of a cell or a device of the XML: if another host has this guest, it has
 * these. After the proof all others are let go.
 */
#ifndef EBB_HOST_RAM_H
#define EBB_HOST_RAM_H

#include "host/libvirt/domxml.h"
#include "host/memory/map.h"
#include "host/memory/process.h"

/**
 * ebb_ram_lock_likely - lock the files that are RAM by their size
 *
 * Returns 0, -EBUSY (another host has one) or -errno.
 */
int ebb_ram_lock_likely(const struct ebb_guest_process *process,
			const struct ebb_domxml *domxml);

/**
 * ebb_ram_lock_proven - lock the files that hold proven segments
 *
 * Returns as ebb_ram_lock_likely().
 */
int ebb_ram_lock_proven(const struct ebb_guest_process *process,
			const struct ebb_map *map);

/**
 * ebb_ram_drop_others - let go of files that are no RAM
 * @process: loses those that hold no proven segment and are not RAM by their
 *	size
 * @map: that was proven of it; follows
 */
void ebb_ram_drop_others(struct ebb_guest_process *process,
			 const struct ebb_domxml *domxml, struct ebb_map *map);

#endif /* EBB_HOST_RAM_H */
