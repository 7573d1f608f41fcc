/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/lease/fake-agent.h"

#include <stdlib.h>

#include "common/clock.h"

struct fake_agent fake_agent;
static char domain, channel;

struct ebb_domain *fake_domain(void)
{
	return (struct ebb_domain *)(void *)&domain;
}

struct ebb_channel *fake_channel(void)
{
	return (struct ebb_channel *)(void *)&channel;
}

bool fake_agent_is_left(void)
{
	for (int i = 0; i < 10000; i++) {
		if (fake_agent.domain_references == 0 &&
		    fake_agent.channel_references == 0)
			return true;
		ebb_sleep_us(1000);
	}
	return false;
}

/* ---- in place of virt.c ---- */

struct ebb_domain *ebb_domain_ref(struct ebb_domain *any)
{
	fake_agent.domain_references++;
	return any;
}

void ebb_domain_unref(struct ebb_domain *any)
{
	if (any != fake_domain())
		abort();
	fake_agent.domain_references--;
}

int ebb_domain_job(struct ebb_domain *any)
{
	if (any != fake_domain())
		abort();
	return fake_agent.job ? fake_agent.job() : 0;
}

/* ---- in place of channel.c ---- */

struct ebb_channel *ebb_channel_ref(struct ebb_channel *any)
{
	fake_agent.channel_references++;
	return any;
}

void ebb_channel_unref(struct ebb_channel *any)
{
	if (any != fake_channel())
		abort();
	fake_agent.channel_references--;
}

uint64_t ebb_channel_begin_talk(struct ebb_channel *any)
{
	if (any != fake_channel())
		abort();
	return 1;
}

/* ---- in place of agent.c ---- */

int ebb_agent_facts(struct ebb_channel *any, uint32_t timeout_ms,
		    struct ebb_msg_facts *ret_facts,
		    struct ebb_msg_error *ret_error)
{
	(void)any;
	(void)timeout_ms;
	(void)ret_error;
	*ret_facts = (struct ebb_msg_facts){ 0 };
	return fake_agent.facts ? fake_agent.facts(ret_facts) : 0;
}

int ebb_agent_session_start(const struct ebb_agent_line *line,
			    const struct ebb_msg_session_start *start,
			    int *ret_guest_errno,
			    struct ebb_msg_error *ret_error)
{
	(void)line;
	*ret_guest_errno = 0;
	return fake_agent.start(start, ret_guest_errno, ret_error);
}

int ebb_agent_session_stop(const struct ebb_agent_line *line,
			   struct ebb_msg_error *ret_error)
{
	(void)line;
	(void)ret_error;
	return fake_agent.stop ? fake_agent.stop() : 0;
}

int ebb_agent_target(const struct ebb_agent_line *line,
		     const struct ebb_msg_target *target,
		     struct ebb_msg_target_state *ret_state,
		     struct ebb_msg_error *ret_error)
{
	(void)line;
	(void)ret_error;
	return fake_agent.target ? fake_agent.target(target, ret_state) : 0;
}

int ebb_agent_compact(const struct ebb_agent_line *line,
		      struct ebb_msg_compact_state *ret_state,
		      struct ebb_msg_error *ret_error)
{
	(void)line;
	(void)ret_error;
	return fake_agent.compact ? fake_agent.compact(ret_state) : 0;
}
