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
 * So who has the memory mapped is looked for, by /proc/PID/maps of all, but only
 * if QEMU's command line or the XML has such a device: it costs a look at each
 * process of the host. A process that has a file open by which pages are pinned,
 * or says in its status that it has some, closes the rung. virtiofsd and passt
 * are known to map only. Any other may pin tomorrow, and is refused by its
 * device, as one is that nobody serves yet.
 *
 * What is not seen: a peer that comes after the look. virtiofsd and passt cannot
 * pin; all others are refused anyway.
 */
#ifndef EBB_HOST_PEERS_H
#define EBB_HOST_PEERS_H

#include <stdbool.h>

#include "host/memory/process.h"

/**
 * ebb_peers_examine - find devices and processes that pin the guest's memory
 * @process: of the domain
 * @vhost_user: the XML has a device that virtiofsd or passt serves
 * @reasons: what forbids discarding is added
 *
 * May take as long as a look at each process of the host. Returns 0 or -errno.
 */
int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      struct ebb_reason_list *reasons);

#endif /* EBB_HOST_PEERS_H */
