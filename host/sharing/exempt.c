/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains that an operator took out of the policy: by UUID, also while they are off. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/log.h"
#include "host/sharing/state.h"

static uint32_t find(const struct ebb_sharing *sharing, const char *uuid)
{
	uint32_t i = 0;

	while (i < sharing->exempt_count &&
	       strcasecmp(sharing->exempt[i].uuid, uuid) != 0)
		i++;
	return i;
}

bool ebb_sharing_is_exempt(const struct ebb_sharing *sharing, const char *uuid)
{
	return find(sharing, uuid) < sharing->exempt_count;
}

int ebb_sharing_exempt(struct ebb_sharing *sharing,
		       const struct ebb_exempt *domain)
{
	struct ebb_exempt *exempt;

	if (ebb_sharing_is_exempt(sharing, domain->uuid))
		return 0;
	exempt = realloc(sharing->exempt, (sharing->exempt_count + (size_t)1) *
						  sizeof(*sharing->exempt));
	if (!exempt)
		return -ENOMEM;
	sharing->exempt = exempt;
	sharing->exempt[sharing->exempt_count++] = *domain;
	return 0;
}

void ebb_sharing_readmit(struct ebb_sharing *sharing, const char *uuid)
{
	uint32_t i = find(sharing, uuid);

	if (i < sharing->exempt_count)
		sharing->exempt[i] = sharing->exempt[--sharing->exempt_count];
}

bool ebb_sharing_came_exempt(struct ebb_sharing *sharing,
			     const struct ebb_member *member)
{
	uint32_t i = find(sharing, member->uuid);

	if (i == sharing->exempt_count)
		return false;
	memcpy(sharing->exempt[i].name, member->name,
	       sizeof(sharing->exempt[i].name));
	return true;
}

/* With the name that libvirt knows it by, if it does. */
static struct ebb_exempt named(const struct ebb_sharing *sharing, uint32_t i)
{
	struct ebb_exempt domain = sharing->exempt[i];
	struct ebb_fleet_domain known;

	if (ebb_fleet_find(sharing->options.fleet, domain.uuid, &known))
		snprintf(domain.name, sizeof(domain.name), "%s", known.name);
	return domain;
}

static uint32_t find_last_name(const struct ebb_sharing *sharing,
			       const char *name)
{
	uint32_t i = 0;

	while (i < sharing->exempt_count &&
	       strcmp(sharing->exempt[i].name, name) != 0)
		i++;
	return i;
}

bool ebb_sharing_find_exempt(const struct ebb_sharing *sharing,
			     const char *name_or_uuid,
			     struct ebb_exempt *ret_domain)
{
	struct ebb_fleet_domain known;
	uint32_t i = find(sharing, name_or_uuid);

	/* A name that libvirt knows is not that of one that is gone. */
	if (ebb_fleet_find(sharing->options.fleet, name_or_uuid, &known))
		i = find(sharing, known.uuid);
	else if (i == sharing->exempt_count)
		i = find_last_name(sharing, name_or_uuid);
	if (i == sharing->exempt_count)
		return false;
	*ret_domain = named(sharing, i);
	return true;
}

static bool is_running(const struct ebb_sharing *sharing, const char *uuid)
{
	for (uint32_t i = 0; i < sharing->members.count; i++)
		if (strcmp(sharing->members.items[i]->uuid, uuid) == 0)
			return true;
	return false;
}

void ebb_sharing_show_exempt(const struct ebb_sharing *sharing,
			     struct ebb_explain *head)
{
	for (uint32_t i = 0; i < sharing->exempt_count &&
			     head->pause_count < EBB_EXPLAIN_PAUSES_MAX;
	     i++) {
		struct ebb_explain_pause *pause =
			&head->pauses[head->pause_count++];
		const struct ebb_exempt domain = named(sharing, i);

		memcpy(pause->uuid, domain.uuid, sizeof(pause->uuid));
		memcpy(pause->name, domain.name, sizeof(pause->name));
		pause->running = is_running(sharing, domain.uuid);
	}
	head->pauses_left_out = sharing->exempt_count - head->pause_count;
}

static int load(const char *uuid, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_exempt domain = { .name = "" };

	if (uuid) {
		snprintf(domain.uuid, sizeof(domain.uuid), "%s", uuid);
		return ebb_sharing_exempt(sharing, &domain);
	}
	sharing->paused = true;
	return 0;
}

void ebb_sharing_load_pauses(struct ebb_sharing *sharing)
{
	const char *dir = sharing->options.state_dir;
	int r = ebb_pause_files_open(&sharing->pause_files, dir);

	if (r == 0)
		r = ebb_pause_files_read(&sharing->pause_files, load, sharing);
	if (r < 0)
		ebb_log(EBB_LOG_WARNING,
			"policy: what was paused before this start is not known "
			"(%s: %s): pause it anew. See state-dir in ebbd.conf",
			dir, strerror(-r));
	if (sharing->paused)
		ebb_log(EBB_LOG_NOTICE,
			"policy: it is paused, as it was before this start: "
			"ebbctl policy resume");
	if (sharing->exempt_count > 0)
		ebb_log(EBB_LOG_NOTICE,
			"policy: it is paused for %" PRIu32 " domain%s, as it "
			"was before this start: ebbctl policy status",
			sharing->exempt_count,
			sharing->exempt_count == 1 ? "" : "s");
}
