/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/guest/kept.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "guest/command.h"
#include "tests/unit/fake-root.h"

struct fake_module fake_module;
struct kept kept;

static int module_set(const struct ebb_target *target)
{
	if (fake_module.r < 0)
		return fake_module.r;
	if (target->flags & ~fake_module.flags_known)
		return -EINVAL;
	fake_module.set_count++;
	fake_module.limited_refaults = target->limited_refaults;
	fake_module.flags = target->flags;
	fake_module.timeout_ms = target->timeout_ms;
	assert_true(target->timeout_ms >= 1 &&
		    target->timeout_ms <= EBB_TARGET_LEASE_MS);
	if (target->node == EBB_NODE_ALL) {
		memset(fake_module.node_bytes, 0,
		       sizeof(fake_module.node_bytes));
		fake_module.all_bytes = target->bytes;
	} else if (target->node < 2) {
		fake_module.all_bytes = 0;
		fake_module.node_bytes[target->node] = target->bytes;
	} else {
		return -EINVAL;
	}
	fake_module.threshold.target_bytes = fake_module.all_bytes +
					     fake_module.node_bytes[0] +
					     fake_module.node_bytes[1];
	fake_module.threshold.state = fake_module.threshold.target_bytes
					      ? EBB_THRESHOLD_DRIVING
					      : EBB_THRESHOLD_IDLE;
	return 0;
}

static int module_get(struct ebb_threshold *ret_threshold)
{
	if (fake_module.r < 0)
		return fake_module.r;
	*ret_threshold = fake_module.threshold;
	return 0;
}

static void on_changed(const struct ebb_msg_target_state *state, void *opaque)
{
	(void)opaque;
	kept.changed_count++;
	kept.changed = *state;
}

void kept_set_memory(uint64_t free_mib, uint64_t huge_blocks)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "MemTotal: %llu kB\nMemFree: %llu kB\n"
		 "Active(file): 204800 kB\nInactive(file): 409600 kB\n",
		 2048 * 1024ull, (unsigned long long)free_mib * 1024);
	fake_root_write("/proc/meminfo", text);
	snprintf(text, sizeof(text),
		 "Node 0, zone Normal 0 0 0 0 0 0 0 0 0 %llu 0\n",
		 (unsigned long long)huge_blocks);
	fake_root_write("/proc/buddyinfo", text);
}

void kept_set_stalls(int allocstall, int oom_kill)
{
	char text[128];

	snprintf(text, sizeof(text),
		 "allocstall_normal %d\nworkingset_refault_file 0\n"
		 "oom_kill %d\n",
		 allocstall, oom_kill);
	fake_root_write("/proc/vmstat", text);
}

void kept_make(void)
{
	static const struct ebb_target_device device = { .set = module_set,
							 .get = module_get };

	assert_int_equal(ebb_target_new(kept.event, fake_root, kept.state_dir,
					&device, on_changed, NULL,
					&kept.keeper),
			 0);
}

int kept_set_up(void **state)
{
	sigset_t signals;

	if (fake_root_make(state) < 0)
		return -1;
	memset(&fake_module, 0, sizeof(fake_module));
	fake_module.flags_known = ~0u;
	memset(&kept, 0, sizeof(kept));
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	snprintf(kept.state_dir, sizeof(kept.state_dir), "%s/ebb-agent",
		 fake_root);
	kept_set_memory(100, 0);
	kept_set_stalls(0, 0);
	if (sd_event_new(&kept.event) < 0)
		return -1;
	kept_make();
	return 0;
}

int kept_tear_down(void **state)
{
	ebb_target_free(kept.keeper);
	sd_event_unref(kept.event);
	return fake_root_remove(state);
}

void kept_add_knobs(void)
{
	fake_module.r = -ENOENT;
	fake_root_write(SCALE, "10\n");
	fake_root_write(PROACTIVE, "20\n");
	fake_root_write(COMPACT, "0\n");
}

struct ebb_msg_target_state kept_ask_for(struct ebb_msg_target target)
{
	struct ebb_msg_target_state state;

	if (target.timeout_ms == 0)
		target.timeout_ms = EBB_TARGET_LEASE_MS;
	assert_int_equal(ebb_target_ask(kept.keeper, &target, &state), 0);
	return state;
}

struct ebb_msg_target_state kept_ask(uint64_t mib)
{
	return kept_ask_for((struct ebb_msg_target){ .bytes = mib * MIB });
}

static bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* A busy machine may let a child wait for seconds. */
void kept_turn(void)
{
	int seconds = 90;

	while (sd_event_run(kept.event, 1000 * 1000) > 0 ||
	       (has_children() && seconds-- > 0))
		;
}

struct ebb_msg kept_run(const char *command, const char *arguments)
{
	const struct ebb_command_context context = { .proc_dir = fake_root,
						     .target = kept.keeper };
	struct ebb_msg request, answer;
	char line[512], *text;

	snprintf(line, sizeof(line), "{\"execute\":\"%s\"%s}", command,
		 arguments);
	assert_int_equal(ebb_msg_parse(line, strlen(line), &request, NULL), 0);
	assert_true(ebb_command_is_known(request.name));
	text = ebb_command_run(&request, &context);
	ebb_msg_clear(&request);
	assert_non_null(text);
	assert_int_equal(ebb_msg_parse(text, strlen(text) - 1, &answer, NULL),
			 0);
	free(text);
	return answer;
}
