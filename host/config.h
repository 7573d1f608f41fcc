/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd.conf: what an operator may set. An INI file, read by libinih.
 *
 *   [daemon]
 *   uri = qemu:///system
 *   socket = /run/ebb/ebbd.sock
 *   group = libvirt                 members may act, as root; empty: root only
 *   read-group = ebb                members may look, and not act; empty: nobody
 *   log-level = info                error, warning, notice, info, debug
 *   state-dir = /run/ebb            the lock of the one ebbd there, and pauses
 *   history-dir = /var/lib/ebb       samples and events, over a restart
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
 *   [policy]
 *   enabled = yes                   no: ebbd takes nothing by itself
 *   dry-run = no                    yes: it decides and says so, and takes nothing
 *   host-free = 0                   bytes that other programs were promised
 *   cover-guests = 1                debts that are covered at once, 1 to 8
 *   mode = balanced                 performance, balanced, density
 *   min = none                      a size or a percentage of the domain's memory
 *   max = none
 *   shares = 1000                   1 to 1000000
 *   rungs = all                     all, none, or some, as "lease, report"
 *   reserved = keep                 keep, share: see host/interface/settings.h
 *
 *   [domain NAME]                   or [domain UUID]: from mode on, of one
 *
 * A name is matched as libvirt has it, whole and in its case; what is set by UUID is
 * over what is set by name. Domains that there are not are no error.
 *
 * After ebbd.conf the files *.conf of the directory conf.d beside it are read, in the
 * order of their names (by bytes). What is read later is over what was read before.
 *
 * An unknown section or key, or a value that does not fit, is an error that
 * names file, line, key and what is accepted; nothing of the files is used.
 */
#ifndef EBB_HOST_CONFIG_H
#define EBB_HOST_CONFIG_H

#include <stdint.h>

#include "common/log.h"
#include "host/interface/settings.h"
#include "host/interface/status.h"

/* The default of read-group, which ebb-exporter.service joins. */
#define EBB_READ_GROUP "ebb"

enum {
	EBB_CONFIG_DOMAINS_MAX = 4096,
	EBB_COVER_GUESTS_MAX = 8,
};

/* A [domain ...]; @name is a name, or a UUID in lower case. */
struct ebb_config_domain {
	char name[EBB_NAME_BYTES_MAX];
	struct ebb_settings settings;
};

/**
 * struct ebb_policy_config - [policy] and all [domain ...]
 * @settings: of every domain that has no others; each has an origin
 * @domains: in the order of their names
 */
struct ebb_policy_config {
	bool enabled;
	bool dry_run;
	uint64_t host_free_bytes;
	uint32_t cover_guests;
	struct ebb_settings settings;
	size_t domain_count;
	struct ebb_config_domain *domains;
};

struct ebb_config {
	char uri[EBB_URI_BYTES_MAX];
	char socket[108];
	char group[64];
	char read_group[64];
	enum ebb_log_level log_level;
	char state_dir[256];
	char history_dir[256]; /* empty: nowhere */
	char qemu_run_dir[256];
	uint32_t workers;
	uint32_t reclaims;
	uint32_t reclaim_timeout_ms;
	uint32_t grant_window_ms;
	uint32_t hugetlb_cover_percent;
	uint32_t agent_timeout_ms;
	struct ebb_policy_config policy;
};

/* The values above. */
void ebb_config_default(struct ebb_config *ret_config);

enum ebb_config_presence {
	EBB_CONFIG_REQUIRED,
	EBB_CONFIG_OPTIONAL, /* without the file the defaults and conf.d hold */
};

/**
 * ebb_config_load - read a file, and the conf.d beside it, over the defaults
 * @path: the file
 * @ret_config: written only on success; end it with ebb_config_clear()
 * @ret_error: "PATH:LINE: ..." with the remedy, filled on failure
 *
 * Returns 0, -ENOENT (@path is not there, and required), -EINVAL or -errno.
 */
int ebb_config_load(const char *path, enum ebb_config_presence presence,
		    struct ebb_config *ret_config,
		    struct ebb_msg_error *ret_error);

/**
 * ebb_config_adopt - take over of a new configuration what may change while ebbd runs
 * @config: what holds; what it points to is freed or replaced
 * @fresh: cleared
 * @ret_fixed: "daemon.socket, daemon.workers": keys whose value is another in @fresh,
 *	but stays; empty if there is none
 *
 * [policy], [domain], log-level, and timeout and grant-window of [reclaim] may; the
 * others are used by threads that run, or once when ebbd starts.
 */
void ebb_config_adopt(struct ebb_config *config, struct ebb_config *fresh,
		      char *ret_fixed, size_t fixed_bytes);

/* Whether host-free is more than half of a host of so much memory. */
bool ebb_config_keeps_much(const struct ebb_config *config,
			   uint64_t memory_bytes);

/* Frees what it points to. Zeroed, default and cleared ones are fine. */
void ebb_config_clear(struct ebb_config *config);

/* What holds for a domain by the configuration: each setting has an origin. */
void ebb_config_settings(const struct ebb_config *config, const char *name,
			 const char *uuid, struct ebb_settings *ret_settings);

#endif /* EBB_HOST_CONFIG_H */
