/* SPDX-License-Identifier: GPL-2.0-only */
/* What blocks in a connection's life: its opening, its list, its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "common/clock.h"
#include "host/libvirt/connection.h"

enum {
	/* A libvirtd that says nothing for so long is gone. */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
	LOOK_US = 100 * 1000,
};

static void on_close(virConnectPtr handle, int reason, void *opaque)
{
	(void)handle;
	(void)reason;
	ebb_connection_lose(opaque);
}

/* Returns NULL if there is no libvirtd. */
static virConnectPtr connect_to(const char *uri)
{
	virConnectPtr handle = virConnectOpen(uri);

	/* Not over every transport: then a dead peer is found by its errors. */
	if (handle)
		virConnectSetKeepAlive(handle, KEEPALIVE_INTERVAL_S,
				       KEEPALIVE_COUNT);
	return handle;
}

/* A handle that tells of its loss. Returns 0 or -ECONNREFUSED. */
static int open_handle(struct ebb_connection *connection,
		       enum ebb_call_kind kind, const char *uri)
{
	virConnectPtr handle = connect_to(uri);

	connection->handles[kind] = handle;
	if (!handle)
		return -ECONNREFUSED;
	if (virConnectRegisterCloseCallback(handle, on_close, connection,
					    NULL) < 0)
		return -ECONNREFUSED;
	connection->has_close_callback[kind] = true;
	return 0;
}

int ebb_connection_open(struct ebb_connection *connection, const char *uri,
			char *ret_error)
{
	virConnectPtr handle;
	const char *type;

	if (open_handle(connection, EBB_CALL_LIBVIRTD, uri) < 0)
		goto fail;
	handle = connection->handles[EBB_CALL_LIBVIRTD];
	type = virConnectGetType(handle);
	if (!type || strcmp(type, "QEMU") != 0) {
		snprintf(ret_error, EBB_VIRT_ERROR_BYTES,
			 "'%s' is not a QEMU connection", uri);
		return -EINVAL;
	}
	if (virConnectGetLibVersion(handle, &connection->version) < 0)
		connection->version = 0;
	if (open_handle(connection, EBB_CALL_LISTENING, uri) == 0 &&
	    ebb_events_register(connection) == 0)
		return 0;
fail:
	snprintf(ret_error, EBB_VIRT_ERROR_BYTES, "%s",
		 virGetLastErrorMessage());
	return -ECONNREFUSED;
}

static bool answers(struct ebb_connection *connection)
{
	unsigned long version;

	return virConnectGetLibVersion(connection->handles[EBB_CALL_LIBVIRTD],
				       &version) == 0;
}

int ebb_connection_begin_listening(struct ebb_connection *connection)
{
	bool answered = false;

	if (ebb_connection_begin(connection, EBB_CALL_LISTENING) < 0)
		return -ENOTCONN;
	if (ebb_connection_begin(connection, EBB_CALL_LIBVIRTD) == 0) {
		answered = answers(connection);
		ebb_connection_end(connection, EBB_CALL_LIBVIRTD);
	}
	if (answered)
		return 0;
	ebb_connection_end(connection, EBB_CALL_LISTENING);
	return -ENOTCONN;
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
		connection->handles[EBB_CALL_LIBVIRTD], VIR_DOMAIN_STATS_STATE,
		&records, 0);
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
	virConnectPtr *handle = &connection->handles[EBB_CALL_GUEST];
	char *uri;

	if (*handle && virConnectIsAlive(*handle) != 1) {
		virConnectClose(*handle);
		*handle = NULL;
	}
	if (!*handle) {
		uri = virConnectGetURI(connection->handles[EBB_CALL_LIBVIRTD]);
		if (uri)
			*handle = connect_to(uri);
		free(uri);
		if (!*handle)
			return NULL;
	}
	return virDomainLookupByUUIDString(*handle, uuid);
}

static bool is_alive(const struct ebb_connection *connection,
		     enum ebb_call_kind kind)
{
	return virConnectIsAlive(connection->handles[kind]) == 1;
}

bool ebb_connection_may_close(const struct ebb_connection *connection)
{
	return !connection->handles[EBB_CALL_LISTENING] ||
	       connection->replaced ||
	       is_alive(connection, EBB_CALL_LIBVIRTD) ||
	       !is_alive(connection, EBB_CALL_LISTENING);
}

/*
 * Until libvirtd answers, or the keepalive has found the listening handle dead: then
 * calls on it are not sent.
 */
static void wait_for_libvirtd(struct ebb_connection *connection)
{
	if (connection->replaced || answers(connection))
		return;
	while (is_alive(connection, EBB_CALL_LISTENING))
		ebb_sleep_us(LOOK_US);
}

void ebb_connection_close(struct ebb_connection *connection)
{
	if (connection->handles[EBB_CALL_LISTENING]) {
		wait_for_libvirtd(connection);
		/* Each callback that stays registered keeps the handle open. */
		ebb_events_deregister(connection);
		ebb_streams_end(connection);
	}
	for (int kind = EBB_CALL_KINDS - 1; kind >= 0; kind--) {
		virConnectPtr handle = connection->handles[kind];

		if (connection->has_close_callback[kind])
			virConnectUnregisterCloseCallback(handle, on_close);
		if (handle)
			virConnectClose(handle);
		connection->handles[kind] = NULL;
	}
}
