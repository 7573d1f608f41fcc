/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "protocol/limits.h"

/* Kind and page size of an open file, or -EINVAL if its file system is neither. */
static int classify(int fd, struct ebb_backing *backing)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	if (fs.f_type == HUGETLBFS_MAGIC) {
		backing->kind = EBB_BACKING_HUGETLBFS;
		backing->page_bytes = (uint64_t)fs.f_bsize;
		return 0;
	}
	if (fs.f_type == TMPFS_MAGIC) {
		backing->kind = EBB_BACKING_FILE;
		backing->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
		return 0;
	}
	return -EINVAL;
}

static bool is_file(const struct stat *st, dev_t dev, ino_t ino)
{
	return S_ISREG(st->st_mode) && st->st_dev == dev && st->st_ino == ino;
}

int ebb_backing_open(const char *path, dev_t dev, ino_t ino,
		     struct ebb_backing *ret_backing)
{
	struct ebb_backing backing = { .dev = dev, .ino = ino };
	int fd ebb_auto_close = -1;
	struct stat st;
	int r;

	/* To open a device may do something. */
	if (stat(path, &st) < 0 || !is_file(&st, dev, ino))
		return -ENOENT;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The descriptor may be another file's by now. */
	if (fstat(fd, &st) < 0 || !is_file(&st, dev, ino))
		return -ENOENT;
	if ((uint64_t)st.st_size < EBB_BACKING_BYTES_MIN)
		return -EFBIG;
	r = classify(fd, &backing);
	if (r < 0)
		return r;
	backing.bytes = (uint64_t)st.st_size;
	backing.fd = ebb_steal_fd(&fd);
	backing.file = ebb_file_new(
		backing.fd, backing.bytes,
		backing.kind == EBB_BACKING_HUGETLBFS ? backing.page_bytes : 0);
	if (!backing.file)
		return -ENOMEM;
	*ret_backing = backing;
	return 0;
}

uint64_t ebb_backing_held_bytes(const struct ebb_backing *backing)
{
	struct stat st;

	if (fstat(backing->fd, &st) < 0)
		return 0;
	return (uint64_t)st.st_blocks * 512;
}

void ebb_backing_holding(const struct ebb_backing *backing, uint32_t max_age_ms,
			 struct ebb_holding *ret_holding)
{
	uint64_t held = ebb_backing_held_bytes(backing), swapped = 0;
	struct ebb_holding holding = { .swapped_known = true };

	if (backing->file &&
	    ebb_file_swapped_bytes(backing->file, max_age_ms, &swapped) < 0)
		holding.swapped_known = false;
	/* The two are not of the same moment. */
	holding.swapped_bytes = swapped < held ? swapped : held;
	holding.resident_bytes = held - holding.swapped_bytes;
	*ret_holding = holding;
}

void ebb_backing_note(const struct ebb_backing *backing,
		      struct ebb_reason_list *reasons)
{
	char size[EBB_SIZE_TEXT_BYTES];

	if (backing->page_bytes > (uint64_t)EBB_PAGE_BYTES
					  << EBB_LEASE_ORDER_MAX)
		ebb_reason_add(reasons, EBB_REASON_PAGES_TOO_LARGE, "%s",
			       ebb_size_format(backing->page_bytes, size,
					       sizeof(size)));
}

const char *ebb_backing_kind_name(enum ebb_backing_kind kind)
{
	switch (kind) {
	case EBB_BACKING_MEMFD:
		return "memfd";
	case EBB_BACKING_FILE:
		return "file";
	case EBB_BACKING_HUGETLBFS:
		return "hugetlbfs";
	}
	return "unknown";
}
