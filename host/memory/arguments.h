/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What QEMU's command line says of devices that libvirt may know nothing of, as
 * <qemu:commandline> brings them. Pure.
 *
 * QEMU takes an option as "NAME,KEY=VALUE,..." with the name by its key and at
 * any place, too, or as JSON; and -set changes one that was given before. All of
 * these are read. What cannot be read, or has devices in another file
 * (-readconfig), closes the rung: it may be any device.
 */
#ifndef EBB_HOST_ARGUMENTS_H
#define EBB_HOST_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "host/interface/reason.h"

/**
 * struct ebb_arguments - who else works on the guest's memory
 * @vhost_user: a vhost-user device, of which the process decides (peers.h)
 * @device: the first of them that is no file system, or empty
 */
struct ebb_arguments {
	bool vhost_user;
	char device[48];
};

/**
 * ebb_arguments_parse - read a command line
 * @text, @bytes: the arguments, each ended by a zero byte
 * @ret_arguments: written always
 * @reasons: devices that pin the guest's memory are added, and arguments that
 *	are not understood
 */
void ebb_arguments_parse(const char *text, size_t bytes,
			 struct ebb_arguments *ret_arguments,
			 struct ebb_reason_list *reasons);

#endif /* EBB_HOST_ARGUMENTS_H */
