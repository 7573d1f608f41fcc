/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of samples as such: its name, whose it is, and whether it makes sense. */
#ifndef EBB_HOST_SAMPLES_FILE_H
#define EBB_HOST_SAMPLES_FILE_H

#include "host/history/samples.h"

enum {
	/* Another one is of another ebbd, and set aside. */
	EBB_SAMPLES_FORMAT = 1
};

/*
 * For writing: made if there is none; one that makes no sense is set aside, which is
 * said. Returns a descriptor or -errno.
 */
int ebb_samples_open_ready(const struct ebb_store *store,
			   const struct ebb_subject_key *key,
			   bool *ret_set_aside);

/* @ret_fd: -1: there is none that makes sense. Returns 0 or -errno. */
int ebb_samples_open_to_read(const struct ebb_store *store,
			     const struct ebb_subject_key *key, int *ret_fd);

#endif /* EBB_HOST_SAMPLES_FILE_H */
