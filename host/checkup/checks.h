/* SPDX-License-Identifier: GPL-2.0-only */
/* The checks of the host, and what they share. This room's own. */
#ifndef EBB_HOST_CHECKUP_CHECKS_H
#define EBB_HOST_CHECKUP_CHECKS_H

#include "host/checkup/examine.h"

/* What a check has found. */
#define EBB_CHECK_OK "ok"
#define EBB_CHECK_WARN "warn"
#define EBB_CHECK_FAIL "fail"
#define EBB_CHECK_SKIP "skip"

/* Adds a line, if there is room. @remedy: or NULL */
void ebb_check_add(struct ebb_doctor *doctor, const char *name,
		   const char *status, const char *remedy, const char *format,
		   ...) __attribute__((__format__(__printf__, 5, 6)));

/* checks_ebbd.c: ebbd itself, who may ask it, and its connection to libvirt. */
void ebb_check_ebbd(const struct ebb_checkup_picture *picture,
		    struct ebb_doctor *doctor);

/* checks_kernel.c: what the kernel can do, and how it is set. */
void ebb_check_kernel(const struct ebb_checkup_picture *picture,
		      struct ebb_doctor *doctor);

/* checks_memory.c: swap, what can run short, and what merges memory or makes it huge. */
void ebb_check_memory(const struct ebb_checkup_picture *picture,
		      struct ebb_doctor *doctor);

#endif /* EBB_HOST_CHECKUP_CHECKS_H */
