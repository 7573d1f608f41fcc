/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of the machine.
 *
 * All of them take the session's ranges back and drop the free target: the
 * guest's own needs are never queued behind the host's. Before a reboot (kexec
 * included) and a suspend the ring is closed as well, since another kernel, or the
 * same one from an image, will have this memory next. A suspend is refused while a
 * granted range waits for its host, as the image would hold a grant that the host
 * can still act on; a reboot is not held up longer than LEAVE_WAIT_MS.
 *
 * Out of memory. What a batch holds would be back within a poll, so nobody is
 * killed for the lack of it: the notifier waits for it and counts it as freed,
 * which has the kernel try the allocation again. A granted range whose host died
 * comes back when its successor attaches; that takes a service manager seconds,
 * and is waited for once.
 *
 * Memory that goes offline. The kernel tries for ever, under its hotplug lock, to
 * empty a block of which a range is granted. So after a wait the block is refused.
 */
#define pr_fmt(fmt) "ebb: " fmt

#include <linux/memory.h>
#include <linux/notifier.h>
#include <linux/oom.h>
#include <linux/pfn.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/suspend.h>

#include "canary.h"
#include "facts.h"
#include "notify.h"
#include "report.h"
#include "ring.h"
#include "session.h"
#include "threshold.h"

enum {
	LEAVE_WAIT_MS = 10 * 1000,
	OOM_WAIT_MS = 5 * 1000,
	OFFLINE_WAIT_MS = 2 * 1000,
	RESCAN_QUIET_MS = 1000, /* see canary.c */
};

static unsigned long pages_mib(unsigned long pages)
{
	return pages >> (20 - PAGE_SHIFT);
}

static struct workqueue_struct *notify_queue;
static bool suspended; /* the PM core calls one after another */

static void notify_rescan_work(struct work_struct *work)
{
	if (ebb_canary_rescan())
		pr_warn("no memory to follow a change of the memory map\n");
	/* What was passed over as no segment's counts as reported until now. */
	ebb_report_rearm();
}

static DECLARE_DELAYED_WORK(rescan_work, notify_rescan_work);

static void notify_rescan(void)
{
	mod_delayed_work(notify_queue, &rescan_work,
			 msecs_to_jiffies(RESCAN_QUIET_MS));
}

static int notify_reboot(struct notifier_block *block, unsigned long event,
			 void *data)
{
	ebb_threshold_close();
	if (!ebb_session_close(LEAVE_WAIT_MS))
		pr_warn("leaving while the host holds a granted range\n");
	ebb_facts_stop();
	ebb_canary_rest();
	ebb_ring_close();
	return NOTIFY_DONE;
}

static int notify_suspend(void)
{
	ebb_threshold_close();
	if (!ebb_session_close(LEAVE_WAIT_MS)) {
		ebb_session_reopen();
		ebb_threshold_reopen();
		return -EBUSY;
	}
	ebb_facts_stop();
	ebb_canary_rest();
	ebb_ring_close();
	suspended = true;
	return 0;
}

static void notify_resume(void)
{
	/* Also told where another's notifier refused the suspend before ours. */
	if (!suspended)
		return;
	suspended = false;
	if (ebb_ring_renew()) {
		pr_warn("no memory for a new ring: closed from now on\n");
		return;
	}
	ebb_session_reopen();
	ebb_facts_start(notify_queue);
	ebb_threshold_reopen();
}

static int notify_pm(struct notifier_block *block, unsigned long event,
		     void *data)
{
	switch (event) {
	case PM_HIBERNATION_PREPARE:
	case PM_SUSPEND_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(notify_suspend());
	case PM_POST_HIBERNATION:
	case PM_POST_SUSPEND:
	case PM_POST_RESTORE:
		notify_resume();
		return NOTIFY_OK;
	default:
		return NOTIFY_DONE;
	}
}

static int notify_going_offline(const struct memory_notify *memory)
{
	unsigned long held;

	ebb_threshold_drop(EBB_DROP_OFFLINE);
	ebb_canary_offline_begin(memory->start_pfn, memory->nr_pages);
	if (ebb_session_recall(EBB_SESSION_PRESSURE, OFFLINE_WAIT_MS))
		return NOTIFY_OK;
	held = ebb_report_held_pages(memory->start_pfn, memory->nr_pages);
	if (!held)
		return NOTIFY_OK;
	pr_warn_ratelimited(
		"memory at %#llx stays online: the host holds %lu MiB of it; start ebbd there\n",
		(u64)PFN_PHYS(memory->start_pfn), pages_mib(held));
	return notifier_from_errno(-EBUSY);
}

static int notify_memory(struct notifier_block *block, unsigned long event,
			 void *data)
{
	const struct memory_notify *memory = data;

	switch (event) {
	case MEM_GOING_OFFLINE:
		return notify_going_offline(memory);
	case MEM_CANCEL_OFFLINE:
		ebb_canary_offline_cancel();
		notify_rescan();
		break;
	case MEM_OFFLINE:
		ebb_canary_offline_done(memory->start_pfn, memory->nr_pages);
		notify_rescan();
		break;
	case MEM_ONLINE:
		notify_rescan();
		ebb_threshold_review();
		break;
	}
	return NOTIFY_OK;
}

static int notify_oom(struct notifier_block *block, unsigned long event,
		      void *freed)
{
	unsigned long *freed_pages = freed;
	unsigned long held = ebb_report_held_pages(0, ULONG_MAX);

	ebb_threshold_drop(EBB_DROP_OOM);
	if (held)
		pr_warn_ratelimited(
			"out of memory: %lu MiB are with the host, waiting\n",
			pages_mib(held));
	if (!ebb_session_recall(EBB_SESSION_PRESSURE, OOM_WAIT_MS)) {
		pr_warn_ratelimited(
			"out of memory: the host keeps %lu MiB; start ebbd there\n",
			pages_mib(held));
		return NOTIFY_OK;
	}
	*freed_pages += held;
	return NOTIFY_OK;
}

static struct notifier_block reboot_block = { .notifier_call = notify_reboot };
static struct notifier_block pm_block = { .notifier_call = notify_pm };
static struct notifier_block memory_block = { .notifier_call = notify_memory };
static struct notifier_block oom_block = { .notifier_call = notify_oom };

int ebb_notify_init(struct workqueue_struct *queue)
{
	int err;

	notify_queue = queue;
	err = register_memory_notifier(&memory_block);
	if (err)
		return err;
	err = register_oom_notifier(&oom_block);
	if (err)
		goto err_memory;
	err = register_pm_notifier(&pm_block);
	if (err)
		goto err_oom;
	err = register_reboot_notifier(&reboot_block);
	if (err)
		goto err_pm;
	return 0;

err_pm:
	unregister_pm_notifier(&pm_block);
err_oom:
	unregister_oom_notifier(&oom_block);
err_memory:
	unregister_memory_notifier(&memory_block);
	cancel_delayed_work_sync(&rescan_work);
	return err;
}

void ebb_notify_exit(void)
{
	unregister_reboot_notifier(&reboot_block);
	unregister_pm_notifier(&pm_block);
	unregister_oom_notifier(&oom_block);
	unregister_memory_notifier(&memory_block);
	cancel_delayed_work_sync(&rescan_work);
}
