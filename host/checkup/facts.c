/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/checkup/facts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host/budget/text.h"

#define KSM "/sys/kernel/mm/ksm/"
#define THP "/sys/kernel/mm/transparent_hugepage/"
#define VIRTIO "/sys/bus/virtio/devices/"

/* The numbers of the kernel's virtio devices that are looked at. */
#define VIRTIO_DEVICES_MAX 256

/* No process has this number: the kernel says whether it knows the call. */
static int try_page_out(void)
{
	if (syscall(SYS_process_madvise, -1, NULL, 0, MADV_PAGEOUT, 0) < 0 &&
	    errno == ENOSYS)
		return -ENOSYS;
	return 0;
}

static void read_capabilities(const char *root, struct ebb_host_facts *facts)
{
	char text[EBB_TEXT_BYTES];
	const char *line;

	if (ebb_text_read(text, sizeof(text), "%s/proc/self/status", root) < 0)
		return;
	line = strstr(text, "\nCapEff:");
	facts->capabilities_known = line && sscanf(line, "\nCapEff: %" SCNx64,
						   &facts->capabilities) == 1;
}

static enum ebb_cgroup_version find_cgroup_version(const char *root)
{
	char text[EBB_TEXT_BYTES];

	if (ebb_text_read(text, sizeof(text),
			  "%s/sys/fs/cgroup/cgroup.controllers", root) >= 0)
		return EBB_CGROUP_V2;
	if (ebb_text_read(text, sizeof(text),
			  "%s/sys/fs/cgroup/memory/memory.limit_in_bytes",
			  root) >= 0)
		return EBB_CGROUP_V1;
	return EBB_CGROUP_UNKNOWN;
}

static void read_ksm(const char *root, struct ebb_host_facts *facts)
{
	uint64_t run, pages;
	int r = ebb_text_read_number(&run, "%s" KSM "run", root);

	if (r == 0)
		r = ebb_text_read_number(&pages, "%s" KSM "pages_sharing",
					 root);
	facts->ksm_error = r;
	if (r < 0)
		return;
	facts->ksm_runs = run == 1;
	facts->ksm_saved_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of a file like "always [madvise] never". */
static void read_choice(const char *root, const char *path, char word[16])
{
	const char *start;
	char text[128];

	if (ebb_text_read(text, sizeof(text), "%s%s", root, path) < 0)
		return;
	start = strchr(text, '[');
	if (start && sscanf(start, "[%15[a-z_]", word) != 1)
		word[0] = '\0';
}

static void read_overcommit(const char *root, struct ebb_host_facts *facts)
{
	char text[EBB_TEXT_BYTES];

	if (ebb_text_read_number(&facts->overcommit,
				 "%s/proc/sys/vm/overcommit_memory",
				 root) < 0 ||
	    ebb_text_read(text, sizeof(text), "%s/proc/meminfo", root) < 0)
		return;
	facts->overcommit_known =
		ebb_text_field(text,
			       "CommitLimit:", &facts->commit_limit_bytes) ==
			0 &&
		ebb_text_field(text,
			       "Committed_AS:", &facts->committed_bytes) == 0;
}

/*
 * The balloon is device 5 and free page reporting its feature 5 (virtio 1.2, section
 * 5.5). "features" has a digit for each feature that driver and device agreed on.
 */
static bool find_page_reporting(const char *root)
{
	char id[16], features[128];

	for (unsigned int i = 0; i < VIRTIO_DEVICES_MAX; i++) {
		if (ebb_text_read(id, sizeof(id), "%s" VIRTIO "virtio%u/device",
				  root, i) < 0 ||
		    strcmp(id, "0x0005\n") != 0)
			continue;
		if (ebb_text_read(features, sizeof(features),
				  "%s" VIRTIO "virtio%u/features", root,
				  i) > 5 &&
		    features[5] == '1')
			return true;
	}
	return false;
}

void ebb_host_facts_read(const char *root, struct ebb_host_facts *ret_facts)
{
	struct utsname name;

	*ret_facts = (struct ebb_host_facts){
		.page_out_error = try_page_out(),
		.cgroup_version = find_cgroup_version(root),
	};
	if (uname(&name) == 0)
		snprintf(ret_facts->kernel, sizeof(ret_facts->kernel), "%.63s",
			 name.release);
	read_capabilities(root, ret_facts);
	/* It says itself that it is not known. */
	(void)ebb_swap_read(root, &ret_facts->swap);
	read_ksm(root, ret_facts);
	read_choice(root, THP "enabled", ret_facts->thp);
	read_choice(root, THP "shmem_enabled", ret_facts->shmem_thp);
	read_overcommit(root, ret_facts);
	ret_facts->reports_free_pages = find_page_reporting(root);
}
