/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a process has mapped shared and writable, by /proc alone: no file system
 * is asked, so that one that is dead keeps nobody waiting.
 */
#ifndef EBB_HOST_MAPPINGS_H
#define EBB_HOST_MAPPINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum ebb_mapping_kind {
	EBB_MAPPING_MEMORY, /* a memfd, or a file on tmpfs or hugetlbfs */
	EBB_MAPPING_DISK, /* a file on another file system */
	EBB_MAPPING_OTHER, /* a device, or memory that has no file */
};

/**
 * struct ebb_mapping - a file, with all parts of it that are mapped
 * @dev, @ino: identity
 * @kind: what can be done with it
 * @bytes: mapped
 * @huge_fits: huge pages fit where it is mapped
 * @path: as /proc says it
 */
struct ebb_mapping {
	dev_t dev;
	ino_t ino;
	enum ebb_mapping_kind kind;
	uint64_t bytes;
	bool huge_fits;
	char *path;
};

struct ebb_mappings {
	uint32_t count;
	uint32_t capacity;
	struct ebb_mapping *items;
};

/**
 * ebb_mappings_read - read the mappings of a process
 * @pid: of it
 * @ret_mappings: written only on success; free with ebb_mappings_free()
 *
 * Returns 0, -ESRCH, -ENOMEM or -errno.
 */
int ebb_mappings_read(pid_t pid, struct ebb_mappings *ret_mappings);

void ebb_mappings_free(struct ebb_mappings *mappings);

/* The next mapping of a path after @after, or the first; NULL: none. */
const struct ebb_mapping *
ebb_mappings_find_path(const struct ebb_mappings *mappings, const char *path,
		       const struct ebb_mapping *after);

#endif /* EBB_HOST_MAPPINGS_H */
