/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/fake-root.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define TEMPLATE "/tmp/ebb-test-root.XXXXXX"

char fake_root[sizeof(TEMPLATE)];

int fake_root_make(void **state)
{
	(void)state;
	strcpy(fake_root, TEMPLATE);
	return mkdtemp(fake_root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type,
		      struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

int fake_root_remove(void **state)
{
	(void)state;
	return nftw(fake_root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_path(const char *path, char *ret_path, size_t path_bytes)
{
	assert_true((size_t)snprintf(ret_path, path_bytes, "%s%s", fake_root,
				     path) < path_bytes);
}

void fake_root_write(const char *path, const char *text)
{
	char whole[512];
	FILE *file;

	make_path(path, whole, sizeof(whole));
	for (char *at = whole + strlen(fake_root) + 1; (at = strchr(at, '/'));
	     at++) {
		*at = '\0';
		mkdir(whole, 0700);
		*at = '/';
	}
	file = fopen(whole, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

uint64_t fake_root_number(const char *path)
{
	unsigned long long number = 0;
	char whole[512];
	FILE *file;

	make_path(path, whole, sizeof(whole));
	file = fopen(whole, "r");
	assert_non_null(file);
	/* Somebody may be writing it. */
	if (fscanf(file, "%llu", &number) != 1)
		number = 0;
	fclose(file);
	return number;
}

bool fake_root_has(const char *path)
{
	char whole[512];

	make_path(path, whole, sizeof(whole));
	return access(whole, F_OK) == 0;
}

void fake_root_unlink(const char *path)
{
	char whole[512];

	make_path(path, whole, sizeof(whole));
	assert_int_equal(unlink(whole), 0);
}
