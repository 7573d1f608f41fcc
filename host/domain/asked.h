/* SPDX-License-Identifier: GPL-2.0-only */
/* What a person asked of a domain, and what came of it, as events. */
#ifndef EBB_HOST_ASKED_H
#define EBB_HOST_ASKED_H

#include "host/control/call.h"
#include "host/history/past.h"

/**
 * ebb_asked_tell - tells that @call asks @action, and then how it is answered
 * @domain, @uuid: are copied
 * @action: "set", for one; stays
 * @words: what of it is asked for, after a blank; or empty
 */
void ebb_asked_tell(struct ebb_past *past, struct ebb_call *call,
		    const char *domain, const char *uuid, const char *action,
		    const char *words);

#endif /* EBB_HOST_ASKED_H */
