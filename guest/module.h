/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why ebb.ko is not loaded. It is not there, or not for this kernel, or this kernel
 * does not take it, or nobody loaded it: each has a remedy of its own.
 */
#ifndef EBB_GUEST_MODULE_H
#define EBB_GUEST_MODULE_H

#include <stddef.h>

enum ebb_module_state {
	/* Neither it nor its source: a package is to be installed. */
	EBB_MODULE_NOT_INSTALLED,
	/* Its source, and no headers of this kernel: the build waits for these. */
	EBB_MODULE_NO_HEADERS,
	/* Its source and the headers: DKMS did not try to build it yet. */
	EBB_MODULE_NOT_BUILT,
	/* The log of a build changed lately: DKMS builds it, or failed just now. */
	EBB_MODULE_BEING_BUILT,
	/* The build failed, and DKMS has the log. */
	EBB_MODULE_BUILD_FAILED,
	/* Built, without a signature, which this kernel demands. */
	EBB_MODULE_UNSIGNED,
	/* Built, and signed or compressed; its key may have to be enrolled. */
	EBB_MODULE_KEY_NEEDED,
	/* Built: modprobe loads it. */
	EBB_MODULE_LOADABLE,
};

/**
 * ebb_module_state - what stands between the guest and ebb.ko, if it is not loaded
 * @root: as in sysfile.h
 * @release: of the kernel, as uname -r prints it
 *
 * Looks where DKMS, make modules_install and packages put it, compressed or not. A
 * kernel demands signatures under lockdown, which Secure Boot brings about, or
 * with module.sig_enforce.
 */
enum ebb_module_state ebb_module_state(const char *root, const char *release);

/* The same in words, with what to do before modprobe, cut to @text_bytes. */
void ebb_module_explain(const char *root, const char *release, char *ret_text,
			size_t text_bytes);

#endif /* EBB_GUEST_MODULE_H */
