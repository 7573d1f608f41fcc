/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains that an operator took out of the policy: by UUID, also while they are off. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/sharing/state.h"

static uint32_t find(const struct ebb_sharing *sharing, const char *uuid)
{
	uint32_t i = 0;

	while (i < sharing->exempt_count &&
	       strcmp(sharing->exempt[i], uuid) != 0)
		i++;
	return i;
}

bool ebb_sharing_is_exempt(const struct ebb_sharing *sharing, const char *uuid)
{
	return find(sharing, uuid) < sharing->exempt_count;
}

static int add(struct ebb_sharing *sharing, const char *uuid)
{
	void *exempt = realloc(sharing->exempt, (sharing->exempt_count +
						 1) * sizeof(*sharing->exempt));

	if (!exempt)
		return -ENOMEM;
	sharing->exempt = exempt;
	memcpy(sharing->exempt[sharing->exempt_count++], uuid,
	       sizeof(*sharing->exempt));
	return 0;
}

static int load(const char *uuid, void *opaque)
{
	struct ebb_sharing *sharing = opaque;

	if (uuid)
		return add(sharing, uuid);
	sharing->paused = true;
	return 0;
}

void ebb_sharing_load_pauses(struct ebb_sharing *sharing)
{
	const char *dir = sharing->options.state_dir;
	int r = ebb_pauses_open(&sharing->pauses, dir);

	if (r == 0)
		r = ebb_pauses_read(&sharing->pauses, load, sharing);
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

int ebb_sharing_set_exempt(struct ebb_sharing *sharing,
			   struct ebb_member *member, bool exempt)
{
	uint32_t i = find(sharing, member->uuid);
	bool was = i < sharing->exempt_count;

	if (exempt && !was && add(sharing, member->uuid) < 0)
		return -ENOMEM;
	if (!exempt && was)
		memmove(sharing->exempt[i],
			sharing->exempt[--sharing->exempt_count],
			sizeof(*sharing->exempt));
	member->exempt = exempt;
	return 0;
}
