/* SPDX-License-Identifier: GPL-2.0-only */
/* What virt.c and channel.c share, and nobody else includes. */
#ifndef EBB_HOST_VIRT_HANDLE_H
#define EBB_HOST_VIRT_HANDLE_H

#include <libvirt/libvirt.h>

#include "host/libvirt/virt.h"

struct ebb_domain {
	virDomainPtr handle;
	int references; /* atomic */
	char uuid[EBB_UUID_TEXT_BYTES];
};

#endif /* EBB_HOST_VIRT_HANDLE_H */
