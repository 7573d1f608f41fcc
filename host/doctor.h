/* SPDX-License-Identifier: GPL-2.0-only */
/* What keeps a domain from the best rung, point by point. Pure. */
#ifndef EBB_HOST_DOCTOR_H
#define EBB_HOST_DOCTOR_H

#include "host/probe.h"
#include "host/status.h"

/* @probe: done. Fills all but the name. */
void ebb_doctor_examine(const struct ebb_probe *probe,
			struct ebb_doctor *ret_doctor);

#endif /* EBB_HOST_DOCTOR_H */
