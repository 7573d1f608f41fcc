/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd.conf: what an operator may set. An INI file, read by libinih.
 *
 *   [daemon]
 *   uri = qemu:///system
 *   socket = /run/ebb/ebbd.sock
 *   group = libvirt                 members may use ebbctl; empty: root only
 *   log-level = info                error, warning, notice, info, debug
 *   state-dir = /run/ebb            the lock of the one ebbd there
 *   qemu-run-dir = /run/libvirt/qemu    where libvirt keeps NAME.pid
 *   workers = 8                     threads for what may wait, 5 to 64
 *
 *   [reclaim]
 *   timeout = 60s                   of one reclaim that names none
 *   grant-window = 50ms             1ms to 50ms
 *   reclaims = 4                    at once, 1 to 60; others wait
 *   hugetlb-cover = 125%            0% to 1000%, see host/memory/hugepool.h
 *
 *   [agent]
 *   timeout = 5s                    of one command
 *
 * An unknown section or key, or a value that does not fit, is an error that
 * names file, line, key and what is accepted; nothing of the file is used.
 */
#ifndef EBB_HOST_CONFIG_H
#define EBB_HOST_CONFIG_H

#include <stdint.h>

#include "common/log.h"
#include "host/interface/status.h"

struct ebb_config {
	char uri[EBB_URI_BYTES_MAX];
	char socket[108];
	char group[64];
	enum ebb_log_level log_level;
	char state_dir[256];
	char qemu_run_dir[256];
	uint32_t workers;
	uint32_t reclaims;
	uint32_t reclaim_timeout_ms;
	uint32_t grant_window_ms;
	uint32_t hugetlb_cover_percent;
	uint32_t agent_timeout_ms;
};

/* The values above. */
void ebb_config_default(struct ebb_config *ret_config);

/**
 * ebb_config_load - read a file over the defaults
 * @path: the file
 * @ret_config: written only on success
 * @ret_error: "PATH:LINE: ..." with the remedy, filled on failure
 *
 * Returns 0, -ENOENT (the caller may go on with defaults), -EINVAL or -errno.
 */
int ebb_config_load(const char *path, struct ebb_config *ret_config,
		    struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_CONFIG_H */
