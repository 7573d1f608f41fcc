/* SPDX-License-Identifier: GPL-2.0-only */
/* What blocks in a connection's life: its opening, its list, its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "host/libvirt/connection.h"

enum {
	/* A libvirtd that says nothing for so long is gone. */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
};

static void on_close(virConnectPtr handle, int reason, void *opaque)
{
	(void)handle;
	(void)reason;
	ebb_connection_lose(opaque);
}

int ebb_connection_open(struct ebb_connection *connection, const char *uri,
			char *ret_error)
{
	const char *type;

	connection->handle = virConnectOpen(uri);
	if (!connection->handle)
		goto fail;
	type = virConnectGetType(connection->handle);
	if (!type || strcmp(type, "QEMU") != 0) {
		snprintf(ret_error, EBB_VIRT_ERROR_BYTES,
			 "'%s' is not a QEMU connection", uri);
		return -EINVAL;
	}
	/* Not over every transport: then a dead peer is found by its errors. */
	virConnectSetKeepAlive(connection->handle, KEEPALIVE_INTERVAL_S,
			       KEEPALIVE_COUNT);
	if (virConnectRegisterCloseCallback(connection->handle, on_close,
					    connection, NULL) < 0)
		goto fail;
	connection->has_close_callback = true;
	if (virConnectGetLibVersion(connection->handle, &connection->version) <
	    0)
		connection->version = 0;
	if (ebb_events_register(connection) == 0)
		return 0;
fail:
	snprintf(ret_error, EBB_VIRT_ERROR_BYTES, "%s",
		 virGetLastErrorMessage());
	return -ECONNREFUSED;
}

static enum ebb_domain_state state_of(const virDomainStatsRecordPtr record)
{
	int state;

	return virTypedParamsGetInt(record->params, record->nparams,
				    "state.state", &state) == 1
		       ? ebb_domain_state_of(state)
		       : EBB_DOMAIN_UNKNOWN;
}

int ebb_connection_list(struct ebb_connection *connection,
			struct ebb_virt_list *ret_list)
{
	struct ebb_virt_list list = { 0 };
	virDomainStatsRecordPtr *records;
	int count;

	if (ebb_connection_begin(connection, EBB_CALL_LIBVIRTD) < 0)
		return -ENOTCONN;
	count = virConnectGetAllDomainStats(
		connection->handle, VIR_DOMAIN_STATS_STATE, &records, 0);
	ebb_connection_end(connection, EBB_CALL_LIBVIRTD);
	if (count < 0)
		return -ENOTCONN;
	list.entries = calloc((size_t)count + 1, sizeof(*list.entries));
	for (int i = 0; i < count && list.entries; i++) {
		struct ebb_domain *domain =
			ebb_domain_wrap(connection, records[i]->dom);

		if (domain)
			list.entries[list.count++] =
				(struct ebb_virt_entry){ domain,
							 state_of(records[i]) };
	}
	virDomainStatsRecordListFree(records);
	if (!list.entries)
		return -ENOTCONN;
	*ret_list = list;
	return 0;
}

void ebb_virt_list_clear(struct ebb_virt_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		ebb_domain_unref(list->entries[i].domain);
	free(list->entries);
	*list = (struct ebb_virt_list){ 0 };
}

virDomainPtr ebb_connection_guest(struct ebb_connection *connection,
				  const char *uuid)
{
	char *uri;

	if (connection->guest_handle &&
	    virConnectIsAlive(connection->guest_handle) != 1) {
		virConnectClose(connection->guest_handle);
		connection->guest_handle = NULL;
	}
	if (!connection->guest_handle) {
		uri = virConnectGetURI(connection->handle);
		if (uri)
			connection->guest_handle = virConnectOpen(uri);
		free(uri);
		if (!connection->guest_handle)
			return NULL;
		virConnectSetKeepAlive(connection->guest_handle,
				       KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
	}
	return virDomainLookupByUUIDString(connection->guest_handle, uuid);
}

void ebb_connection_close(struct ebb_connection *connection)
{
	if (connection->guest_handle)
		virConnectClose(connection->guest_handle);
	connection->guest_handle = NULL;
	if (!connection->handle)
		return;
	/* Each callback that stays registered keeps the connection open. */
	ebb_events_deregister(connection);
	if (connection->has_close_callback)
		virConnectUnregisterCloseCallback(connection->handle, on_close);
	virConnectClose(connection->handle);
	connection->handle = NULL;
}
