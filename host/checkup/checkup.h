/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "ebbctl doctor" without a domain: ebbd looks at its host and at itself.
 *
 * What the kernel and the files of the configuration say is read by a worker, and what
 * the loop knows (libvirt, budgets, how ebbd started) is added when that is done. That
 * libvirtd hangs shows only when it is asked, so it is, and has a moment to answer. The
 * worker is one that reads (EBB_WORK_READ): those that look may all wait for libvirtd.
 */
#ifndef EBB_HOST_CHECKUP_CHECKUP_H
#define EBB_HOST_CHECKUP_CHECKUP_H

#include "host/base/worker.h"
#include "host/checkup/examine.h"
#include "host/config.h"
#include "host/control/call.h"
#include "host/domain/fleet.h"
#include "host/sharing/sharing.h"

struct ebb_checkup;

/**
 * struct ebb_checkup_options - all outlive it
 * @config: what holds
 * @path, @presence: where it was read, for ebb_config_load()
 * @start: may change until ebbd serves
 */
struct ebb_checkup_options {
	const struct ebb_config *config;
	const char *path;
	enum ebb_config_presence presence;
	const struct ebb_checkup_start *start;
	struct ebb_workers *workers;
	struct ebb_fleet *fleet;
	const struct ebb_sharing *sharing;
};

/* The command "host-doctor"; @opaque is the struct ebb_checkup. */
extern const struct ebb_control_handler ebb_checkup_handlers[];

/* Returns NULL without memory. */
struct ebb_checkup *ebb_checkup_new(const struct ebb_checkup_options *options);

/* No job runs, and no peer is left. NULL is fine. */
void ebb_checkup_free(struct ebb_checkup *checkup);

#endif /* EBB_HOST_CHECKUP_CHECKUP_H */
