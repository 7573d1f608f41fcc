/* SPDX-License-Identifier: GPL-2.0-only */
/* A domain of a connection, and what is asked of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <libvirt/virterror.h>

#include "common/cleanup.h"
#include "host/libvirt/connection.h"

enum {
	/* VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE, of libvirt 9.0 and newer. */
	JOB_OPERATION_SNAPSHOT_DELETE = 10
};

struct ebb_domain *ebb_domain_wrap(struct ebb_connection *connection,
				   virDomainPtr source)
{
	struct ebb_domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	domain->name = strdup(virDomainGetName(source));
	if (!domain->name) {
		free(domain);
		return NULL;
	}
	/* An event is of the other handle: its domain is looked up if it is asked. */
	if (virDomainGetConnect(source) ==
		    connection->handles[EBB_CALL_LIBVIRTD] &&
	    virDomainRef(source) == 0)
		domain->handle = source;
	domain->references = 1;
	domain->connection = connection;
	connection->users++;
	virDomainGetUUIDString(source, domain->uuid);
	return domain;
}

/* Returns 0, -ENOENT or -ENOTCONN. In a turn of EBB_CALL_LIBVIRTD. */
static int look_up(struct ebb_connection *connection, const char *uuid,
		   virDomainPtr *ret_handle)
{
	*ret_handle = virDomainLookupByUUIDString(
		connection->handles[EBB_CALL_LIBVIRTD], uuid);
	if (*ret_handle)
		return 0;
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? -ENOENT : -ENOTCONN;
}

static void end(struct ebb_domain *domain)
{
	ebb_connection_end(domain->connection, EBB_CALL_LIBVIRTD);
}

/*
 * Waits for a turn of EBB_CALL_LIBVIRTD, in which the domain has its handle; end() it.
 * Returns 0, -ENOENT or -ENOTCONN: do not call.
 */
static int begin(struct ebb_domain *domain)
{
	int r = 0;

	if (ebb_connection_begin(domain->connection, EBB_CALL_LIBVIRTD) < 0)
		return -ENOTCONN;
	if (!domain->handle && domain->connection)
		r = look_up(domain->connection, domain->uuid, &domain->handle);
	if (r < 0)
		end(domain);
	return r;
}

int ebb_domain_find(struct ebb_connection *connection, const char *uuid,
		    struct ebb_domain **ret_domain)
{
	virDomainPtr handle;
	int r;

	if (ebb_connection_begin(connection, EBB_CALL_LIBVIRTD) < 0)
		return -ENOTCONN;
	r = look_up(connection, uuid, &handle);
	ebb_connection_end(connection, EBB_CALL_LIBVIRTD);
	if (r < 0)
		return r;
	*ret_domain = ebb_domain_wrap(connection, handle);
	virDomainFree(handle);
	return *ret_domain ? 0 : -ENOMEM;
}

struct ebb_domain *ebb_domain_ref(struct ebb_domain *domain)
{
	__atomic_add_fetch(&domain->references, 1, __ATOMIC_RELAXED);
	return domain;
}

void ebb_domain_unref(struct ebb_domain *domain)
{
	struct ebb_connection *connection;
	int wake_fd;

	if (!domain ||
	    __atomic_sub_fetch(&domain->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	connection = domain->connection;
	if (domain->handle)
		virDomainFree(domain->handle);
	free(domain->name);
	free(domain);
	if (!connection)
		return;
	/* Without users it may be closed, and freed, by the loop at once. */
	wake_fd = connection->wake_fd;
	if (atomic_fetch_sub(&connection->users, 1) == 1)
		eventfd_write(wake_fd, 1);
}

const char *ebb_domain_name(const struct ebb_domain *domain)
{
	return domain->name;
}

const char *ebb_domain_uuid(const struct ebb_domain *domain)
{
	return domain->uuid;
}

static const struct {
	int number; /* libvirt's */
	const char *name;
	bool active;
} states[EBB_DOMAIN_STATES] = {
	[EBB_DOMAIN_UNKNOWN] = { VIR_DOMAIN_NOSTATE, "unknown", false },
	[EBB_DOMAIN_RUNNING] = { VIR_DOMAIN_RUNNING, "running", true },
	[EBB_DOMAIN_BLOCKED] = { VIR_DOMAIN_BLOCKED, "idle", true },
	[EBB_DOMAIN_PAUSED] = { VIR_DOMAIN_PAUSED, "paused", true },
	[EBB_DOMAIN_SHUTDOWN] = { VIR_DOMAIN_SHUTDOWN, "in shutdown", true },
	[EBB_DOMAIN_SHUTOFF] = { VIR_DOMAIN_SHUTOFF, "shut off", false },
	[EBB_DOMAIN_CRASHED] = { VIR_DOMAIN_CRASHED, "crashed", true },
	[EBB_DOMAIN_PMSUSPENDED] = { VIR_DOMAIN_PMSUSPENDED, "pmsuspended",
				     true },
};

const char *ebb_domain_state_name(enum ebb_domain_state state)
{
	return states[state].name;
}

bool ebb_domain_state_is_active(enum ebb_domain_state state)
{
	return states[state].active;
}

enum ebb_domain_state ebb_domain_state_of(int number)
{
	for (int state = 0; state < EBB_DOMAIN_STATES; state++)
		if (states[state].number == number)
			return (enum ebb_domain_state)state;
	return EBB_DOMAIN_UNKNOWN;
}

enum ebb_domain_state ebb_domain_ask_state(struct ebb_domain *domain)
{
	int number = VIR_DOMAIN_NOSTATE, reason;

	if (begin(domain) < 0)
		return EBB_DOMAIN_UNKNOWN;
	if (virDomainGetState(domain->handle, &number, &reason, 0) < 0)
		number = VIR_DOMAIN_NOSTATE;
	end(domain);
	return ebb_domain_state_of(number);
}

static bool has_definition(virDomainPtr handle)
{
	return virDomainIsPersistent(handle) == 1;
}

/* In a turn of EBB_CALL_LIBVIRTD, which it ends. */
static int get_xml(struct ebb_domain *domain, unsigned int flags,
		   char **ret_xml)
{
	*ret_xml = virDomainGetXMLDesc(domain->handle, flags);
	end(domain);
	if (*ret_xml)
		return 0;
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? -ENOENT : -ENOTCONN;
}

int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml)
{
	int r = begin(domain);

	return r < 0 ? r : get_xml(domain, 0, ret_xml);
}

int ebb_domain_definition(struct ebb_domain *domain, char **ret_xml)
{
	int r = begin(domain);

	if (r < 0)
		return r;
	/* libvirt would give the live XML of a transient one. */
	if (!has_definition(domain->handle)) {
		end(domain);
		return -ENODATA;
	}
	return get_xml(domain, VIR_DOMAIN_XML_INACTIVE, ret_xml);
}

enum ebb_job ebb_job_of(int type, int operation)
{
	if (type == VIR_DOMAIN_JOB_NONE || type == VIR_DOMAIN_JOB_COMPLETED)
		return EBB_JOB_NONE;
	switch (operation) {
	case VIR_DOMAIN_JOB_OPERATION_BACKUP:
	case JOB_OPERATION_SNAPSHOT_DELETE:
		return EBB_JOB_DISK;
	default:
		return EBB_JOB_MEMORY;
	}
}

int ebb_domain_job(struct ebb_domain *domain)
{
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN, type = 0, count = 0;
	virTypedParameterPtr params = NULL;
	int r;

	if (begin(domain) < 0)
		return -ENOTCONN;
	r = virDomainGetJobStats(domain->handle, &type, &params, &count, 0);
	end(domain);
	if (r < 0)
		return -ENOTCONN;
	virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION,
			     &operation);
	virTypedParamsFree(params, count);
	return (int)ebb_job_of(type, operation);
}

/* In a turn of EBB_CALL_LIBVIRTD. Returns 0, with NULL if there is none, or -EIO. */
static int get_element(virDomainPtr handle, unsigned int side,
		       char **ret_element)
{
	*ret_element = virDomainGetMetadata(handle, VIR_DOMAIN_METADATA_ELEMENT,
					    EBB_METADATA_URI, side);
	if (*ret_element || virGetLastErrorCode() == VIR_ERR_NO_DOMAIN_METADATA)
		return 0;
	return -EIO;
}

/* Of one side: what is read is changed, and written. In such a turn. */
static int change_side(virDomainPtr handle, unsigned int side,
		       const struct ebb_metadata_change *changes, size_t count,
		       char **ret_element)
{
	ebb_auto_free char *before = NULL, *after = NULL;
	int r = get_element(handle, side, &before);

	if (r == 0)
		r = ebb_metadata_edit(before, changes, count, &after);
	if (r == 0 && virDomainSetMetadata(handle, VIR_DOMAIN_METADATA_ELEMENT,
					   after, EBB_METADATA_PREFIX,
					   EBB_METADATA_URI, side) < 0)
		r = -EIO;
	if (r == 0)
		*ret_element = ebb_steal_ptr(after);
	return r;
}

int ebb_domain_change_metadata(struct ebb_domain *domain, enum ebb_scope scope,
			       const struct ebb_metadata_change *changes,
			       size_t count, struct ebb_metadata *ret_live,
			       char *ret_error)
{
	ebb_auto_free char *live = NULL, *config = NULL;
	virDomainPtr handle;
	bool changed = false;
	int r = 0;

	if (begin(domain) < 0) {
		snprintf(ret_error, EBB_VIRT_ERROR_BYTES,
			 "the connection to libvirtd is gone");
		return -EIO;
	}
	handle = domain->handle;
	if (scope != EBB_SCOPE_CONFIG)
		r = change_side(handle, VIR_DOMAIN_AFFECT_LIVE, changes, count,
				&live);
	changed = r == 0 && scope != EBB_SCOPE_CONFIG;
	if (r == 0 && (scope == EBB_SCOPE_CONFIG ||
		       (scope == EBB_SCOPE_BOTH && has_definition(handle))))
		r = change_side(handle, VIR_DOMAIN_AFFECT_CONFIG, changes,
				count, &config);
	end(domain);
	if (r < 0)
		snprintf(ret_error, EBB_VIRT_ERROR_BYTES, "%s",
			 r == -EIO ? virGetLastErrorMessage() : strerror(-r));
	if (changed && ebb_metadata_parse(live, ret_live) < 0) {
		snprintf(ret_error, EBB_VIRT_ERROR_BYTES, "%s",
			 strerror(ENOMEM));
		return -EIO;
	}
	if (r == 0)
		return 0;
	return changed ? -EALREADY : -EIO;
}

int ebb_domain_read_metadata(struct ebb_domain *domain,
			     struct ebb_metadata *ret_live,
			     bool *ret_next_known,
			     struct ebb_metadata *ret_next)
{
	ebb_auto_free char *live = NULL, *next = NULL;
	bool defined;
	int r;

	if (begin(domain) < 0)
		return -ENOTCONN;
	r = get_element(domain->handle, VIR_DOMAIN_AFFECT_LIVE, &live);
	defined = r == 0 && has_definition(domain->handle) &&
		  get_element(domain->handle, VIR_DOMAIN_AFFECT_CONFIG,
			      &next) == 0;
	end(domain);
	if (r < 0 || ebb_metadata_parse(live, ret_live) < 0)
		return -ENOTCONN;
	*ret_next_known = defined && ebb_metadata_parse(next, ret_next) == 0;
	return 0;
}
