/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/thp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "common/cleanup.h"
#include "common/size.h"

#define HUGE_BYTES (2 * EBB_MIB)
#define SYSFS "/sys/kernel/mm/transparent_hugepage/"

/* A word of the kernel for who gets huge pages; empty if it says none. */
struct choice {
	char word[16];
};

static bool chose(const struct choice *choice, const char *word)
{
	return strcmp(choice->word, word) == 0;
}

/* Of a file like "always [advise] never". */
static struct choice read_choice(const char *root, const char *path)
{
	FILE *file ebb_auto_fclose = NULL;
	struct choice choice = { "" };
	char whole[256], text[128];
	const char *start;

	if (snprintf(whole, sizeof(whole), "%s%s", root, path) >=
	    (int)sizeof(whole))
		return choice;
	file = fopen(whole, "re");
	if (file && fgets(text, sizeof(text), file)) {
		start = strchr(text, '[');
		if (start)
			sscanf(start, "[%15[^]]", choice.word);
	}
	return choice;
}

/* Whether a line of mountinfo is of the device; then also its huge=. */
static bool parse_mount(const char *line, dev_t dev, struct choice *ret_choice)
{
	unsigned int major_id, minor_id;
	const char *options, *huge;

	if (sscanf(line, "%*d %*d %u:%u", &major_id, &minor_id) != 2 ||
	    major_id != major(dev) || minor_id != minor(dev))
		return false;
	*ret_choice = (struct choice){ "never" };
	options = strstr(line, " - ");
	huge = options ? strstr(options, "huge=") : NULL;
	if (huge)
		sscanf(huge, "huge=%15[a-z_]", ret_choice->word);
	return true;
}

/* False for a memfd, of which the file system is nowhere mounted. */
static bool find_mount(const char *root, pid_t pid, dev_t dev,
		       struct choice *ret_choice)
{
	FILE *file ebb_auto_fclose = NULL;
	char *line ebb_auto_free = NULL;
	size_t line_bytes = 0;
	bool found = false;
	char path[256];

	if (snprintf(path, sizeof(path), "%s/proc/%d/mountinfo", root,
		     (int)pid) >= (int)sizeof(path))
		return false;
	file = fopen(path, "re");
	while (file && !found && getline(&line, &line_bytes, file) > 0)
		found = parse_mount(line, dev, ret_choice);
	return found;
}

bool ebb_thp_fits(uint64_t address, uint64_t offset)
{
	return (address - offset) % HUGE_BYTES == 0;
}

bool ebb_thp_enabled(const char *root, pid_t pid, const struct stat *st)
{
	struct choice host = read_choice(root, SYSFS "shmem_enabled");
	struct choice choice = host, of_size;

	if (chose(&host, "deny") || chose(&host, "force"))
		return chose(&host, "force");
	find_mount(root, pid, st->st_dev, &choice);
	/* Files without a name have a setting for each size (since 6.11). */
	of_size = read_choice(root, SYSFS "hugepages-2048kB/shmem_enabled");
	if (st->st_nlink == 0 && of_size.word[0] && !chose(&of_size, "inherit"))
		choice = of_size;
	return choice.word[0] && !chose(&choice, "never");
}
