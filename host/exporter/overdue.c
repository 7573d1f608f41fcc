/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/overdue.h"

#include <sys/socket.h>

#include "common/clock.h"

static const uint64_t request_ns = (uint64_t)EXP_REQUEST_MS * EBB_NS_PER_MS;

void exp_overdue_begin(struct exp_overdue *overdue, int fd, uint64_t now_ns)
{
	exp_overdue_end(overdue, fd);
	if (overdue->count < EXP_CONNECTIONS_MAX)
		overdue->clients[overdue->count++] =
			(struct exp_client){ .fd = fd, .began_ns = now_ns };
}

void exp_overdue_end(struct exp_overdue *overdue, int fd)
{
	for (size_t i = 0; i < overdue->count; i++) {
		if (overdue->clients[i].fd != fd)
			continue;
		overdue->clients[i] = overdue->clients[--overdue->count];
		return;
	}
}

void exp_overdue_shut(struct exp_overdue *overdue, uint64_t now_ns)
{
	size_t i = 0;

	while (i < overdue->count) {
		struct exp_client *client = &overdue->clients[i];

		if (now_ns - client->began_ns < request_ns) {
			i++;
			continue;
		}
		shutdown(client->fd, SHUT_RDWR);
		*client = overdue->clients[--overdue->count];
	}
}

int exp_overdue_timeout_ms(const struct exp_overdue *overdue, uint64_t now_ns)
{
	uint64_t oldest_ns = UINT64_MAX, passed_ns;

	for (size_t i = 0; i < overdue->count; i++)
		if (overdue->clients[i].began_ns < oldest_ns)
			oldest_ns = overdue->clients[i].began_ns;
	if (!overdue->count)
		return -1;
	passed_ns = now_ns - oldest_ns;
	if (passed_ns >= request_ns)
		return 0;
	/* Not too early by what is cut off. */
	return (int)((request_ns - passed_ns) / EBB_NS_PER_MS) + 1;
}
