/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The connection to libvirtd and its domains, as the rest of ebbd sees them.
 *
 * Theory of operation
 * ===================
 *
 * The problem. libvirtd may hang, be stopped, or wait for a QEMU that hangs; a
 * call to it has no time limit. And it stops reading a client that has five
 * calls outstanding, so that the keepalive of a busy client ends it.
 *
 * The rules.
 *   - No call to libvirtd is made on the event loop's thread. Connecting,
 *     listing and closing are jobs (EBB_WORK_CONNECTION); what is asked of a
 *     domain is asked by the job that wants to know. Those functions are marked
 *     "blocks".
 *   - Results and events come back on the event loop's thread, by struct
 *     ebb_virt_ops. What is known of domains at rest is known by events; one
 *     bulk call brings it up to date after connecting, and when somebody looks.
 *   - A connection is three clients of libvirtd: for calls, for calls that wait for a
 *     guest, and for events and streams. One call at a time is outstanding on each
 *     (connection.h).
 *   - A connection is closed when nobody has a reference to one of its domains
 *     any more, by a job: its callbacks are deregistered before.
 *
 * The connection comes back by itself: when libvirtd goes, @disconnected is
 * called, and @connected once it is there again.
 */
#ifndef EBB_HOST_VIRT_H
#define EBB_HOST_VIRT_H

#include <stdbool.h>
#include <stdint.h>

#include "host/base/worker.h"
#include "host/libvirt/metadata.h"

struct ebb_virt;
struct ebb_domain; /* counted reference to a domain of one connection */

enum {
	EBB_UUID_TEXT_BYTES = 37,
	EBB_VIRT_ERROR_BYTES = 256,
};

/* What a domain is, as virsh domstate says it. */
enum ebb_domain_state {
	EBB_DOMAIN_UNKNOWN,
	EBB_DOMAIN_RUNNING,
	EBB_DOMAIN_BLOCKED,
	EBB_DOMAIN_PAUSED,
	EBB_DOMAIN_SHUTDOWN, /* the guest's kernel has ended, QEMU has not */
	EBB_DOMAIN_SHUTOFF,
	EBB_DOMAIN_CRASHED,
	EBB_DOMAIN_PMSUSPENDED,
	EBB_DOMAIN_STATES
};

const char *ebb_domain_state_name(enum ebb_domain_state state);

/* Whether it has a QEMU process, as far as the state tells. */
bool ebb_domain_state_is_active(enum ebb_domain_state state);

/* What happened to a domain, as far as its memory is concerned. */
enum ebb_virt_event {
	EBB_VIRT_DEFINED, /* libvirt knows it now, or knows it otherwise */
	EBB_VIRT_UNDEFINED, /* and does not any more, unless it runs */
	EBB_VIRT_STARTED, /* a QEMU process runs it; a new one if its pidfd is */
	EBB_VIRT_RESUMED, /* the guest goes on, its memory as it was */
	EBB_VIRT_PAUSED,
	EBB_VIRT_PM_SUSPENDED, /* the guest sleeps (S3) */
	EBB_VIRT_PM_WOKEN,
	EBB_VIRT_STOPPED, /* it has no process any more, or is about to */
	EBB_VIRT_RESET, /* the guest's kernel is gone, or another one runs */
	EBB_VIRT_MEMORY_CHANGED, /* devices or memory were added or removed */
	EBB_VIRT_MEMORY_RESIZED, /* a virtio-mem device has more or less plugged */
	EBB_VIRT_PINNED, /* a vCPU of its is pinned anew, or no more */
	EBB_VIRT_AGENT_CHANGED, /* a guest agent came or went */
	EBB_VIRT_JOB_RUNS, /* a migration, or what is one to a file, sends memory */
	EBB_VIRT_JOB_ENDED, /* that read its memory or may have */
	EBB_VIRT_METADATA_CHANGED, /* what Ebb keeps with it is other than before */
};

/* A domain and its state when libvirtd was asked. */
struct ebb_virt_entry {
	struct ebb_domain *domain;
	enum ebb_domain_state state;
};

/* All domains that libvirt knows, running or not. */
struct ebb_virt_list {
	uint32_t count;
	struct ebb_virt_entry *entries;
};

/* On the event loop's thread. Lists and domains are the caller's. */
struct ebb_virt_ops {
	void (*connected)(const struct ebb_virt_list *list, void *opaque);
	/* After ebb_virt_refresh(); @list is NULL if libvirtd gave none. */
	void (*listed)(const struct ebb_virt_list *list, void *opaque);
	void (*disconnected)(void *opaque);
	/*
	 * @state: what the event says of it, or EBB_DOMAIN_UNKNOWN: nothing.
	 * May come before @connected, of the connection that is being made.
	 */
	void (*event)(struct ebb_domain *domain, enum ebb_virt_event event,
		      enum ebb_domain_state state, void *opaque);
	/*
	 * So much is left to the guest by its balloon, without virtio-mem; it says
	 * so itself.
	 */
	void (*balloon)(struct ebb_domain *domain, uint64_t left_bytes,
			void *opaque);
};

/**
 * ebb_virt_new - begin to connect
 * @uri: of the hypervisor; only QEMU on this machine is supported
 * @workers: outlive it
 *
 * Returns 0, -EINVAL (@uri is of another machine), -ENOMEM or -EIO.
 */
int ebb_virt_new(const char *uri, struct ebb_workers *workers,
		 const struct ebb_virt_ops *ops, void *opaque,
		 struct ebb_virt **ret_virt);

/**
 * ebb_virt_first - what came of the first attempt to connect
 * @ret_error: libvirt's words, EBB_VIRT_ERROR_BYTES, filled on an error
 *
 * Returns 0; -EAGAIN (it is under way), -ECONNREFUSED (no libvirtd there) or
 * -EINVAL (not QEMU).
 */
int ebb_virt_first(const struct ebb_virt *virt, char *ret_error);

/*
 * Calls no op any more and closes the connection, by a job, once no reference
 * to its domains is left. Returns whether that is done; ask again until then,
 * or exit around it.
 */
bool ebb_virt_stop(struct ebb_virt *virt);

/* After ebb_virt_stop() returned true. NULL is fine. */
void ebb_virt_free(struct ebb_virt *virt);

bool ebb_virt_is_connected(const struct ebb_virt *virt);

/* Of libvirt, as it counts: 9000000 is 9.0.0. 0: not known, or not connected. */
uint64_t ebb_virt_version(const struct ebb_virt *virt);

/*
 * Asks libvirtd for all domains, unless that is under way. Returns 0, -ENOTCONN
 * or -ENOMEM; @listed is called if 0 is returned.
 */
int ebb_virt_refresh(struct ebb_virt *virt);

/**
 * ebb_virt_ask_definition - ask for the XML that a domain is defined by, by a job
 * @uuid: of a domain, which need not run
 * @done: called later, on the loop's thread, if 0 is returned. @result is as of
 *	ebb_domain_definition(); @xml is NULL unless it is 0, and gone after the call
 *
 * Returns 0, -ENOTCONN or -ENOMEM.
 */
int ebb_virt_ask_definition(struct ebb_virt *virt, const char *uuid,
			    void (*done)(int result, const char *xml,
					 void *opaque),
			    void *opaque);

/**
 * ebb_virt_change_definition - change what Ebb keeps with a definition, by a job
 * @uuid: of a domain, which need not run
 * @changes, @count: as of ebb_domain_change_metadata(); gone after the call
 * @done: as of ebb_virt_ask_definition(), with the XML that it has then. Where @result is
 *	-EIO, libvirt did not take them, and @text has its words. -EALREADY: it took them,
 *	and did not give the XML
 *
 * Returns 0, -ENOTCONN or -ENOMEM.
 */
int ebb_virt_change_definition(
	struct ebb_virt *virt, const char *uuid,
	const struct ebb_metadata_change *changes, size_t count,
	void (*done)(int result, const char *text, void *opaque), void *opaque);

/* Since when libvirtd owes the answer to ebb_virt_refresh(); 0: it does not. */
uint64_t ebb_virt_asked_ns(const struct ebb_virt *virt);

struct ebb_domain *ebb_domain_ref(struct ebb_domain *domain);
void ebb_domain_unref(struct ebb_domain *domain);
const char *ebb_domain_name(const struct ebb_domain *domain);
const char *ebb_domain_uuid(const struct ebb_domain *domain);

/* Its state now, EBB_DOMAIN_UNKNOWN without an answer (blocks). */
enum ebb_domain_state ebb_domain_ask_state(struct ebb_domain *domain);

/* The live XML (blocks), malloc()ed. Returns 0, -ENOTCONN or -ENOENT. */
int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml);

/*
 * The XML that it is defined by, which no guest has a say in (blocks), malloc()ed.
 * Returns 0, -ENOTCONN, -ENOENT or -ENODATA: it is transient.
 */
int ebb_domain_definition(struct ebb_domain *domain, char **ret_xml);

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
 * ebb_domain_change_metadata - change what Ebb keeps with the domain (blocks)
 * @scope: of the one that runs, of its definition, or both, so that a restart of the
 *	guest, of libvirtd or of ebbd does not lose it
 * @changes, @count: of attributes; the others stay, which may differ between the two
 * @ret_live: what the one that runs has then, if that was changed; NULL is fine if
 *	@scope is the definition
 * @ret_error: EBB_VIRT_ERROR_BYTES, filled on failure
 *
 * Returns 0; -EIO: nothing was changed; -EALREADY: the one that runs was, and its
 * definition was not.
 */
int ebb_domain_change_metadata(struct ebb_domain *domain, enum ebb_scope scope,
			       const struct ebb_metadata_change *changes,
			       size_t count, struct ebb_metadata *ret_live,
			       char *ret_error);

/**
 * ebb_domain_read_metadata - what Ebb keeps with one that runs (blocks)
 * @ret_live: as it runs
 * @ret_next_known, @ret_next: for its next start, if it has a definition that can be read
 *
 * Returns 0, or -ENOTCONN if @ret_live cannot be known.
 */
int ebb_domain_read_metadata(struct ebb_domain *domain,
			     struct ebb_metadata *ret_live,
			     bool *ret_next_known,
			     struct ebb_metadata *ret_next);

#endif /* EBB_HOST_VIRT_H */
