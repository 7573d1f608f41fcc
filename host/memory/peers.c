/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/peers.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/memory/arguments.h"
#include "host/memory/cmdline.h"
#include "host/memory/use.h"

enum {
	NAME_BYTES = 512,
};

/*
 * Of one process, four times what vm.max_map_count lets it map by default; of
 * all, more than a host with 10,000 processes has. They take seconds.
 */
static const struct ebb_peers_limits default_limits = { 256 * 1024,
							4 * 1024 * 1024 };

/* Programs that map guest memory and never pin it. */
static const char *const mapping_only[] = { "virtiofsd", "passt",
					    "passt.avx2" };

struct peers {
	const struct ebb_guest_process *process;
	const struct ebb_peers_limits *limits;
	struct ebb_reason_list *reasons;
	unsigned int known; /* of those that have it mapped */
	unsigned int unknown;
	uint64_t entries; /* that were read */
	uint64_t most_entries; /* of one process */
	pid_t most;
};

static int read_arguments(pid_t pid, struct ebb_arguments *ret_arguments,
			  struct ebb_reason_list *reasons)
{
	char *text ebb_auto_free = NULL;
	size_t bytes;
	int r = ebb_cmdline_read(pid, &text, &bytes);

	if (r == -E2BIG) {
		*ret_arguments = (struct ebb_arguments){ 0 };
		ebb_reason_add(reasons, EBB_REASON_ARGUMENTS_UNKNOWN,
			       "they are too long");
		return 0;
	}
	if (r == 0)
		ebb_arguments_parse(text, bytes, ret_arguments, reasons);
	return r;
}

/* Whoever named it may have put anything there. */
static void make_printable(char *name)
{
	for (; *name; name++)
		if (!isprint((unsigned char)*name))
			*name = '?';
}

/* As the process calls itself, for people; "?" if it has ended. */
static const char *read_name(pid_t pid, char name[NAME_BYTES])
{
	FILE *file ebb_auto_fclose = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file || !fgets(name, NAME_BYTES, file))
		return "?";
	name[strcspn(name, "\n")] = '\0';
	make_printable(name);
	return name;
}

/* Of its program, also of one that was replaced since; or "?". */
static const char *read_program(pid_t pid, char name[NAME_BYTES])
{
	static const char deleted[] = " (deleted)";
	const size_t deleted_length = sizeof(deleted) - 1;
	char path[64];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	length = readlink(path, name, NAME_BYTES - 1);
	if (length < 0)
		return "?";
	name[length] = '\0';
	if ((size_t)length > deleted_length &&
	    strcmp(name + (size_t)length - deleted_length, deleted) == 0)
		name[(size_t)length - deleted_length] = '\0';
	make_printable(name);
	return strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
}

static bool maps_only(const char *program)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(mapping_only); i++)
		if (strcmp(program, mapping_only[i]) == 0)
			return true;
	return false;
}

static void not_known(struct peers *peers, pid_t pid, int error)
{
	char name[NAME_BYTES];

	if (error == -E2BIG)
		ebb_reason_add(peers->reasons, EBB_REASON_PEERS_UNKNOWN,
			       "process %d, %.40s, has more than %" PRIu64
			       " mappings "
			       "and open files",
			       (int)pid, read_name(pid, name),
			       peers->limits->process_entries);
	else
		ebb_reason_add(peers->reasons, EBB_REASON_PEERS_UNKNOWN,
			       "process %d, %.40s, cannot be looked at: %s",
			       (int)pid, read_name(pid, name),
			       strerror(-error));
}

/* Returns whether to go on to the next one. */
static bool examine_peer(struct peers *peers, pid_t pid)
{
	char name[NAME_BYTES];
	const char *program;
	struct ebb_use use;
	int r = ebb_use_examine(pid, peers->process,
				peers->limits->process_entries, &use);

	peers->entries += use.entries + 1;
	if (use.entries > peers->most_entries) {
		peers->most_entries = use.entries;
		peers->most = pid;
	}
	if (!use.used && (r == 0 || r == -ESRCH))
		return true;
	if (r < 0) {
		not_known(peers, pid, r);
		return false;
	}
	program = read_program(use.task, name);
	if (maps_only(program))
		peers->known++;
	else
		peers->unknown++;
	if (use.pins)
		ebb_reason_add(peers->reasons, EBB_REASON_VHOST_USER,
			       "process %d, %.40s, pins it", (int)pid, program);
	return true;
}

static int examine_all(struct peers *peers)
{
	DIR *dir ebb_auto_closedir = opendir("/proc");
	char name[NAME_BYTES];
	struct dirent *entry;

	if (!dir)
		return -errno;
	errno = 0;
	while ((entry = readdir(dir))) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[0]) &&
		    pid != peers->process->pid && pid != getpid() &&
		    !examine_peer(peers, pid))
			return 0;
		if (peers->entries > peers->limits->entries) {
			ebb_reason_add(peers->reasons, EBB_REASON_PEERS_UNKNOWN,
				       "all processes have more than %" PRIu64
				       " mappings and "
				       "open files; the most, %" PRIu64
				       ", has process %d, %.40s",
				       peers->limits->entries,
				       peers->most_entries, (int)peers->most,
				       read_name(peers->most, name));
			return 0;
		}
		errno = 0;
	}
	return -errno;
}

int ebb_peers_examine(const struct ebb_guest_process *process, bool vhost_user,
		      const struct ebb_peers_limits *limits,
		      struct ebb_reason_list *reasons)
{
	struct peers peers = { .process = process,
			       .limits = limits ? limits : &default_limits,
			       .reasons = reasons };
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
