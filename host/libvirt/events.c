/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What libvirt tells of domains, in Ebb's words. Callbacks come on the event
 * loop's thread; registering and deregistering asks libvirtd, and blocks.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/libvirt/connection.h"

static void emit(struct ebb_connection *connection, virDomainPtr handle,
		 enum ebb_virt_event event, enum ebb_domain_state state)
{
	struct ebb_domain *domain;

	if (!connection->emit)
		return;
	domain = ebb_domain_wrap(connection, handle);
	if (!domain)
		return;
	connection->emit(domain, event, state, connection->opaque);
	ebb_domain_unref(domain);
}

/* By libvirt's numbers; what is not here says nothing of memory or state. */
static const struct {
	int number;
	enum ebb_virt_event event;
	enum ebb_domain_state state;
} lifecycle[] = {
	{ VIR_DOMAIN_EVENT_DEFINED, EBB_VIRT_DEFINED, EBB_DOMAIN_UNKNOWN },
	{ VIR_DOMAIN_EVENT_UNDEFINED, EBB_VIRT_UNDEFINED, EBB_DOMAIN_UNKNOWN },
	{ VIR_DOMAIN_EVENT_STARTED, EBB_VIRT_STARTED, EBB_DOMAIN_RUNNING },
	{ VIR_DOMAIN_EVENT_SUSPENDED, EBB_VIRT_PAUSED, EBB_DOMAIN_PAUSED },
	{ VIR_DOMAIN_EVENT_RESUMED, EBB_VIRT_RESUMED, EBB_DOMAIN_RUNNING },
	{ VIR_DOMAIN_EVENT_STOPPED, EBB_VIRT_STOPPED, EBB_DOMAIN_SHUTOFF },
	{ VIR_DOMAIN_EVENT_SHUTDOWN, EBB_VIRT_RESET, EBB_DOMAIN_SHUTDOWN },
	{ VIR_DOMAIN_EVENT_PMSUSPENDED, EBB_VIRT_PM_SUSPENDED,
	  EBB_DOMAIN_PMSUSPENDED },
	{ VIR_DOMAIN_EVENT_CRASHED, EBB_VIRT_RESET, EBB_DOMAIN_CRASHED },
};

static int on_lifecycle(virConnectPtr handle, virDomainPtr domain, int number,
			int detail, void *opaque)
{
	(void)handle;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(lifecycle); i++) {
		enum ebb_virt_event event = lifecycle[i].event;

		if (lifecycle[i].number != number)
			continue;
		/* The process that slept goes on. */
		if (event == EBB_VIRT_STARTED &&
		    detail == VIR_DOMAIN_EVENT_STARTED_WAKEUP)
			event = EBB_VIRT_PM_WOKEN;
		emit(opaque, domain, event, lifecycle[i].state);
	}
	return 0;
}

static void on_reboot(virConnectPtr handle, virDomainPtr domain, void *opaque)
{
	(void)handle;
	emit(opaque, domain, EBB_VIRT_RESET, EBB_DOMAIN_UNKNOWN);
}

static void on_agent(virConnectPtr handle, virDomainPtr domain, int state,
		     int reason, void *opaque)
{
	(void)handle;
	(void)state;
	(void)reason;
	emit(opaque, domain, EBB_VIRT_AGENT_CHANGED, EBB_DOMAIN_UNKNOWN);
}

static void on_device(virConnectPtr handle, virDomainPtr domain,
		      const char *alias, void *opaque)
{
	(void)handle;
	(void)alias;
	emit(opaque, domain, EBB_VIRT_MEMORY_CHANGED, EBB_DOMAIN_UNKNOWN);
}

static void on_memory_size(virConnectPtr handle, virDomainPtr domain,
			   const char *alias, unsigned long long size,
			   void *opaque)
{
	(void)handle;
	(void)alias;
	(void)size;
	emit(opaque, domain, EBB_VIRT_MEMORY_RESIZED, EBB_DOMAIN_UNKNOWN);
}

static void on_iteration(virConnectPtr handle, virDomainPtr domain,
			 int iteration, void *opaque)
{
	(void)handle;
	(void)iteration;
	emit(opaque, domain, EBB_VIRT_JOB_RUNS, EBB_DOMAIN_UNKNOWN);
}

static void on_job_completed(virConnectPtr handle, virDomainPtr domain,
			     virTypedParameterPtr params, int count,
			     void *opaque)
{
	int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;

	(void)handle;
	virTypedParamsGetInt(params, count, VIR_DOMAIN_JOB_OPERATION,
			     &operation);
	if (ebb_job_of(VIR_DOMAIN_JOB_UNBOUNDED, operation) == EBB_JOB_MEMORY)
		emit(opaque, domain, EBB_VIRT_JOB_ENDED, EBB_DOMAIN_UNKNOWN);
}

static void on_metadata(virConnectPtr handle, virDomainPtr domain, int type,
			const char *uri, void *opaque)
{
	(void)handle;
	if (type == VIR_DOMAIN_METADATA_ELEMENT && uri &&
	    strcmp(uri, EBB_METADATA_URI) == 0)
		emit(opaque, domain, EBB_VIRT_METADATA_CHANGED,
		     EBB_DOMAIN_UNKNOWN);
}

/* Quotas change each few seconds where somebody manages them: no matter of ours. */
static void on_tunable(virConnectPtr handle, virDomainPtr domain,
		       virTypedParameterPtr params, int count, void *opaque)
{
	static const char pinned[] = "cputune.vcpupin";

	(void)handle;
	for (int i = 0; i < count; i++) {
		if (strncmp(params[i].field, pinned, strlen(pinned)) != 0)
			continue;
		emit(opaque, domain, EBB_VIRT_PINNED, EBB_DOMAIN_UNKNOWN);
		return;
	}
}

static void on_balloon(virConnectPtr handle, virDomainPtr target,
		       unsigned long long left_kib, void *opaque)
{
	struct ebb_connection *connection = opaque;
	struct ebb_domain *domain;

	(void)handle;
	/* The guest wrote it. */
	if (!connection->emit_balloon || left_kib > UINT64_MAX / EBB_KIB)
		return;
	domain = ebb_domain_wrap(connection, target);
	if (!domain)
		return;
	connection->emit_balloon(domain, left_kib * EBB_KIB,
				 connection->opaque);
	ebb_domain_unref(domain);
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
	{ VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
	  VIR_DOMAIN_EVENT_CALLBACK(on_iteration) },
	{ VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
	  VIR_DOMAIN_EVENT_CALLBACK(on_job_completed) },
	{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE,
	  VIR_DOMAIN_EVENT_CALLBACK(on_metadata) },
	{ VIR_DOMAIN_EVENT_ID_TUNABLE, VIR_DOMAIN_EVENT_CALLBACK(on_tunable) },
	{ VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
	  VIR_DOMAIN_EVENT_CALLBACK(on_balloon) },
};

_Static_assert(EBB_ARRAY_SIZE(events) <= EBB_CONNECTION_EVENTS_MAX,
	       "a place for each id");

int ebb_events_register(struct ebb_connection *connection)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(events); i++) {
		int id = virConnectDomainEventRegisterAny(
			connection->handles[EBB_CALL_LISTENING], NULL,
			events[i].id, events[i].callback, connection, NULL);

		if (id < 0)
			return -ECONNREFUSED;
		connection->callbacks[connection->callback_count++] = id;
	}
	return 0;
}

void ebb_events_deregister(struct ebb_connection *connection)
{
	while (connection->callback_count > 0)
		virConnectDomainEventDeregisterAny(
			connection->handles[EBB_CALL_LISTENING],
			connection->callbacks[--connection->callback_count]);
}
