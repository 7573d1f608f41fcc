/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The agent and libvirt, in place of the objects of libhost.a that ask them. They
 * are asked on threads of the reclaim's own, which cannot assert.
 */
#ifndef EBB_TESTS_FAKE_AGENT_H
#define EBB_TESTS_FAKE_AGENT_H

#include <stdatomic.h>

#include "host/libvirt/agent.h"

/* What each answers; NULL: 0. */
struct fake_agent {
	int (*job)(void);
	int (*start)(const struct ebb_msg_session_start *start,
		     int *ret_guest_errno, struct ebb_msg_error *ret_error);
	int (*stop)(void);
	int (*target)(const struct ebb_msg_target *target,
		      struct ebb_msg_target_state *ret_state);
	int (*compact)(struct ebb_msg_compact_state *ret_state);
	int (*facts)(struct ebb_msg_facts *ret_facts);
	atomic_int domain_references; /* of those that were taken here */
	atomic_int channel_references;
};

extern struct fake_agent fake_agent;

/* Two addresses. */
struct ebb_domain *fake_domain(void);
struct ebb_channel *fake_channel(void);

/* Waits for threads that were left with a call, until nothing is held. */
bool fake_agent_is_left(void);

#endif /* EBB_TESTS_FAKE_AGENT_H */
