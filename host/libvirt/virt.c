/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/virt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/libvirt/virt_handle.h"

enum {
	RECONNECT_MS = 1000,
	/* A libvirtd that says nothing for so long is gone. */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
	/* VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_DELETE, of libvirt 9.0 and newer. */
	JOB_OPERATION_SNAPSHOT_DELETE = 10,
};

struct ebb_virt {
	char *uri;
	struct ebb_virt_ops ops;
	void *opaque;
	virConnectPtr connection; /* NULL: not connected */
	virConnectPtr closed; /* by the other end, and not yet by us */
	int timer;
};

/* libvirt prints its errors to stderr unless told otherwise. */
static void drop_error(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

static struct ebb_domain *wrap_domain(virDomainPtr handle)
{
	struct ebb_domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	if (virDomainRef(handle) < 0) {
		free(domain);
		return NULL;
	}
	domain->handle = handle;
	domain->references = 1;
	virDomainGetUUIDString(handle, domain->uuid);
	return domain;
}

static void emit(struct ebb_virt *virt, virDomainPtr handle,
		 enum ebb_virt_event event)
{
	struct ebb_domain *domain = wrap_domain(handle);

	if (!domain)
		return;
	virt->ops.event(domain, event, virt->opaque);
	ebb_domain_unref(domain);
}

static int on_lifecycle(virConnectPtr connection, virDomainPtr handle,
			int event, int detail, void *opaque)
{
	(void)connection;
	(void)detail;
	switch (event) {
	case VIR_DOMAIN_EVENT_STARTED:
		emit(opaque, handle, EBB_VIRT_STARTED);
		break;
	case VIR_DOMAIN_EVENT_SUSPENDED:
	case VIR_DOMAIN_EVENT_PMSUSPENDED:
		emit(opaque, handle, EBB_VIRT_PAUSED);
		break;
	case VIR_DOMAIN_EVENT_RESUMED:
		emit(opaque, handle, EBB_VIRT_RESUMED);
		break;
	case VIR_DOMAIN_EVENT_STOPPED:
		emit(opaque, handle, EBB_VIRT_STOPPED);
		break;
	case VIR_DOMAIN_EVENT_SHUTDOWN:
	case VIR_DOMAIN_EVENT_CRASHED:
		emit(opaque, handle, EBB_VIRT_RESET);
		break;
	default:
		/* Defining it: the memory stays what it is. */
		break;
	}
	return 0;
}

static void on_reboot(virConnectPtr connection, virDomainPtr handle,
		      void *opaque)
{
	(void)connection;
	emit(opaque, handle, EBB_VIRT_RESET);
}

static void on_agent(virConnectPtr connection, virDomainPtr handle, int state,
		     int reason, void *opaque)
{
	(void)connection;
	(void)state;
	(void)reason;
	emit(opaque, handle, EBB_VIRT_AGENT_CHANGED);
}

static void on_device(virConnectPtr connection, virDomainPtr handle,
		      const char *alias, void *opaque)
{
	(void)connection;
	(void)alias;
	emit(opaque, handle, EBB_VIRT_MEMORY_CHANGED);
}

static void on_memory_size(virConnectPtr connection, virDomainPtr handle,
			   const char *alias, unsigned long long size,
			   void *opaque)
{
	(void)size;
	on_device(connection, handle, alias, opaque);
}

static void on_job_completed(virConnectPtr connection, virDomainPtr handle,
			     virTypedParameterPtr params, int count,
			     void *opaque)
{
	(void)connection;
	(void)params;
	(void)count;
	emit(opaque, handle, EBB_VIRT_JOB_ENDED);
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback callback;
} events[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE,
	  VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_REBOOT, VIR_DOMAIN_EVENT_CALLBACK(on_reboot) },
	{ VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE,
	  VIR_DOMAIN_EVENT_CALLBACK(on_agent) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
	  VIR_DOMAIN_EVENT_CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED,
	  VIR_DOMAIN_EVENT_CALLBACK(on_device) },
	{ VIR_DOMAIN_EVENT_ID_MEMORY_DEVICE_SIZE_CHANGE,
	  VIR_DOMAIN_EVENT_CALLBACK(on_memory_size) },
	{ VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
	  VIR_DOMAIN_EVENT_CALLBACK(on_job_completed) },
};

/* libvirt holds its lock here: all that is done about it is done soon. */
static void on_close(virConnectPtr connection, int reason, void *opaque)
{
	struct ebb_virt *virt = opaque;

	(void)reason;
	if (connection != virt->connection)
		return;
	virt->connection = NULL;
	virt->closed = connection;
	ebb_loop_timer_set(virt->timer, 0);
}

static void bury(struct ebb_virt *virt)
{
	virConnectUnregisterCloseCallback(virt->closed, on_close);
	virConnectClose(virt->closed);
	virt->closed = NULL;
}

static int register_events(struct ebb_virt *virt, virConnectPtr connection)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(events); i++)
		if (virConnectDomainEventRegisterAny(
			    connection, NULL, events[i].id, events[i].callback,
			    virt, NULL) < 0)
			return -ECONNREFUSED;
	return virConnectRegisterCloseCallback(connection, on_close, virt,
					       NULL) < 0
		       ? -ECONNREFUSED
		       : 0;
}

static int connect_once(struct ebb_virt *virt)
{
	virConnectPtr connection = virConnectOpen(virt->uri);
	const char *type;

	if (!connection)
		return -ECONNREFUSED;
	type = virConnectGetType(connection);
	if (!type || strcmp(type, "QEMU") != 0) {
		virConnectClose(connection);
		return -EINVAL;
	}
	/* Not over every transport: then a dead peer is found by its errors. */
	virConnectSetKeepAlive(connection, KEEPALIVE_INTERVAL_S,
			       KEEPALIVE_COUNT);
	if (register_events(virt, connection) < 0) {
		virConnectClose(connection);
		return -ECONNREFUSED;
	}
	virt->connection = connection;
	return 0;
}

/* After the first connection and the end of one, then until there is one. */
static void on_timer(int timer, void *opaque)
{
	struct ebb_virt *virt = opaque;

	if (virt->closed) {
		virt->ops.disconnected(virt->opaque);
		bury(virt);
		ebb_loop_timer_set(timer, RECONNECT_MS);
		return;
	}
	if (!virt->connection && connect_once(virt) < 0) {
		ebb_loop_timer_set(timer, RECONNECT_MS);
		return;
	}
	ebb_loop_timer_set(timer, -1);
	virt->ops.connected(virt->opaque);
}

static void save_error(int r, const char *uri, char *ret_error)
{
	if (r == -EINVAL)
		snprintf(ret_error, 256, "'%s' is not a QEMU connection", uri);
	else
		snprintf(ret_error, 256, "%s", virGetLastErrorMessage());
}

int ebb_virt_new(const char *uri, const struct ebb_virt_ops *ops, void *opaque,
		 struct ebb_virt **ret_virt, char *ret_error)
{
	struct ebb_virt *virt;
	int r;

	virSetErrorFunc(NULL, drop_error);
	if (virInitialize() < 0)
		return -ENOMEM;
	virt = calloc(1, sizeof(*virt));
	if (!virt)
		return -ENOMEM;
	*virt = (struct ebb_virt){
		.uri = strdup(uri), .ops = *ops, .opaque = opaque, .timer = -1
	};
	r = virt->uri ? connect_once(virt) : -ENOMEM;
	if (r == 0)
		virt->timer = ebb_loop_timer(0, on_timer, virt);
	if (r == 0 && virt->timer < 0)
		r = -ENOMEM;
	if (r < 0) {
		save_error(r, uri, ret_error);
		ebb_virt_free(virt);
		return r;
	}
	*ret_virt = virt;
	return 0;
}

void ebb_virt_free(struct ebb_virt *virt)
{
	if (!virt)
		return;
	if (virt->timer >= 0)
		ebb_loop_timer_remove(virt->timer);
	if (virt->closed)
		bury(virt);
	if (virt->connection) {
		virConnectUnregisterCloseCallback(virt->connection, on_close);
		virConnectClose(virt->connection);
	}
	free(virt->uri);
	free(virt);
}

bool ebb_virt_is_connected(const struct ebb_virt *virt)
{
	return virt->connection != NULL;
}

int ebb_virt_list(struct ebb_virt *virt, bool active_only,
		  struct ebb_domain ***ret_domains)
{
	unsigned int flags = active_only ? VIR_CONNECT_LIST_DOMAINS_ACTIVE : 0;
	struct ebb_domain **domains;
	virDomainPtr *handles;
	int count, used = 0;

	if (!virt->connection)
		return -ENOTCONN;
	count = virConnectListAllDomains(virt->connection, &handles, flags);
	if (count < 0)
		return -ENOTCONN;
	domains = calloc((size_t)count + 1, sizeof(struct ebb_domain *));
	for (int i = 0; i < count; i++) {
		if (domains)
			domains[used] = wrap_domain(handles[i]);
		if (domains && domains[used])
			used++;
		virDomainFree(handles[i]);
	}
	free(handles);
	if (!domains)
		return -ENOMEM;
	*ret_domains = domains;
	return used;
}

int ebb_virt_lookup(struct ebb_virt *virt, const char *name_or_uuid,
		    struct ebb_domain **ret_domain)
{
	virDomainPtr handle;
	int code;

	if (!virt->connection)
		return -ENOTCONN;
	handle = virDomainLookupByName(virt->connection, name_or_uuid);
	if (!handle)
		handle = virDomainLookupByUUIDString(virt->connection,
						     name_or_uuid);
	if (!handle) {
		code = virGetLastErrorCode();
		return code == VIR_ERR_NO_DOMAIN || code == VIR_ERR_INVALID_ARG
			       ? -ENOENT
			       : -ENOTCONN;
	}
	*ret_domain = wrap_domain(handle);
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
	if (!domain ||
	    __atomic_sub_fetch(&domain->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	virDomainFree(domain->handle);
	free(domain);
}

const char *ebb_domain_name(const struct ebb_domain *domain)
{
	return virDomainGetName(domain->handle);
}

const char *ebb_domain_uuid(const struct ebb_domain *domain)
{
	return domain->uuid;
}

const char *ebb_domain_state(struct ebb_domain *domain, bool *ret_running)
{
	int state, reason;

	*ret_running = false;
	if (virDomainGetState(domain->handle, &state, &reason, 0) < 0)
		return "unknown";
	*ret_running = state != VIR_DOMAIN_SHUTOFF &&
		       state != VIR_DOMAIN_NOSTATE;
	switch (state) {
	case VIR_DOMAIN_RUNNING:
		return "running";
	case VIR_DOMAIN_BLOCKED:
		return "idle";
	case VIR_DOMAIN_PAUSED:
		return "paused";
	case VIR_DOMAIN_SHUTDOWN:
		return "in shutdown";
	case VIR_DOMAIN_SHUTOFF:
		return "shut off";
	case VIR_DOMAIN_CRASHED:
		return "crashed";
	case VIR_DOMAIN_PMSUSPENDED:
		return "pmsuspended";
	default:
		return "no state";
	}
}

int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml)
{
	*ret_xml = virDomainGetXMLDesc(domain->handle, 0);
	if (*ret_xml)
		return 0;
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN ? -ENOENT : -ENOTCONN;
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

	if (virDomainGetJobStats(domain->handle, &type, &params, &count, 0) < 0)
		return -ENOTCONN;
	virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION,
			     &operation);
	virTypedParamsFree(params, count);
	return (int)ebb_job_of(type, operation);
}

int ebb_domain_set_metadata(struct ebb_domain *domain, const char *prefix,
			    const char *uri, const char *element,
			    char *ret_error)
{
	unsigned int flags = VIR_DOMAIN_AFFECT_LIVE;

	if (virDomainIsPersistent(domain->handle) == 1)
		flags |= VIR_DOMAIN_AFFECT_CONFIG;
	if (virDomainSetMetadata(domain->handle, VIR_DOMAIN_METADATA_ELEMENT,
				 element, prefix, uri, flags) == 0)
		return 0;
	snprintf(ret_error, 256, "%s", virGetLastErrorMessage());
	return -EIO;
}
