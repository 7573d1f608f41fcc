/* SPDX-License-Identifier: GPL-2.0-only */
/* One session: the guest offers what it has free, and that is taken. */
#ifndef EBB_HOST_SESSION_H
#define EBB_HOST_SESSION_H

#include <stdbool.h>

#include "host/lease/tools.h"

/**
 * ebb_session_run - take what the guest gives (blocks)
 * @rearm: the guest shall offer also what it has offered before
 *
 * Returns how it came out; EBB_END_DRAINED if the guest offered all that it has
 * free; EBB_END_NONE if nobody waits for it and a piece was taken: the next session goes
 * on. If somebody waits from some moment on, it goes on here, by a second session. On
 * return no slot is in this host's hands. The agent's answer may still be out.
 */
struct ebb_outcome ebb_session_run(struct ebb_tools *tools, bool rearm);

#endif /* EBB_HOST_SESSION_H */
