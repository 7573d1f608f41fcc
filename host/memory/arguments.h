/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What QEMU's command line says of devices that libvirt may know nothing of, as
 * <qemu:commandline> brings them. Pure.
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
 * @reasons: devices that pin the guest's memory are added
 *
 * Takes both forms of QEMU's options, "driver,key=value" and JSON.
 */
void ebb_arguments_parse(const char *text, size_t bytes,
			 struct ebb_arguments *ret_arguments,
			 struct ebb_reason_list *reasons);

#endif /* EBB_HOST_ARGUMENTS_H */
