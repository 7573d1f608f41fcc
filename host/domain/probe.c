/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/probe.h"

void ebb_probe_init(struct ebb_probe *probe)
{
	*probe = (struct ebb_probe){ .qemu.pidfd = -1 };
}

void ebb_probe_detach(struct ebb_probe *probe)
{
	/* While the lock is held. */
	ebb_ringmap_close(&probe->ring);
	ebb_map_clear(&probe->map);
	probe->attached = false;
}

void ebb_probe_close_channels(struct ebb_probe *probe)
{
	ebb_channel_close(probe->own_channel);
	ebb_channel_close(probe->qga_channel);
	probe->own_channel = NULL;
	probe->qga_channel = NULL;
	probe->channel = NULL;
}

uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < probe->qemu.backing_count; i++)
		bytes += probe->qemu.backings[i].bytes;
	return bytes;
}

struct ebb_lender ebb_probe_lender(struct ebb_probe *probe)
{
	return (struct ebb_lender){ .qemu = &probe->qemu,
				    .map = &probe->map,
				    .ring = &probe->ring,
				    .ring_gpa = probe->ring_gpa };
}
