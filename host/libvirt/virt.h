/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection to libvirtd and its domains. With channel.c, the only place
 * that knows virDomainPtr.
 *
 * The connection comes back by itself: when libvirtd goes, @disconnected is
 * called, and then @connected once it is there again. All callbacks run on the
 * event loop's thread. The calls marked "blocks" talk to libvirtd and belong
 * on a worker.
 */
#ifndef EBB_HOST_VIRT_H
#define EBB_HOST_VIRT_H

#include <stdbool.h>
#include <stdint.h>

struct ebb_virt;
struct ebb_domain; /* counted reference to a domain of one connection */

enum {
	EBB_UUID_TEXT_BYTES = 37
};

/* What happened to a domain, as far as its memory is concerned. */
enum ebb_virt_event {
	EBB_VIRT_STARTED, /* it runs; often, but not always, in a new process */
	EBB_VIRT_PAUSED, /* its processors stand still, or the guest sleeps */
	EBB_VIRT_RESUMED, /* they go on */
	EBB_VIRT_STOPPED, /* it has none any more, or is about to */
	EBB_VIRT_RESET, /* the guest's kernel is gone, or another one runs */
	EBB_VIRT_MEMORY_CHANGED, /* devices or memory were added or removed */
	EBB_VIRT_AGENT_CHANGED, /* a guest agent came or went */
	EBB_VIRT_JOB_ENDED,
};

struct ebb_virt_ops {
	void (*connected)(void *opaque);
	void (*disconnected)(void *opaque);
	/* @domain is the caller's: take a reference to keep it. */
	void (*event)(struct ebb_domain *domain, enum ebb_virt_event event,
		      void *opaque);
};

/**
 * ebb_virt_new - connect, for the first time
 * @uri: of the hypervisor; only QEMU is supported
 * @ret_error: text of libvirt's error, at least 256 bytes, filled on failure
 *
 * Registers libvirt's event loop. @ops->connected is called from the loop.
 * Returns 0, -ECONNREFUSED (no libvirtd there), -EINVAL (not a QEMU URI) or
 * -ENOMEM.
 */
int ebb_virt_new(const char *uri, const struct ebb_virt_ops *ops, void *opaque,
		 struct ebb_virt **ret_virt, char *ret_error);

void ebb_virt_free(struct ebb_virt *virt);

bool ebb_virt_is_connected(const struct ebb_virt *virt);

/**
 * ebb_virt_list - all domains (blocks)
 * @ret_domains: array, each entry one reference; free both
 * @active_only: leave out those that are shut off
 *
 * Returns their number, or -ENOTCONN, or -ENOMEM.
 */
int ebb_virt_list(struct ebb_virt *virt, bool active_only,
		  struct ebb_domain ***ret_domains);

/* By name or UUID (blocks). Returns 0, -ENOENT, -ENOTCONN or -ENOMEM. */
int ebb_virt_lookup(struct ebb_virt *virt, const char *name_or_uuid,
		    struct ebb_domain **ret_domain);

struct ebb_domain *ebb_domain_ref(struct ebb_domain *domain);
void ebb_domain_unref(struct ebb_domain *domain);
const char *ebb_domain_name(const struct ebb_domain *domain);
const char *ebb_domain_uuid(const struct ebb_domain *domain);

/* As virsh domstate names it (blocks). @ret_running: has a QEMU process. */
const char *ebb_domain_state(struct ebb_domain *domain, bool *ret_running);

/* The live XML (blocks), malloc()ed. Returns 0, -ENOTCONN or -ENOENT. */
int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml);

/*
 * enum ebb_job - what works on a domain, as far as its memory is concerned
 * @EBB_JOB_NONE: nothing
 * @EBB_JOB_DISK: backup of its disks, deletion of a snapshot: its memory is left
 *	alone
 * @EBB_JOB_MEMORY: its memory is read or moved: migration, save, restore, dump,
 *	snapshot; and whatever a newer libvirt knows
 */
enum ebb_job {
	EBB_JOB_NONE,
	EBB_JOB_DISK,
	EBB_JOB_MEMORY,
};

/* (Blocks.) Returns an enum ebb_job, or -ENOTCONN if that cannot be known. */
int ebb_domain_job(struct ebb_domain *domain);

/* Pure. Which it is, by virDomainJobType and virDomainJobOperation of libvirt. */
enum ebb_job ebb_job_of(int type, int operation);

/**
 * ebb_domain_set_metadata - keep an element with the domain (blocks)
 * @prefix, @uri: its namespace
 * @element: XML without them, or NULL for no element of that namespace
 * @ret_error: text of libvirt's error, at least 256 bytes, filled on failure
 *
 * With the one that runs, and with its definition if it has one, so that a
 * restart of the guest, of libvirtd or of ebbd does not lose it. Returns 0 or
 * -EIO.
 */
int ebb_domain_set_metadata(struct ebb_domain *domain, const char *prefix,
			    const char *uri, const char *element,
			    char *ret_error);

#endif /* EBB_HOST_VIRT_H */
