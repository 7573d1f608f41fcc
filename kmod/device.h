/* SPDX-License-Identifier: GPL-2.0-only */
/* /dev/ebb. */
#ifndef EBB_KMOD_DEVICE_H
#define EBB_KMOD_DEVICE_H

/**
 * ebb_device_init - show /dev/ebb
 *
 * Return: 0, or the error of misc_register().
 */
int ebb_device_init(void);
void ebb_device_exit(void);

/* Wakes who polls the threshold's state. */
void ebb_device_threshold_changed(void);

#endif /* EBB_KMOD_DEVICE_H */
