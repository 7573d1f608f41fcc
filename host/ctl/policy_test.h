/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl policy test FILE. */
#ifndef EBB_HOST_CTL_POLICY_TEST_H
#define EBB_HOST_CTL_POLICY_TEST_H

#include "host/ctl/ctl.h"

/* The file is the second operand. Returns the exit status. */
int ctl_policy_test(const struct ctl_args *args);

#endif /* EBB_HOST_CTL_POLICY_TEST_H */
