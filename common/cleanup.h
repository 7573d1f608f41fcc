/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scope-bound cleanup: what a function acquires, its scope gives back, on each
 * of its exits. Hand a resource on with ebb_steal_ptr() or ebb_steal_fd().
 */
#ifndef EBB_COMMON_CLEANUP_H
#define EBB_COMMON_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ebb_cleanup(func) __attribute__((__cleanup__(func)))

static inline void ebb_free_ptr(void *ptr)
{
	free(*(void **)ptr);
}

static inline void ebb_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void ebb_close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void ebb_close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define ebb_auto_free ebb_cleanup(ebb_free_ptr)
#define ebb_auto_close ebb_cleanup(ebb_close_fd)
#define ebb_auto_fclose ebb_cleanup(ebb_close_file)
#define ebb_auto_closedir ebb_cleanup(ebb_close_dir)

#define ebb_steal_ptr(ptr)                          \
	({                                          \
		__typeof__(ptr) ebb_stolen = (ptr); \
		(ptr) = NULL;                       \
		ebb_stolen;                         \
	})

static inline int ebb_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define EBB_ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif /* EBB_COMMON_CLEANUP_H */
