/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/balloon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "common/size.h"
#include "host/libvirt/virt.h"

enum {
	/* A libvirtd that says nothing for so long is gone. */
	KEEPALIVE_INTERVAL_S = 5,
	KEEPALIVE_COUNT = 3,
	RECORD_BYTES = 160,
};

#define KIB_MAX (UINT64_C(1) << 50)

struct ebb_balloon_line {
	char *uri;
	char uuid[EBB_UUID_TEXT_BYTES];
	virConnectPtr connection;
	virDomainPtr domain;
};

struct ebb_balloon_line *ebb_balloon_line_new(const char *uri, const char *uuid)
{
	struct ebb_balloon_line *line = calloc(1, sizeof(*line));

	if (!line)
		return NULL;
	snprintf(line->uuid, sizeof(line->uuid), "%s", uuid);
	line->uri = strdup(uri);
	if (line->uri)
		return line;
	free(line);
	return NULL;
}

static void hang_up(struct ebb_balloon_line *line)
{
	if (line->domain)
		virDomainFree(line->domain);
	if (line->connection)
		virConnectClose(line->connection);
	line->domain = NULL;
	line->connection = NULL;
}

void ebb_balloon_line_free(struct ebb_balloon_line *line)
{
	if (!line)
		return;
	hang_up(line);
	free(line->uri);
	free(line);
}

static int connect_line(struct ebb_balloon_line *line)
{
	if (line->domain && virConnectIsAlive(line->connection) == 1)
		return 0;
	hang_up(line);
	line->connection = virConnectOpen(line->uri);
	if (!line->connection)
		return -ENOTCONN;
	virConnectSetKeepAlive(line->connection, KEEPALIVE_INTERVAL_S,
			       KEEPALIVE_COUNT);
	line->domain =
		virDomainLookupByUUIDString(line->connection, line->uuid);
	return line->domain ? 0 : -ENOTCONN;
}

static int write_record(virDomainPtr domain,
			const struct ebb_balloon_record *record)
{
	char text[RECORD_BYTES];
	int r = virDomainSetMetadata(
		domain, VIR_DOMAIN_METADATA_ELEMENT,
		record->base_bytes ? ebb_balloon_record_print(record, text)
				   : NULL,
		EBB_BALLOON_PREFIX, EBB_BALLOON_URI, VIR_DOMAIN_AFFECT_LIVE);

	return r < 0 ? -EIO : 0;
}

/* The record may say any size, and memory may have been unplugged since. */
static int resize(virDomainPtr domain, uint64_t left_bytes)
{
	uint64_t left_kib = left_bytes / EBB_KIB;
	uint64_t memory_kib = virDomainGetMaxMemory(domain);

	if (memory_kib == 0)
		return -EIO;
	return virDomainSetMemoryFlags(
		       domain, left_kib < memory_kib ? left_kib : memory_kib,
		       VIR_DOMAIN_AFFECT_LIVE) < 0
		       ? -EIO
		       : 0;
}

static int change(virDomainPtr domain, const struct ebb_balloon_act *act,
		  bool *ret_resized)
{
	bool holds = act->record.base_bytes > 0;
	int r = 0;

	if (act->write && holds)
		r = write_record(domain, &act->record);
	if (r == 0 && act->resize) {
		r = resize(domain, act->left_bytes);
		*ret_resized = r == 0;
	}
	if (r == 0 && act->write && !holds)
		r = write_record(domain, &act->record);
	/* Without it the statistics are old, which is seen. */
	if (r == 0 && act->set_period)
		virDomainSetMemoryStatsPeriod(domain, (int)act->period_s,
					      VIR_DOMAIN_AFFECT_LIVE);
	return r;
}

/* A guest may say any number. */
static uint64_t of_kib(uint64_t kib)
{
	return (kib < KIB_MAX ? kib : KIB_MAX) * EBB_KIB;
}

static void take_stat(const virDomainMemoryStatStruct *stat,
		      struct ebb_balloon_stats *stats)
{
	switch (stat->tag) {
	case VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON:
		stats->actual_bytes = of_kib(stat->val);
		break;
	case VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE:
		stats->stamp_s = stat->val;
		break;
	case VIR_DOMAIN_MEMORY_STAT_AVAILABLE:
		stats->total_bytes = of_kib(stat->val);
		break;
	case VIR_DOMAIN_MEMORY_STAT_USABLE:
		stats->usable_known = true;
		stats->usable_bytes = of_kib(stat->val);
		break;
	case VIR_DOMAIN_MEMORY_STAT_UNUSED:
		stats->unused_known = true;
		stats->unused_bytes = of_kib(stat->val);
		break;
	case VIR_DOMAIN_MEMORY_STAT_SWAP_IN:
	case VIR_DOMAIN_MEMORY_STAT_SWAP_OUT:
		stats->swapped_bytes += of_kib(stat->val);
		break;
	case VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT:
		stats->major_faults = stat->val;
		break;
	default:
		break;
	}
}

static int read_stats(virDomainPtr domain, struct ebb_balloon_stats *ret_stats)
{
	virDomainMemoryStatStruct found[VIR_DOMAIN_MEMORY_STAT_NR];
	struct ebb_balloon_stats stats = *ret_stats;
	int count = virDomainMemoryStats(domain, found,
					 VIR_DOMAIN_MEMORY_STAT_NR, 0);

	if (count < 0)
		return -EIO;
	for (int i = 0; i < count; i++)
		take_stat(&found[i], &stats);
	if (stats.actual_bytes == 0)
		return -ENODATA;
	/* After them: what is plugged in between is not taken for given back. */
	stats.memory_bytes = of_kib(virDomainGetMaxMemory(domain));
	if (stats.memory_bytes == 0)
		return -EIO;
	if (!stats.usable_known) {
		stats.usable_known = stats.unused_known;
		stats.usable_bytes = stats.unused_bytes;
	}
	*ret_stats = stats;
	return 0;
}

int ebb_balloon_line_act(struct ebb_balloon_line *line,
			 const struct ebb_balloon_act *act,
			 struct ebb_balloon_stats *ret_stats, char *ret_error)
{
	int r = connect_line(line);

	*ret_stats = (struct ebb_balloon_stats){ 0 };
	if (r == 0)
		r = change(line->domain, act, &ret_stats->resized);
	if (r == 0)
		r = read_stats(line->domain, ret_stats);
	if (r < 0)
		snprintf(ret_error, EBB_BALLOON_ERROR_BYTES, "%s",
			 r == -ENODATA ? "it has no virtio balloon"
				       : virGetLastErrorMessage());
	return r;
}
