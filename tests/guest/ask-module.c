/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ask-module state|ring|threshold|segments: prints what /dev/ebb tells: the number
 * of its enum ebb_session_state, which says why the last session ended also when its
 * host was not there to see it; where its ring is; the name of its threshold's state
 * and how many bytes are pursued; or for each segment its begin, bytes, node and
 * canaries.
 *
 * ask-module target NODE MIB MS [refaults]: a free target for a node, or for "all";
 * as an agent that sees cgroups sets it.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "protocol/uapi.h"

static int device;

static struct ebb_info ask_info(void)
{
	struct ebb_info info;

	if (ioctl(device, EBB_IOC_GET_INFO, &info) < 0)
		err(1, "info");
	return info;
}

static void print_state(void)
{
	printf("%u\n", ask_info().session_state);
}

static void print_ring(void)
{
	printf("%#llx\n", (unsigned long long)ask_info().ring_gpa);
}

static void print_threshold(void)
{
	struct ebb_threshold told;

	if (ioctl(device, EBB_IOC_TARGET_GET, &told) < 0)
		err(1, "target");
	printf("%s %llu\n", ebb_threshold_state_name(told.state),
	       (unsigned long long)told.target_bytes);
}

static void print_segments(void)
{
	static struct ebb_segments told;

	if (ioctl(device, EBB_IOC_GET_SEGMENTS, &told) < 0)
		err(1, "segments");
	for (unsigned int i = 0; i < told.count; i++)
		printf("%#llx %llu %u %u\n",
		       (unsigned long long)told.segments[i].gpa,
		       (unsigned long long)told.segments[i].bytes,
		       told.segments[i].node, told.segments[i].canary_count);
}

static void set_target(char **words)
{
	struct ebb_target target = {
		.bytes = strtoull(words[1], NULL, 0) << 20,
		.node = strcmp(words[0], "all") == 0
				? EBB_NODE_ALL
				: (unsigned int)strtoul(words[0], NULL, 0),
		.timeout_ms = (unsigned int)strtoul(words[2], NULL, 0),
		.flags = words[3] ? EBB_TARGET_REFAULTS : 0,
	};

	if (ioctl(device, EBB_IOC_TARGET_SET, &target) < 0)
		err(1, "target");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *what;
		void (*print)(void);
	} questions[] = {
		{ "state", print_state },
		{ "ring", print_ring },
		{ "threshold", print_threshold },
		{ "segments", print_segments },
	};

	device = open(EBB_DEVICE_PATH, O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(1, EBB_DEVICE_PATH);
	if ((argc == 5 || (argc == 6 && strcmp(argv[5], "refaults") == 0)) &&
	    strcmp(argv[1], "target") == 0) {
		set_target(argv + 2);
		return 0;
	}
	for (size_t i = 0; i < sizeof(questions) / sizeof(*questions); i++) {
		if (argc == 2 && strcmp(argv[1], questions[i].what) == 0) {
			questions[i].print();
			return 0;
		}
	}
	errx(1,
	     "usage: ask-module state|ring|threshold|segments|target NODE MIB MS [refaults]");
}
