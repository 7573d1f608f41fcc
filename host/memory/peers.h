/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who else works on a guest's memory: the processes of vhost-user devices.
 *
 * Theory of operation
 * ===================
 *
 * A vhost-user process maps the guest's files shared, and a punch goes to all
 * mappings of a file: what it reads afterwards is what the guest has. That is
 * safe, unless it has pages pinned: a process that drives hardware by a VFIO or
 * RDMA of its own (DPDK, SPDK) does, and the device would go on writing to the
 * old pages.
 *
 * So who has the memory mapped or open is looked for, by /proc of all processes
 * (use.h), but only if QEMU's command line or the XML has such a device: it costs
 * a look at each process of the host. A process that has a file open by which
 * pages are pinned, or says in its status that it has some, closes the rung.
 * virtiofsd and passt are known to map only. Any other may pin tomorrow, and is
 * refused by its device, as one is that nobody serves yet.
 *
 * Unknown is refused, by the name of the process. Whoever may run a program on
 * the host makes one with a million mappings if vm.max_map_count allows it, and
 * as many programs. So what is read of one process and of all has a limit, which
 * takes seconds of a worker and no more; that user then keeps guests with such a
 * device from being lent from, and is named.
 *
 * What is not seen: a peer that comes after the look. virtiofsd and passt cannot
 * pin; all others are refused anyway. And a device that somebody plugs by QEMU's
 * monitor, behind libvirt's back.
 */
#ifndef EBB_HOST_PEERS_H
#define EBB_HOST_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/memory/process.h"

/**
 * struct ebb_peers_limits - how much is read
 * @process_entries: mappings, open files and threads of one process
 * @entries: the same of all together, and the processes
 */
struct ebb_peers_limits {
	uint64_t process_entries;
	uint64_t entries;
};

/**
 * ebb_peers_examine - find devices and processes that pin the guest's memory
 * @process: of the domain
 * @vhost_user: the XML has a device that virtiofsd or passt serves
 * @limits: NULL: those that a host needs
 * @reasons: what forbids discarding is added
 *
 * Reads all processes of the host, up to the limits. Returns 0 or -errno.
 */
int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      const struct ebb_peers_limits *limits,
		      struct ebb_reason_list *reasons);

#endif /* EBB_HOST_PEERS_H */
