/* SPDX-License-Identifier: GPL-2.0-only */
/* What a host lacks for Ebb to work as it can, point by point. Pure. */
#ifndef EBB_HOST_CHECKUP_EXAMINE_H
#define EBB_HOST_CHECKUP_EXAMINE_H

#include "host/checkup/facts.h"
#include "host/interface/explain.h"
#include "host/interface/status.h"

/**
 * struct ebb_checkup_start - how ebbd came up
 * @no_sandbox: it was told to keep its privileges
 * @sandbox_error: 0, or why it could not drop them, as -errno
 * @group_missing, @read_group_missing: a group that ebbd.conf names is not there
 * @read_error: 0, or why members of read-group cannot connect, as -errno
 */
struct ebb_checkup_start {
	bool no_sandbox;
	int sandbox_error;
	bool group_missing;
	bool read_group_missing;
	int read_error;
};

/**
 * struct ebb_checkup_picture - what is known of a host
 * @ebbctl_version: of who asks, or empty
 * @libvirt_version: as libvirt counts, 9000000 for 9.0.0; 0: not known
 * @libvirt_silent: libvirtd owes an answer for longer than it takes
 * @pressure_error: of struct ebb_watch_sources
 * @deaf_cgroups: cgroups with a limit whose events are not told
 * @config_error: a mistake in the files of the configuration, or empty
 * @group, @read_group: as ebbd.conf names them
 * @budgets: also says whether the policy is on and whether it is paused
 * @budgets_known: else @budgets is empty
 */
struct ebb_checkup_picture {
	struct ebb_host_facts facts;
	struct ebb_checkup_start start;
	char ebbctl_version[32];
	char uri[EBB_URI_BYTES_MAX];
	bool libvirt_connected;
	bool libvirt_silent;
	uint64_t libvirt_version;
	int pressure_error;
	uint32_t deaf_cgroups;
	char config_error[EBB_TEXT_BYTES_MAX];
	char group[64];
	char read_group[64];
	bool budgets_known;
	struct ebb_explain budgets;
};

/* Fills all. */
void ebb_checkup_examine(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *ret_doctor);

#endif /* EBB_HOST_CHECKUP_EXAMINE_H */
