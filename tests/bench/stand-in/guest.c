/* SPDX-License-Identifier: GPL-2.0-only */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include <json-c/json.h>

#include "common/clock.h"
#include "common/size.h"
#include "protocol/message.h"
#include "protocol/ring.h"
#include "tests/bench/stand-in/stand-in.h"

enum {
	/* Guest-physical, which is the place in the file below 3 GiB. */
	SEGMENT_GPA = 1 << 20,
	RING_GPA = 2 << 20,
	RANGES_GPA = 4 << 20,
	RANGE_BYTES = EBB_PAGE_BYTES << EBB_LEASE_ORDER_MIN,
	RANGE_COUNT = 1,
	POLL_US = 20,
	RUN_MAX = 6,
};

struct stand_in_guest {
	uint8_t *memory;
	uint64_t bytes;
	struct ebb_ring *ring;
	uint32_t ticket;
	uint64_t canary_gpas[EBB_CANARY_PER_SEGMENT];
	uint64_t batches;
};

static void make_ring(struct ebb_ring *ring)
{
	ring->magic = EBB_RING_MAGIC;
	ring->version = EBB_RING_VERSION;
	ring->slot_count = EBB_SLOT_COUNT;
	ring->lease_order = EBB_LEASE_ORDER_MIN;
	if (getrandom(ring->boot_id, sizeof(ring->boot_id), 0) < 0 ||
	    getrandom(&ring->tag, sizeof(ring->tag), 0) < 0)
		err(1, "getrandom");
	ring->tag |= 1;
	for (int i = 0; i < EBB_SLOT_COUNT; i++)
		ring->slots[i].word = EBB_LEASE_FREE;
	ring->host_word = (uint64_t)ring->tag << 32 | EBB_HOST_DETACHED;
	ebb_store_release(&ring->state, (uint32_t)EBB_RING_OPEN);
}

struct stand_in_guest *stand_in_guest_new(int fd, uint64_t bytes)
{
	struct stand_in_guest *guest = calloc(1, sizeof(*guest));

	if (bytes < RANGES_GPA + (RANGE_COUNT + 1) * (uint64_t)RANGE_BYTES)
		errx(1, "%" PRIu64 " bytes are too few", bytes);
	if (!guest)
		err(1, "calloc");
	guest->bytes = bytes;
	guest->memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (guest->memory == MAP_FAILED)
		err(1, "mmap");
	guest->canary_gpas[0] = SEGMENT_GPA;
	guest->canary_gpas[1] = bytes - EBB_PAGE_BYTES;
	guest->ring = (struct ebb_ring *)(guest->memory + RING_GPA);
	make_ring(guest->ring);
	return guest;
}

void stand_in_guest_fill(struct stand_in_guest *guest)
{
	for (uint64_t at = 0; at < RANGE_COUNT * (uint64_t)RANGE_BYTES;
	     at += EBB_PAGE_BYTES)
		guest->memory[RANGES_GPA + at] = 1;
}

void stand_in_guest_tick(struct stand_in_guest *guest)
{
	struct ebb_facts *facts = &guest->ring->facts;
	uint32_t seq = facts->seq;

	ebb_store_relaxed(&facts->seq, seq + 1);
	ebb_write_barrier();
	facts->node_count = 1;
	facts->stamp_ns = ebb_now_ns();
	facts->total_bytes = guest->bytes;
	facts->free_bytes = RANGE_COUNT * (uint64_t)RANGE_BYTES;
	facts->free_huge_bytes = facts->free_bytes;
	facts->available_bytes = facts->free_bytes;
	facts->batches = guest->batches;
	facts->nodes[0].total_bytes = facts->total_bytes;
	facts->nodes[0].free_bytes = facts->free_bytes;
	facts->nodes[0].free_huge_bytes = facts->free_huge_bytes;
	ebb_write_barrier();
	ebb_store_relaxed(&facts->seq, seq + 2);
}

/* ---- a session: all ranges, once ---- */

static void offer(struct stand_in_guest *guest)
{
	struct ebb_ring *ring = guest->ring;

	for (uint32_t i = 0; i < RANGE_COUNT; i++)
		ebb_slot_offer(&ring->slots[i],
			       (RANGES_GPA + i * (uint64_t)RANGE_BYTES) >>
				       EBB_PAGE_SHIFT,
			       EBB_LEASE_ORDER_MIN,
			       ebb_ticket(ring->tag, ++guest->ticket));
	ebb_store_relaxed(&ring->batch_slots, (uint32_t)RANGE_COUNT);
	ebb_store_release(&ring->batch, ring->batch + 1);
}

/* Whether the slot is final. */
static bool answer(struct ebb_slot *slot, bool late)
{
	uint64_t word = ebb_load_acquire(&slot->word);
	uint32_t state = ebb_lease_state(word);

	if (ebb_lease_is_final(state))
		return true;
	if (late && state != EBB_LEASE_GRANTED)
		ebb_slot_revoke(slot, word);
	else if (state == EBB_LEASE_TAKEN)
		ebb_slot_grant(slot, word);
	return false;
}

/* Until all slots are final. */
static void serve_batch(struct stand_in_guest *guest)
{
	uint64_t late_ns = ebb_now_ns() + EBB_OFFER_DEADLINE_MS * EBB_NS_PER_MS;
	uint32_t open;

	do {
		bool late = ebb_now_ns() > late_ns;

		open = 0;
		for (uint32_t i = 0; i < RANGE_COUNT; i++)
			open += !answer(&guest->ring->slots[i], late);
		if (open)
			ebb_sleep_us(POLL_US);
	} while (open);
}

/* Empties the slots. Returns whether all of them were done. */
static bool settle_batch(struct stand_in_guest *guest)
{
	bool done = true;

	for (uint32_t i = 0; i < RANGE_COUNT; i++) {
		struct ebb_slot *slot = &guest->ring->slots[i];

		done &= ebb_lease_state(slot->word) == EBB_LEASE_DONE;
		ebb_slot_free(slot);
	}
	guest->batches++;
	return done;
}

/* A host that was late is offered all of it again, as by kmod/session.c. */
static void run_session(struct stand_in_guest *guest)
{
	struct ebb_ring *ring = guest->ring;
	bool done = false;

	for (int run = 0; run < RUN_MAX && !done; run++) {
		offer(guest);
		serve_batch(guest);
		done = settle_batch(guest);
	}
	stand_in_guest_tick(guest);
	ebb_store_relaxed(&ring->session_passes, 1u);
	ebb_store_release(&ring->session_state, (uint32_t)EBB_SESSION_DRAINED);
}

/* ---- the agent ---- */

static struct json_object *info(const struct stand_in_guest *guest)
{
	struct ebb_msg_info info = {
		.agent_version = "stand-in",
		.kernel = "none",
		.module_loaded = true,
		.uapi_version = EBB_UAPI_VERSION,
		.ring_gpa = RING_GPA,
		.ring_bytes = EBB_PAGE_BYTES,
		.lease_order = EBB_LEASE_ORDER_MIN,
		.segment_count = 1,
		.segments[0] = {
			.gpa = SEGMENT_GPA,
			.bytes = guest->bytes - SEGMENT_GPA,
			.canary_count = EBB_CANARY_PER_SEGMENT,
		},
	};

	memcpy(info.boot_id, guest->ring->boot_id, sizeof(info.boot_id));
	memcpy(info.segments[0].canary_gpas, guest->canary_gpas,
	       sizeof(guest->canary_gpas));
	return ebb_msg_encode(ebb_msg_info_fields, &info);
}

static struct json_object *facts(const struct stand_in_guest *guest)
{
	const struct ebb_msg_facts facts = {
		.total_bytes = guest->ring->facts.total_bytes,
		.free_bytes = guest->ring->facts.free_bytes,
		.available_bytes = guest->ring->facts.available_bytes,
		.free_huge_bytes = guest->ring->facts.free_huge_bytes,
	};

	return ebb_msg_encode(ebb_msg_facts_fields, &facts);
}

/* It has nothing that it could free for a target. */
static struct json_object *target(void)
{
	const struct ebb_msg_target_state state = {
		.mechanism = "module",
		.state = "exhausted",
	};

	return ebb_msg_encode(ebb_msg_target_state_fields, &state);
}

static struct json_object *compact(void)
{
	const struct ebb_msg_compact_state state = { .reason = "nothing" };

	return ebb_msg_encode(ebb_msg_compact_state_fields, &state);
}

static void challenge(struct stand_in_guest *guest, const struct ebb_msg *msg)
{
	struct ebb_msg_challenge challenge;

	if (ebb_msg_decode(msg->body, ebb_msg_challenge_fields, &challenge,
			   sizeof(challenge), NULL) < 0)
		errx(1, "no nonce in a challenge");
	for (int i = 0; i < EBB_CANARY_PER_SEGMENT; i++) {
		struct ebb_canary canary = {
			.magic = EBB_CANARY_MAGIC,
			.gpa = guest->canary_gpas[i],
		};

		memcpy(canary.boot_id, guest->ring->boot_id,
		       sizeof(canary.boot_id));
		memcpy(canary.nonce, challenge.nonce, sizeof(canary.nonce));
		memcpy(guest->memory + canary.gpa, &canary, sizeof(canary));
	}
	memcpy(guest->ring->challenge, challenge.nonce,
	       sizeof(challenge.nonce));
}

static void start_session(struct stand_in_guest *guest,
			  const struct ebb_msg *msg)
{
	struct ebb_msg_session_start start;

	if (ebb_msg_decode(msg->body, ebb_msg_session_start_fields, &start,
			   sizeof(start), NULL) < 0)
		errx(1, "a session without arguments");
	ebb_store_relaxed(&guest->ring->session_id, start.session_id);
	ebb_store_relaxed(&guest->ring->session_passes, 0u);
	ebb_store_release(&guest->ring->session_state,
			  (uint32_t)EBB_SESSION_RUNNING);
}

static void send_line(struct stand_in_port *port, char *line)
{
	if (!line)
		errx(1, "out of memory");
	stand_in_send(port, line, strlen(line));
	free(line);
}

void stand_in_guest_greet(struct stand_in_port *port)
{
	send_line(port, ebb_msg_event("EBB_AGENT_READY", NULL));
}

/* The id that is to be given back, of guest-sync and guest-sync-delimited. */
static struct json_object *sync_id(const struct ebb_msg *msg)
{
	struct json_object *id = NULL;

	json_object_object_get_ex(msg->body, "id", &id);
	return json_object_get(id);
}

static void run(struct stand_in_guest *guest, struct stand_in_port *port,
		const struct ebb_msg *msg)
{
	const char *name = msg->name;
	struct json_object *value = NULL;

	if (strcmp(name, "guest-sync-delimited") == 0)
		stand_in_send(port, "\xff", 1);
	if (strncmp(name, "guest-sync", strlen("guest-sync")) == 0)
		value = sync_id(msg);
	else if (strcmp(name, "ebb-info") == 0)
		value = info(guest);
	else if (strcmp(name, "ebb-facts") == 0)
		value = facts(guest);
	else if (strcmp(name, "ebb-target") == 0)
		value = target();
	else if (strcmp(name, "ebb-compact") == 0)
		value = compact();
	else if (strcmp(name, "ebb-challenge") == 0)
		challenge(guest, msg);
	else if (strcmp(name, "ebb-session-start") == 0)
		start_session(guest, msg);
	send_line(port, ebb_msg_reply(value, msg->id));
	if (strcmp(name, "ebb-session-start") == 0)
		run_session(guest);
}

void stand_in_guest_take(struct stand_in_guest *guest,
			 struct stand_in_port *port, const char *line,
			 size_t bytes)
{
	struct ebb_msg msg;

	/* What begins a guest-sync-delimited. */
	while (bytes > 0 && *line == '\xff') {
		line++;
		bytes--;
	}
	if (bytes == 0)
		return;
	if (ebb_msg_parse(line, bytes, &msg, NULL) < 0)
		errx(1, "the agent got no message: %.*s", (int)bytes, line);
	if (msg.kind == EBB_MSG_REQUEST)
		run(guest, port, &msg);
	ebb_msg_clear(&msg);
}
