/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rest of the kernel tells us: reboot, suspend, hotplug, OOM. */
#ifndef EBB_KMOD_NOTIFY_H
#define EBB_KMOD_NOTIFY_H

#include <linux/workqueue.h>

/**
 * ebb_notify_init - hear of all events; slow work for them goes to @queue
 *
 * Return: 0, or the error of the notifier that could not be registered.
 */
int ebb_notify_init(struct workqueue_struct *queue);
void ebb_notify_exit(void);

#endif /* EBB_KMOD_NOTIFY_H */
