/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions on one thread, and the storm on another.
 *
 * Whatever was told to the host: memory is freed only LINGER_MS after the last
 * session, when no grant is young enough to be acted on.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "hostile.h"

enum {
	LINGER_MS = 3 * EBB_GRANT_WINDOW_MS,
	POLL_US = 20,
};

static struct task_struct *server, *stormer;
static bool serving;
static u64 deadline_ns;
static u32 tickets;

/* What is known of the slots of the batch. */
static u64 words[HOSTILE_BLOCKS];
static bool final[HOSTILE_BLOCKS];

static bool host_is(u32 state)
{
	const struct ebb_ring *ring = memory_ring();
	u64 word = ebb_load_acquire(&ring->host_word);

	return ebb_lease_state(word) == state;
}

static bool session_goes_on(void)
{
	return !kthread_should_stop() && ktime_get_ns() < deadline_ns;
}

static void offer(unsigned int index)
{
	struct ebb_ring *ring = memory_ring();
	u64 range = honest_range(index);
	u64 word = ebb_ticket(READ_ONCE(ring->tag), ++tickets) << 8 |
		   EBB_LEASE_OFFERED;

	if (attack->lie)
		range = attack->lie(index, range);
	if (attack->word)
		word = attack->word(index, word);
	words[index] = word;
	final[index] = false;
	ebb_store_relaxed(&ring->slots[index].range, range);
	ebb_store_release(&ring->slots[index].word, word);
}

static void grant(unsigned int index, u64 taken)
{
	u64 word = ebb_lease_with_state(taken, EBB_LEASE_GRANTED);

	if (attack->answer)
		word = attack->answer(taken);
	if (word && ebb_cas(&memory_ring()->slots[index].word, taken, word))
		words[index] = word;
	else
		words[index] = taken; /* it was looked at */
}

/* One look at one slot. */
static void step(unsigned int index)
{
	u64 word = ebb_load_acquire(&memory_ring()->slots[index].word);

	switch (ebb_lease_state(word)) {
	case EBB_LEASE_TAKEN:
		if (word != words[index])
			grant(index, word);
		return;
	case EBB_LEASE_DONE:
		memory_note_done(index);
		fallthrough;
	case EBB_LEASE_FAILED:
		if (attack->again)
			offer(index);
		else
			final[index] = true;
	}
}

static bool batch_is_final(void)
{
	unsigned int i;

	for (i = 0; i < HOSTILE_BLOCKS; i++)
		if (!final[i])
			return false;
	return true;
}

static void serve(void)
{
	struct ebb_ring *ring = memory_ring();
	unsigned int i;

	if (attack->begin)
		attack->begin();
	for (i = 0; i < HOSTILE_BLOCKS; i++)
		offer(i);
	ebb_store_relaxed(&ring->batch_slots, HOSTILE_BLOCKS);
	ebb_store_release(&ring->batch, ring->batch + 1);
	while (session_goes_on() && !batch_is_final() &&
	       !host_is(EBB_HOST_ATTACHED)) {
		for (i = 0; i < HOSTILE_BLOCKS; i++)
			step(i);
		usleep_range(POLL_US, 2 * POLL_US);
	}
	/* A host that let go has no more than the window for what it holds. */
	msleep(2 * EBB_GRANT_WINDOW_MS);
	for (i = 0; i < HOSTILE_BLOCKS; i++)
		step(i);
	for (i = 0; i < EBB_SLOT_COUNT; i++)
		ebb_slot_free(&ring->slots[i]);
	if (ring->session_state == EBB_SESSION_RUNNING)
		ebb_store_release(&ring->session_state, EBB_SESSION_DRAINED);
}

static int server_run(void *unused)
{
	while (!kthread_should_stop()) {
		if (!READ_ONCE(serving)) {
			usleep_range(1000, 2000);
			continue;
		}
		serve();
		WRITE_ONCE(serving, false);
	}
	return 0;
}

static int stormer_run(void *unused)
{
	while (!kthread_should_stop()) {
		if (READ_ONCE(serving) && attack->storm) {
			attack->storm();
			cond_resched();
			continue;
		}
		if (attack->attached && !READ_ONCE(serving) &&
		    host_is(EBB_HOST_ATTACHED))
			attack->attached();
		usleep_range(1000, 2000);
	}
	return 0;
}

int session_start(const struct ebb_session *request)
{
	struct ebb_ring *ring = memory_ring();

	if (READ_ONCE(serving))
		return -EALREADY;
	deadline_ns = ktime_get_ns() + request->timeout_ms * NSEC_PER_MSEC;
	ring->session_id = request->session_id;
	ebb_store_release(&ring->session_state, EBB_SESSION_RUNNING);
	WRITE_ONCE(serving, true);
	return 0;
}

int session_init(void)
{
	tickets = get_random_u32();
	server = kthread_run(server_run, NULL, "hostile");
	if (IS_ERR(server))
		return PTR_ERR(server);
	stormer = kthread_run(stormer_run, NULL, "hostile-storm");
	if (IS_ERR(stormer)) {
		kthread_stop(server);
		return PTR_ERR(stormer);
	}
	return 0;
}

void session_exit(void)
{
	unsigned long end = jiffies + msecs_to_jiffies(EBB_DETACH_WAIT_MS);

	kthread_stop(server);
	kthread_stop(stormer);
	ebb_store_release(&memory_ring()->state, EBB_RING_CLOSED);
	ebb_full_barrier();
	while (!host_is(EBB_HOST_DETACHED) && time_before(jiffies, end))
		usleep_range(500, 1000);
	msleep(LINGER_MS);
}
