/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebb.ko: lends a guest's free memory to its host, in huge ranges.
 *
 * Reading order: protocol/lease.h and ring.h, batch.c (one batch of leases),
 * report.c (where free ranges come from), session.c (when), canary.c (from
 * which memory), threshold.c (how more comes to be free), notify.c (what ends
 * it), device.c (who asks).
 */
#define pr_fmt(fmt) "ebb: " fmt

#include <linux/init.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/workqueue.h>

#include "canary.h"
#include "device.h"
#include "facts.h"
#include "notify.h"
#include "ring.h"
#include "session.h"
#include "threshold.h"

/*
 * None is freezable: a suspend ends the session first, by its notifier, and needs
 * a queue to do so. Unbound: a session polls and sleeps a lot.
 */
static struct workqueue_struct *queue;
/* With a rescuer: what drops a target must not wait for memory to begin. */
static struct workqueue_struct *marks_queue;
/* Ordered: see ebb_report_passes(). */
static struct workqueue_struct *pass_queue;

static void ebb_queue_destroy(struct workqueue_struct *any)
{
	if (any)
		destroy_workqueue(any);
}

static void ebb_queues_exit(void)
{
	ebb_queue_destroy(pass_queue);
	ebb_queue_destroy(marks_queue);
	ebb_queue_destroy(queue);
}

static int __init ebb_queues_init(void)
{
	queue = alloc_workqueue("ebb", WQ_UNBOUND, 0);
	marks_queue =
		alloc_workqueue("ebb-marks", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	pass_queue = alloc_ordered_workqueue("ebb-pass", 0);
	if (queue && marks_queue && pass_queue)
		return 0;
	ebb_queues_exit();
	return -ENOMEM;
}

static int __init ebb_init(void)
{
	int err = ebb_queues_init();

	if (err)
		return err;
	err = ebb_ring_init();
	if (err)
		goto err_queues;
	err = ebb_canary_init(queue);
	if (err)
		goto err_ring;
	ebb_session_init(queue, pass_queue);
	ebb_facts_start(queue);
	ebb_threshold_init(marks_queue, ebb_device_threshold_changed);
	err = ebb_notify_init(queue);
	if (err)
		goto err_facts;
	/* What changed before the notifiers were there. */
	err = ebb_canary_rescan();
	if (err)
		goto err_notify;
	err = ebb_device_init();
	if (err)
		goto err_notify;
	pr_info("ring at %#llx, %u segments of RAM\n", ebb_ring_gpa(),
		ebb_canary_segment_count());
	return 0;

err_notify:
	ebb_notify_exit();
err_facts:
	ebb_facts_stop();
	ebb_canary_exit();
err_ring:
	ebb_ring_exit();
err_queues:
	ebb_queues_exit();
	return err;
}

static void __exit ebb_exit(void)
{
	/* While there is a device that can tell of it. */
	ebb_threshold_close();
	ebb_device_exit();
	ebb_notify_exit();
	/* For as long as it takes: a granted range cannot be abandoned. */
	ebb_session_close(0);
	ebb_facts_stop();
	ebb_canary_exit();
	ebb_ring_exit();
	ebb_queues_exit();
}

module_init(ebb_init);
module_exit(ebb_exit);

MODULE_LICENSE("GPL");
MODULE_AUTHOR("The Ebb authors");
MODULE_DESCRIPTION("Lends free guest memory to the host in huge pages");
