/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of events: a ring of EBB_EVENTS_KEPT records of a fixed size.
 *
 * The place of a record follows from its event's number, and the number is in it, with a
 * check: so nothing points to the newest, and one that is damaged is left out. In the
 * byte order of the machine. For workers alone; what is here has no state.
 */
#ifndef EBB_HOST_DIARY_FILE_H
#define EBB_HOST_DIARY_FILE_H

#include <stdbool.h>

#include "host/history/store.h"
#include "host/interface/event.h"

/**
 * ebb_diary_file_read - what there is
 * @ret_events: free(); by ascending number, some may be missing
 * @ret_set_aside: the file made no sense, and was put out of the way
 *
 * Returns 0, also if there is none, or -errno.
 */
int ebb_diary_file_read(const struct ebb_store *store,
			struct ebb_event **ret_events, uint32_t *ret_count,
			bool *ret_set_aside);

/* Adds them. Returns 0 or -errno; then any of them may not be kept. */
int ebb_diary_file_write(const struct ebb_store *store,
			 const struct ebb_event *events, uint32_t count);

#endif /* EBB_HOST_DIARY_FILE_H */
