/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The surroundings of a vm, played: the clock, libvirt, the probe and the agent; its
 * callers are of fake-call.h. These functions stand in for the objects of libhost.a that
 * hold the others, so a test links them instead. The vm, its workers and the event loop
 * are the real ones.
 */
#ifndef EBB_TESTS_UNIT_FAKE_VM_H
#define EBB_TESTS_UNIT_FAKE_VM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/libvirt/channel.h"
#include "host/libvirt/domxml.h"
#include "host/base/loop.h"
#include "host/base/worker.h"
#include "host/domain/vm.h"
#include "protocol/message.h"
#include "tests/unit/host/control/fake-call.h"

struct fake_vm {
	_Atomic uint64_t now_ns;
	pthread_t loop_thread;

	/* What the guest is and answers; a test writes it. */
	struct ebb_domxml domxml;
	bool agent; /* one answers */
	bool own; /* on Ebb's channel, and: */
	atomic_uint events; /* that came there */
	atomic_uint events_before_reply;
	uint8_t kernel; /* that runs, by a number */
	bool no_agent; /* that is why there is no lease */
	bool qga_only; /* its channel is the guest agent's */
	bool lease; /* the look attaches */
	bool inflatable; /* its balloon is */
	int pidfd; /* of its process, above 0; readable once it ended */
	atomic_bool dead; /* who asks whether that has ended hears yes */
	enum ebb_vm_pause pause;
	atomic_bool held; /* a look does not end */
	atomic_int job; /* of libvirt: an enum ebb_job or -errno */
	int tell_result;
	struct ebb_msg_target_state tell_answer;
	int keep_result;
	atomic_bool reclaim_held; /* a reclaim does not end */
	struct ebb_outcome outcome; /* of a reclaim */
	uint64_t take_bytes; /* by each */
	uint32_t rest_ms; /* that each of these says */
	uint32_t rests; /* so many pieces of a reclaim come before that */
	struct ebb_config config;
	struct ebb_turns turns; /* of all vms; four at once */

	/* Written by workers, read when they are done. */
	atomic_uint qga_asks;
	atomic_uint closes; /* of processes */
	atomic_uint closes_on_loop;
	atomic_uint probes;
	atomic_uint tells;
	atomic_uint job_asks;
	atomic_uint reclaims; /* begun, by rung lease */
	atomic_uint reports; /* begun, by rung report */
	void (*inflate)(
		struct ebb_reclaim *reclaim); /* by rung balloon; NULL: not */
	struct ebb_msg_target told;
	uint32_t keeps;
	atomic_uint infos; /* asked for while the domain runs on */
	struct ebb_msg_held agent_held; /* of its facts */
	uint64_t working_set_bytes; /* likewise */
	atomic_uint reads; /* of metadata alone */
	char element[256]; /* "-" for none */
	char next[256]; /* of its definition, likewise */
	bool transient; /* it has no definition */
	enum ebb_scope scope; /* of the last that was kept */

	/* What the caller of ebb_vm_set() or ebb_vm_doctor() got. */
	struct {
		bool done;
		char error_class[64];
		char text[1024];
		struct ebb_set_result result;
		struct ebb_doctor doctor;
		struct ebb_deflate_result deflated;
	} answer;

	/* The vm's, from its last probe. */
	const struct ebb_channel_ops *_Atomic channel_ops;
	void *_Atomic channel_opaque;
};

extern struct fake_vm fake_vm;

/* All of it anew; the clock goes on. */
void fake_vm_reset(void);

/* A group's fixtures: the event loop and the workers. */
int fake_vm_set_up_group(void **state);
int fake_vm_tear_down_group(void **state);

/* A running domain of 1 GiB, looked at by ebb_vm_new() soon. */
struct ebb_vm *fake_vm_new(void);

/* The same, with a UUID of its number. @number stays valid. */
struct ebb_vm *fake_vm_new_numbered(int *number);

/* Its domain ends, and what it runs. */
void fake_vm_end(struct ebb_vm *vm);

/* ebb_vm_set() of a free target alone. */
void fake_vm_set_target(struct ebb_vm *vm, struct ebb_call *call,
			const struct ebb_target_setting *target);

/* Turns the loop until it is so, and fails if that takes too long. */
#define fake_vm_until(is_so)             \
	do {                             \
		fake_vm_alarm(60000);    \
		while (!(is_so))         \
			ebb_loop_turn(); \
		fake_vm_alarm(-1);       \
	} while (0)

/* Fails after so long; -1: never. */
void fake_vm_alarm(int ms);

/* Until no job runs. */
void fake_vm_settle_down(void);

#endif /* EBB_TESTS_UNIT_FAKE_VM_H */
