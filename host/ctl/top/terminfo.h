/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef EBB_HOST_CTL_TOP_TERMINFO_H
#define EBB_HOST_CTL_TOP_TERMINFO_H

#include <stdbool.h>

/* Whether terminals of this name, as TERM has it, are known here. */
bool top_terminfo_knows(const char *name);

#endif /* EBB_HOST_CTL_TOP_TERMINFO_H */
