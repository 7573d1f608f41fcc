/* SPDX-License-Identifier: GPL-2.0-only */
/* What an ebbd says, for the tests of top. */
#ifndef EBB_TESTS_UNIT_TOP_EXAMPLE_H
#define EBB_TESTS_UNIT_TOP_EXAMPLE_H

#include "host/interface/event.h"
#include "host/interface/explain.h"
#include "host/interface/status.h"

/* "vm-0001", on rung lease, of 2 GiB, all of it known; @number makes its UUID. */
struct ebb_domain_status example_domain(uint32_t number);

/* The answers; the caller puts them. */
struct json_object *example_list(const struct ebb_domain_status *domains,
				 uint32_t count);
/* A host of 16 GiB, and the domain of example_domain(1). */
struct json_object *example_explain(void);
/* @count events from number @first on, each "asked for it", of vm-0001. */
struct json_object *example_events(uint64_t first, uint32_t count);

#endif /* EBB_TESTS_UNIT_TOP_EXAMPLE_H */
