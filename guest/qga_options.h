/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How this system starts its qemu-ga.
 *
 * Theory of operation
 * ===================
 *
 * Distributions and administrators say in several places which commands qemu-ga
 * refuses and which hook a freeze runs. A qemu-ga behind ebb-agent obeys them
 * all, as it would without Ebb:
 *
 *   qemu-ga.conf    is read by qemu-ga itself
 *   the unit        qemu-guest-agent.service, of /etc or of the package: what
 *                   ExecStart says, with the variables of Environment= and of
 *                   EnvironmentFile= (RHEL: /etc/sysconfig/qemu-ga) put in, and
 *                   the same of its drop-ins. A unit that is masked is a link to
 *                   /dev/null, and the package's is taken.
 *   no unit         /etc/sysconfig/qemu-ga (FILTER_RPC_ARGS, BLOCK_RPCS,
 *                   BLACKLIST_RPC, FSFREEZE_HOOK_PATHNAME), and
 *                   /etc/default/qemu-guest-agent (DAEMON_ARGS)
 *
 * Method, path and daemon mode are the relay's. What cannot be understood is an
 * error: qemu-ga does not start then, rather than with less refused.
 */
#ifndef EBB_GUEST_QGA_OPTIONS_H
#define EBB_GUEST_QGA_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EBB_QGA_OPTIONS_MAX = 64,
};

/* Strings of @text; @count of them, then NULL. */
struct ebb_qga_options {
	char text[16 * 1024];
	size_t used;
	char *words[EBB_QGA_OPTIONS_MAX + 1];
	size_t count;
};

/**
 * ebb_qga_options_read - the options that this system gives to qemu-ga
 * @root: as in sysfile.h
 * @ret_path: which file could not be understood, at least 256 bytes; "" else
 *
 * Returns 0, or -EINVAL (an open quote, a specifier that is not known) or
 * -E2BIG with @ret_path.
 */
int ebb_qga_options_read(const char *root, struct ebb_qga_options *options,
			 char *ret_path);

/* Whether the service was masked, so that nothing else will start qemu-ga. */
bool ebb_qga_is_masked(const char *root);

#endif /* EBB_GUEST_QGA_OPTIONS_H */
