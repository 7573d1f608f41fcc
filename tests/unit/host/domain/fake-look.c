/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/domain/fake-look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/libvirt/agent.h"
#include "host/memory/age.h"
#include "host/memory/peers.h"
#include "tests/unit/host/rung/fake-balloon.h"

struct look_at fake;
struct ebb_probe before, found;
atomic_bool gone, record_read;

static int own_channel, qga_channel; /* their addresses are two */

/* ---- in place of virt.c, channel.c, agent.c ---- */

enum ebb_domain_state ebb_domain_ask_state(struct ebb_domain *domain)
{
	(void)domain;
	return fake.state;
}

bool ebb_domain_state_is_active(enum ebb_domain_state state)
{
	return state != EBB_DOMAIN_SHUTOFF && state != EBB_DOMAIN_UNKNOWN;
}

static void add_channel(char *xml, const char *name, const char *state)
{
	if (!state)
		return;
	strcat(xml, "<channel type='unix'><target type='virtio' name='");
	strcat(xml, name);
	strcat(xml, "' state='");
	strcat(xml, state);
	strcat(xml, "'/></channel>");
}

int ebb_domain_xml(struct ebb_domain *domain, char **ret_xml)
{
	(void)domain;
	*ret_xml = calloc(1, 4096);
	assert_non_null(*ret_xml);
	strcpy(*ret_xml, "<domain type='kvm'><memory unit='KiB'>1048576"
			 "</memory><currentMemory unit='KiB'>1048576"
			 "</currentMemory>");
	if (fake.own_policy)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<metadata><ebb:policy xmlns:ebb='" EBB_METADATA_URI
			"' %s/></metadata>",
			fake.own_policy);
	if (fake.record)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<metadata><a:held xmlns:a='" EBB_BALLOON_URI
			"' %s/></metadata>",
			fake.record);
	if (fake.pinned)
		strcat(*ret_xml, "<cputune><vcpupin vcpu='0' cpuset='0'/>"
				 "</cputune>");
	strcat(*ret_xml, "<devices>");
	add_channel(*ret_xml, EBB_CHANNEL_NAME, fake.own);
	add_channel(*ret_xml, QGA_CHANNEL_NAME, fake.qga);
	if (fake.reporting)
		strcat(*ret_xml, "<memballoon model='virtio' "
				 "freePageReporting='on'/>");
	if (fake.balloon)
		sprintf(*ret_xml + strlen(*ret_xml),
			"<memballoon model='virtio'>%s</memballoon>",
			fake.balloon);
	if (fake.memory_device)
		strcat(*ret_xml, fake.memory_device);
	strcat(*ret_xml, "</devices></domain>");
	return 0;
}

int ebb_domain_definition(struct ebb_domain *domain, char **ret_xml)
{
	(void)domain;
	if (!fake.definition)
		return -ENODATA;
	*ret_xml = strdup(fake.definition);
	return 0;
}

const char *ebb_domain_name(const struct ebb_domain *domain)
{
	(void)domain;
	return "web1";
}

const char *ebb_domain_uuid(const struct ebb_domain *domain)
{
	(void)domain;
	return "11111111-2222-3333-4444-555555555555";
}

int ebb_channel_open(struct ebb_domain *domain, bool own,
		     const struct ebb_channel_ops *ops, void *opaque,
		     struct ebb_channel **ret_channel)
{
	(void)domain;
	(void)ops;
	(void)opaque;
	*ret_channel = (struct ebb_channel *)(void *)(own ? &own_channel
							  : &qga_channel);
	return 0;
}

void ebb_channel_close(struct ebb_channel *channel)
{
	(void)channel;
}

uint64_t ebb_channel_events_before_reply(struct ebb_channel *channel)
{
	(void)channel;
	return 3;
}

int ebb_agent_info(struct ebb_channel *channel, uint32_t timeout_ms,
		   struct ebb_msg_info *ret_info,
		   struct ebb_msg_error *ret_error)
{
	bool own = channel == (void *)&own_channel;

	(void)timeout_ms;
	*ret_info = fake.info;
	strcpy(ret_error->text, "its words");
	fake.own_asks += own;
	fake.qga_asks += !own;
	return own ? fake.own_answer : fake.qga_answer;
}

int ebb_agent_facts(struct ebb_channel *channel, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)ret_facts;
	(void)ret_error;
	return -ENOSYS;
}

int ebb_agent_challenge(struct ebb_channel *channel, uint32_t timeout_ms,
			const uint8_t nonce[EBB_NONCE_BYTES],
			struct ebb_msg_error *ret_error)
{
	(void)channel;
	(void)timeout_ms;
	(void)nonce;
	(void)ret_error;
	return fake.challenge_answer;
}

/* ---- in place of process.c, peers.c and age.c ---- */

int ebb_guest_process_open(const char *run_dir, const char *name,
			   const char *uuid,
			   struct ebb_guest_process *ret_process,
			   struct ebb_reason_list *reasons)
{
	static struct ebb_backing backing = { .fd = -1, .page_bytes = 4096 };

	(void)run_dir;
	(void)name;
	(void)uuid;
	(void)reasons;
	*ret_process = (struct ebb_guest_process){
		.pid = 1,
		.pidfd = -1,
		.backing_count = fake.shared_files,
		.backings = &backing,
	};
	return 0;
}

int ebb_guest_process_look(const struct ebb_guest_process *process,
			   struct ebb_guest_process *ret_next,
			   struct ebb_reason_list *reasons)
{
	(void)reasons;
	*ret_next = *process;
	return 0;
}

int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      const struct ebb_peers_limits *limits,
		      struct ebb_reason_list *reasons)
{
	(void)process;
	(void)vhost_user;
	(void)limits;
	(void)reasons;
	return 0;
}

int ebb_guest_process_usage(pid_t pid, struct ebb_holding *ret_holding)
{
	(void)pid;
	*ret_holding = (struct ebb_holding){ .pooled = fake.pooled };
	return fake.usage_result;
}

int ebb_swap_read(const char *root, struct ebb_budget_swap *ret_swap)
{
	(void)root;
	*ret_swap = fake.swap;
	return 0;
}

void ebb_guest_process_unlock(const struct ebb_guest_process *process)
{
	(void)process;
	fake.unlocks++;
}

bool ebb_process_was_restored(pid_t pid)
{
	(void)pid;
	return fake.restored;
}

uint64_t ebb_process_start_ticks(pid_t pid)
{
	assert_int_equal(pid, 1);
	return fake.start_ticks;
}

uint32_t ebb_process_age_s(pid_t pid)
{
	assert_int_equal(pid, 1);
	return fake.age_s;
}

/* ---- looking ---- */

int look_set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.state = EBB_DOMAIN_RUNNING;
	fake.age_s = 3600;
	fake.own_answer = fake.qga_answer = -ETIMEDOUT;
	fake.challenge_answer = -ETIMEDOUT;
	ebb_probe_init(&before);
	gone = false;
	fake_balloon_reset();
	return 0;
}

void look(struct ebb_probe_order order)
{
	static const struct ebb_config config = { .agent_timeout_ms = 1 };

	order.config = &config;
	order.gone = &gone;
	order.before = &before;
	order.record_read = &record_read;
	ebb_probe_run(&order, &found);
}

bool is_reason(enum ebb_reason_id id)
{
	return ebb_reason_has(&found.reasons, id);
}
