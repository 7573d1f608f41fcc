/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration, read anew while ebbd runs: by SIGHUP or "ebbctl reload".
 *
 * Reading files may block, so a worker does it. Then, on the event loop's thread, what
 * may change takes the place of what held. With a mistake in any of the files nothing
 * changes, and who asked is told of it. What needs a restart stays, and is named.
 */
#ifndef EBB_HOST_RELOAD_H
#define EBB_HOST_RELOAD_H

#include "host/base/worker.h"
#include "host/config.h"
#include "host/control/call.h"

struct ebb_past;
struct ebb_reload;

/**
 * struct ebb_reload_options - all outlive it
 * @path, @presence: for ebb_config_load()
 * @config: what holds; written on the event loop's thread alone
 * @past: is told that it is another, and who asked; or NULL
 * @override: puts what the command line says over what was read; or NULL
 * @begun, @changed, @ended: it begins; @config is another now; it is over, refused or
 *	not. Each may be NULL. @begun and @ended are for who waits for a daemon that
 *	serves: before ebb_reload_serve() they are not called
 */
struct ebb_reload_options {
	const char *path;
	enum ebb_config_presence presence;
	struct ebb_config *config;
	struct ebb_workers *workers;
	struct ebb_past *past;
	void (*override)(struct ebb_config *fresh, void *opaque);
	void (*begun)(void *opaque);
	void (*changed)(void *opaque);
	void (*ended)(void *opaque);
	void *opaque;
};

/* The command "daemon-reload"; @opaque is the struct ebb_reload. */
extern const struct ebb_control_handler ebb_reload_handlers[];

/* Returns NULL without memory. */
struct ebb_reload *ebb_reload_new(const struct ebb_reload_options *options);

/*
 * ebbd serves from now on. A reading that runs, which began before, is not told to
 * @ended either.
 */
void ebb_reload_serve(struct ebb_reload *reload);

/* Reads anew, after a reading that runs. What comes of it is in the log. */
void ebb_reload_begin(struct ebb_reload *reload);

/* No job runs. NULL is fine. */
void ebb_reload_free(struct ebb_reload *reload);

#endif /* EBB_HOST_RELOAD_H */
