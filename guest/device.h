/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/ebb, the only place in the guest's userland that knows its requests.
 *
 * Each call opens the device and closes it again, so that the module can be
 * unloaded at any moment. All return 0 or -errno; -ENOENT, -ENXIO and -ENODEV
 * mean that the module is not loaded. The others are those of protocol/uapi.h.
 */
#ifndef EBB_GUEST_DEVICE_H
#define EBB_GUEST_DEVICE_H

#include <stdbool.h>

#include "protocol/uapi.h"

int ebb_device_info(struct ebb_info *ret_info);
int ebb_device_segments(struct ebb_segments *ret_segments);
int ebb_device_challenge(const struct ebb_challenge *challenge);
int ebb_device_session_start(const struct ebb_session *session);
int ebb_device_session_stop(void);
int ebb_device_target_set(const struct ebb_target *target);
int ebb_device_target_get(struct ebb_threshold *ret_threshold);

/* Whether an error of the above means that there is no module. */
bool ebb_device_is_absent(int r);

#endif /* EBB_GUEST_DEVICE_H */
