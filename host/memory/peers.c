/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/peers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/memory/arguments.h"
#include "host/memory/mappings.h"
#include "host/memory/pinned.h"

/* A command line of QEMU by libvirt: some KiB. */
#define CMDLINE_BYTES_MAX (256 * 1024)

/* Programs that map guest memory and never pin it. */
static const char *const mapping_only[] = { "virtiofsd", "passt",
					    "passt.avx2" };

struct peers {
	const struct ebb_guest_process *process;
	struct ebb_reason_list *reasons;
	unsigned int known; /* of those that have it mapped */
	unsigned int unknown;
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int read_arguments(pid_t pid, struct ebb_arguments *ret_arguments,
			  struct ebb_reason_list *reasons)
{
	char *text ebb_auto_free = malloc(CMDLINE_BYTES_MAX);
	FILE *file ebb_auto_fclose = NULL;
	char path[64];

	if (!text)
		return -ENOMEM;
	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -ESRCH; /* cppcheck-suppress memleak */
	ebb_arguments_parse(text, fread(text, 1, CMDLINE_BYTES_MAX, file),
			    ret_arguments, reasons);
	return 0;
}

static bool has_mapped(pid_t pid, const struct ebb_guest_process *process)
{
	struct ebb_mappings mappings ebb_cleanup(ebb_mappings_free) = { 0 };

	if (ebb_mappings_read(pid, &mappings) < 0)
		return false;
	for (uint32_t m = 0; m < mappings.count; m++)
		for (uint32_t i = 0; i < process->backing_count; i++)
			if (mappings.items[m].ino == process->backings[i].ino &&
			    mappings.items[m].dev == process->backings[i].dev)
				return true;
	return false;
}

static bool maps_only(pid_t pid, const char **ret_name, char exe[512])
{
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	length = readlink(path, exe, 511);
	exe[length > 0 ? length : 0] = '\0';
	*ret_name = strrchr(exe, '/') ? strrchr(exe, '/') + 1 : exe;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(mapping_only); i++)
		if (strcmp(*ret_name, mapping_only[i]) == 0)
			return true;
	return false;
}

static void examine_peer(struct peers *peers, pid_t pid)
{
	char exe[512];
	const char *name;

	if (!has_mapped(pid, peers->process))
		return;
	if (maps_only(pid, &name, exe))
		peers->known++;
	else
		peers->unknown++;
	if (ebb_pinned_by(pid))
		ebb_reason_add(peers->reasons, EBB_REASON_VHOST_USER,
			       "process %d, %s, pins it", (int)pid, name);
}

static int examine_all(struct peers *peers)
{
	DIR *dir ebb_cleanup(close_dir) = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[0]) &&
		    pid != peers->process->pid && pid != getpid())
			examine_peer(peers, pid);
	}
	return 0;
}

int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      struct ebb_reason_list *reasons)
{
	struct peers peers = { .process = process, .reasons = reasons };
	struct ebb_arguments arguments;
	int r = read_arguments(process->pid, &arguments, reasons);

	if (r < 0 || (!vhost_user && !arguments.vhost_user))
		return r;
	r = examine_all(&peers);
	if (r < 0)
		return r;
	if (arguments.device[0] && (peers.unknown > 0 || peers.known == 0))
		ebb_reason_add(reasons, EBB_REASON_VHOST_USER, "%s",
			       arguments.device);
	return 0;
}
