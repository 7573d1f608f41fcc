/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/hugepool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>

#include "common/cleanup.h"

static int read_counter(const char *root, uint64_t page_bytes, const char *name,
			uint64_t *ret_value)
{
	char path[512];
	ebb_auto_fclose FILE *file = NULL;

	if ((size_t)snprintf(path, sizeof(path),
			     "%s/hugepages-%" PRIu64 "kB/%s", root,
			     page_bytes >> 10, name) >= sizeof(path))
		return -ENAMETOOLONG;
	file = fopen(path, "re");
	if (!file)
		return -errno;
	return fscanf(file, "%" SCNu64, ret_value) == 1 ? 0 : -EBADMSG;
}

int ebb_hugepool_read(const char *root, uint64_t page_bytes,
		      struct ebb_hugepool *ret_pool)
{
	struct ebb_hugepool pool = { .page_bytes = page_bytes };
	const struct {
		const char *name;
		uint64_t *value;
	} counters[] = {
		{ "free_hugepages", &pool.free_pages },
		{ "resv_hugepages", &pool.reserved_pages },
		{ "surplus_hugepages", &pool.surplus_pages },
		{ "nr_overcommit_hugepages", &pool.overcommit_pages },
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(counters); i++) {
		int r = read_counter(root, page_bytes, counters[i].name,
				     counters[i].value);

		if (r < 0)
			return r;
	}
	*ret_pool = pool;
	return 0;
}

static uint64_t difference(uint64_t from, uint64_t taken)
{
	return from > taken ? from - taken : 0;
}

uint64_t ebb_hugepool_available_bytes(const struct ebb_hugepool *pool)
{
	/* The counters are read one by one, and may not fit each other. */
	return (difference(pool->free_pages, pool->reserved_pages) +
		difference(pool->overcommit_pages, pool->surplus_pages)) *
	       pool->page_bytes;
}

bool ebb_hugepool_is_short(const struct ebb_hugepool *pool, uint64_t owed_bytes,
			   uint32_t cover_percent)
{
	return ebb_hugepool_available_bytes(pool) / 100 <
	       owed_bytes / 10000 * cover_percent;
}

int ebb_hugepool_reserve(int fd, uint64_t offset, uint64_t bytes)
{
	/* Without MAP_NORESERVE: that is all the point. */
	void *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED, fd, (off_t)offset);

	if (memory == MAP_FAILED)
		return -errno;
	munmap(memory, (size_t)bytes);
	return 0;
}
