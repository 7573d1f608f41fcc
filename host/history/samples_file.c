/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/history/samples_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

static const char magic[8] = "ebbpast";

struct head {
	struct ebb_store_head common;
	uint32_t kind;
	char name[EBB_NAME_BYTES_MAX];
	char uuid[40];
};

_Static_assert(sizeof(struct head) <= EBB_STORE_HEAD_BYTES,
	       "it fits into its block");

#define DOMAIN_PREFIX "domain-"
#define BUDGET_PREFIX "budget-"

void ebb_samples_name(const struct ebb_subject_key *key, char *ret_name)
{
	if (key->kind == EBB_HISTORY_DOMAIN)
		snprintf(ret_name, EBB_SAMPLES_NAME_BYTES,
			 DOMAIN_PREFIX "%.36s", key->uuid);
	else
		snprintf(ret_name, EBB_SAMPLES_NAME_BYTES,
			 BUDGET_PREFIX "%016" PRIx64,
			 ebb_store_hash(key->name));
}

bool ebb_samples_is_name(const char *name)
{
	return strncmp(name, DOMAIN_PREFIX, strlen(DOMAIN_PREFIX)) == 0 ||
	       strncmp(name, BUDGET_PREFIX, strlen(BUDGET_PREFIX)) == 0;
}

static uint32_t check_head(const struct head *head)
{
	char block[EBB_STORE_HEAD_BYTES] = "";
	struct head copy = *head;

	copy.common.check = 0;
	memcpy(block, &copy, sizeof(copy));
	return ebb_store_check(block, sizeof(block));
}

static void make_head(const struct ebb_subject_key *key, struct head *ret_head)
{
	memset(ret_head, 0, sizeof(*ret_head));
	memcpy(ret_head->common.magic, magic, sizeof(magic));
	ret_head->common.version = EBB_SAMPLES_FORMAT;
	ret_head->common.record_bytes = sizeof(struct ebb_fine);
	ret_head->kind = key->kind;
	snprintf(ret_head->name, sizeof(ret_head->name), "%s", key->name);
	snprintf(ret_head->uuid, sizeof(ret_head->uuid), "%s", key->uuid);
	ret_head->common.check = check_head(ret_head);
}

/* Returns 0, -ENODATA (nothing is written yet), -EBADMSG or -errno. */
static int read_head(int fd, struct head *ret_head)
{
	int r = ebb_store_look_at(fd);

	if (r < 0)
		return r;
	r = ebb_store_read(fd, ret_head, sizeof(*ret_head), 0);
	if (r < 0)
		return r;
	if (memcmp(ret_head->common.magic, magic, sizeof(magic)) != 0 ||
	    ret_head->common.version != EBB_SAMPLES_FORMAT ||
	    ret_head->common.record_bytes != sizeof(struct ebb_fine) ||
	    ret_head->common.check != check_head(ret_head) ||
	    ret_head->kind > EBB_HISTORY_BUDGET ||
	    ret_head->name[sizeof(ret_head->name) - 1] != '\0' ||
	    ret_head->uuid[sizeof(ret_head->uuid) - 1] != '\0')
		return -EBADMSG;
	return 0;
}

static bool is_of(const struct head *head, const struct ebb_subject_key *key)
{
	return head->kind == key->kind &&
	       (key->kind == EBB_HISTORY_DOMAIN
			? strcmp(head->uuid, key->uuid) == 0
			: strcmp(head->name, key->name) == 0);
}

int ebb_samples_identify(const struct ebb_store *store, const char *name,
			 struct ebb_subject_key *ret_key)
{
	char own_name[EBB_SAMPLES_NAME_BYTES];
	ebb_auto_close int fd = -1;
	struct head head;
	int r;

	fd = ebb_store_open_file(store, name, O_RDONLY);
	if (fd < 0)
		return fd;
	r = read_head(fd, &head);
	if (r < 0)
		return r;
	*ret_key = (struct ebb_subject_key){
		.kind = (enum ebb_history_kind)head.kind
	};
	memcpy(ret_key->name, head.name, sizeof(ret_key->name));
	memcpy(ret_key->uuid, head.uuid, sizeof(ret_key->uuid));
	ebb_samples_name(ret_key, own_name);
	return strcmp(own_name, name) == 0 ? 0 : -EBADMSG;
}

/* As it is to be, with the name that the domain has now. Returns 0 or -errno. */
static int ready_head(int fd, const struct ebb_subject_key *key)
{
	struct head now, head;
	int r = read_head(fd, &head);

	make_head(key, &now);
	if (r == -ENODATA)
		return ebb_store_write(fd, &now, sizeof(now), 0);
	if (r == 0 && !is_of(&head, key))
		r = -EBADMSG;
	if (r < 0 || strcmp(head.name, key->name) == 0)
		return r;
	return ebb_store_write(fd, &now, sizeof(now), 0);
}

int ebb_samples_open_ready(const struct ebb_store *store,
			   const struct ebb_subject_key *key,
			   bool *ret_set_aside)
{
	char name[EBB_SAMPLES_NAME_BYTES];
	int r = 0;

	ebb_samples_name(key, name);
	for (int attempt = 0; attempt < 2; attempt++) {
		int fd = ebb_store_open_file(store, name, O_RDWR | O_CREAT);

		r = fd < 0 ? fd : ready_head(fd, key);
		if (r == 0)
			return fd;
		ebb_close_fd(&fd);
		if (r != -EBADMSG || ebb_store_set_aside(store, name) < 0)
			return r;
		*ret_set_aside = true;
	}
	return r;
}

int ebb_samples_open_to_read(const struct ebb_store *store,
			     const struct ebb_subject_key *key, int *ret_fd)
{
	char name[EBB_SAMPLES_NAME_BYTES];
	struct head head;
	int fd, r;

	*ret_fd = -1;
	if (store->dir_fd < 0)
		return 0;
	ebb_samples_name(key, name);
	fd = ebb_store_open_file(store, name, O_RDONLY);
	if (fd < 0)
		return fd == -ENOENT || fd == -EBADMSG ? 0 : fd;
	r = read_head(fd, &head);
	if (r == 0 && is_of(&head, key))
		*ret_fd = fd;
	else
		close(fd);
	return r == -EBADMSG || r == -ENODATA ? 0 : r;
}
