/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One look at a domain: the obstacles of each rung, and, if there is none, a lease
 * relation that is proven and attached.
 *
 * A look blocks (libvirt, the agent, /proc) and so runs on a worker. Its result is a
 * value that others do not see until it is done: until then they have the result of the
 * look before. Both share the files of the process that they found (process.h), so a look
 * neither closes them nor lets go of their lock. It finds all reasons, not the first only:
 * an operator mends them in one go.
 *
 * probe_run.c has the order of the parts, which are files of their own (probe_parts.h):
 *
 *   probe_xml.c	the domain as libvirt has it
 *   probe_process.c	its QEMU, the files behind its memory, their lock
 *   probe_agent.c	the agent's answer, and by which channel it comes
 *   probe_balloon.c	whether a driver of its balloon answers
 *   probe_lease.c	the proof of its memory, and the ring in it
 */
#ifndef EBB_HOST_PROBE_H
#define EBB_HOST_PROBE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/channel.h"
#include "host/config.h"
#include "host/libvirt/domxml.h"
#include "host/memory/map.h"
#include "host/memory/process.h"
#include "host/interface/reason.h"
#include "host/lease/lender.h"
#include "host/memory/ringmap.h"
#include "host/rung/rung.h"

/**
 * struct ebb_probe_info - what of the agent's answer is of use after the look; where its
 *	memory lies is proven then, or of no use
 */
struct ebb_probe_info {
	char agent_version[sizeof(((struct ebb_msg_info *)0)->agent_version)];
	char kernel[sizeof(((struct ebb_msg_info *)0)->kernel)];
	bool module_loaded;
	uint8_t boot_id[EBB_BOOT_ID_BYTES];
};

/**
 * struct ebb_probe - what a look found, and what is held since
 * @running: it has a QEMU process
 * @defined_only: it is off, and @domxml is of the XML that it is defined by
 * @reasons: why rung lease is closed, those that close other rungs as well first;
 *	empty if @attached
 * @boot_end_ns: if a reason is that it boots: until when that is taken for granted
 * @paused: its processors stand still; nobody in it is asked
 * @asked_qga: the guest agent's channel was used
 * @domxml: from its XML, if @running
 * @qemu: its process and files
 * @forbidden: the order's, and what the domain's metadata forbid
 * @pooled: some of its memory is of a pool of huge pages, or that is not known
 * @swaps: the host had swap that is no RAM, and the look has not been let go
 * @merged_known, @merged_bytes: what of it KSM has merged with others
 * @inflatable: the driver of its balloon answers, and it has booted; likewise
 * @silent_ns: when that driver was asked last and did not answer, or 0
 * @same_process: that of the look before
 * @began_ns: when it was started, to the second
 * @own_channel, @qga_channel: ways to an agent that are open; kept from one
 *	look to the next, as an agent that comes later says so there
 * @channel: that of the two on which the agent answered, or NULL
 * @have_info, @info: the agent's answer
 * @events: that had come on @channel before it, if that is @own_channel
 * @have_facts, @facts, @facts_ns: what the agent alone knows, and when it was asked
 * @attached: the fields below are valid, and @qemu is locked
 * @map, @ring, @ring_gpa: proven memory and the ring in it
 */
struct ebb_probe {
	bool running;
	bool paused;
	bool defined_only;
	bool asked_qga;
	uint64_t boot_end_ns;
	struct ebb_reason_list reasons;
	struct ebb_domxml domxml;
	struct ebb_guest_process qemu;
	bool same_process;
	uint64_t began_ns;
	bool pooled;
	bool inflatable;
	uint64_t silent_ns;
	bool swaps;
	bool merged_known;
	uint64_t merged_bytes;
	uint32_t forbidden;
	struct ebb_channel *own_channel;
	struct ebb_channel *qga_channel;
	struct ebb_channel *channel;
	bool have_info;
	struct ebb_probe_info info;
	uint64_t events;
	bool have_facts;
	struct ebb_msg_facts facts;
	uint64_t facts_ns;
	bool attached;
	struct ebb_map map;
	struct ebb_ringmap ring;
	uint64_t ring_gpa;
};

/**
 * struct ebb_probe_order - what to look at
 * @domain: to look at
 * @config: time limits and directories
 * @ops, @opaque: for a channel that is opened
 * @gone: set by others when what is proven here does not hold any more
 * @booted_ns: when the guest was reset last, or 0
 * @heard: an agent spoke on Ebb's channel since the look before, whatever
 *	libvirt says
 * @ask_qga: the guest agent's channel may be used. Each use takes the agent
 *	from its other users and taints the domain
 * @answered: ebb-agent answered before, in this process
 * @forbidden: the set of rungs that may not be used for it
 * @share_reserved: what its owner reserved is no obstacle
 * @before: the look before; its process, its channels. It has no lease
 * @record_read: becomes true when the record of the domain's balloon is what the look
 *	will have found, while that goes on
 */
struct ebb_probe_order {
	struct ebb_domain *domain;
	const struct ebb_config *config;
	const struct ebb_channel_ops *ops;
	void *opaque;
	const atomic_bool *gone;
	uint64_t booted_ns;
	bool heard;
	bool ask_qga;
	bool answered;
	uint32_t forbidden;
	bool share_reserved;
	const struct ebb_probe *before;
	atomic_bool *record_read;
};

/* Nothing known, nothing held. */
void ebb_probe_init(struct ebb_probe *probe);

/**
 * ebb_probe_run - look, and attach if nothing stands in the way (blocks)
 * @ret_probe: overwritten. Its channels are those of the look before, and what
 *	was opened. Without a process in it, none was found
 */
void ebb_probe_run(const struct ebb_probe_order *order,
		   struct ebb_probe *ret_probe);

/* Lets go of the lease alone. Fine without one. */
void ebb_probe_detach(struct ebb_probe *probe);

/* On the event loop's thread. */
void ebb_probe_close_channels(struct ebb_probe *probe);

/* Of all backings of a probe. */
uint64_t ebb_probe_backing_bytes(const struct ebb_probe *probe);

static inline struct ebb_rung_facts
ebb_probe_rung_facts(const struct ebb_probe *probe)
{
	return (struct ebb_rung_facts){
		.reasons = &probe->reasons,
		.attached = probe->attached,
		.answers = probe->channel && probe->have_info,
		.reporting = probe->domxml.free_page_reporting,
		.inflatable = probe->inflatable,
		.pooled = probe->pooled,
		.swaps = probe->swaps,
		.forbidden = probe->forbidden,
	};
}

/* The rung that is open by what it found. */
static inline enum ebb_rung_id ebb_probe_rung(const struct ebb_probe *probe)
{
	const struct ebb_rung_facts facts = ebb_probe_rung_facts(probe);

	return ebb_rung_choose(&facts);
}

/* Of an attached probe. */
struct ebb_lender ebb_probe_lender(struct ebb_probe *probe);

#endif /* EBB_HOST_PROBE_H */
