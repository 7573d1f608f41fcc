/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd: puts the parts together and runs the event loop.
 */
#include <config.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/log.h"
#include "host/base/fault.h"
#include "host/base/loop.h"
#include "host/checkup/checkup.h"
#include "host/config.h"
#include "host/control/control.h"
#include "host/domain/fleet.h"
#include "host/base/sandbox.h"
#include "host/history/past.h"
#include "host/memory/sigbus.h"
#include "host/libvirt/virt.h"
#include "host/sharing/sharing.h"
#include "host/options.h"
#include "host/reload.h"
#include "host/base/worker.h"

enum {
	/* The end: jobs that only wait are given so long; all others so long. */
	STOP_MS = 500,
	STOP_MAX_MS = 10 * 1000,
	STOP_TURN_MS = 20,
};

_Static_assert(EBB_WORKERS_MIN == 5 && EBB_WORKERS_MAX == 64,
	       "config.c has these bounds");

enum {
	LARGE_BYTES = 128 << 10, /* as glibc begins with */
};

struct daemon {
	const struct ebb_options *options;
	struct ebb_config config;
	struct ebb_reload *reload;
	struct ebb_workers *workers;
	struct ebb_past *past;
	struct ebb_fleet *fleet;
	struct ebb_sharing *sharing;
	struct ebb_virt *virt;
	struct ebb_control *control;
	struct ebb_checkup *checkup;
	struct ebb_checkup_start start;
	int lock_fd;
	int signal_fd;
	struct ebb_pressure pressure;
	bool no_sandbox;
	bool dry_run;
	bool stopping;
	uint64_t away_told_ns;
};

/* ---- reading it anew ---- */

static void override_fresh(struct ebb_config *fresh, void *opaque)
{
	const struct daemon *daemon = opaque;

	/* It was accepted when ebbd started. */
	ebb_options_override(fresh, daemon->options);
}

static void on_reload_begun(void *opaque)
{
	(void)opaque;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)(ebb_now_ns() / EBB_NS_PER_US));
}

static void on_config_changed(void *opaque)
{
	struct daemon *daemon = opaque;

	ebb_log_set_level(daemon->config.log_level);
	ebb_options_warn(&daemon->config);
	ebb_fleet_config_changed(daemon->fleet);
	ebb_sharing_config_changed(daemon->sharing);
}

static void on_reload_ended(void *opaque)
{
	(void)opaque;
	sd_notify(0, "READY=1");
}

static int prepare_reload(struct daemon *daemon)
{
	struct ebb_reload_options options = {
		.path = ebb_options_config_path(daemon->options),
		.presence = ebb_options_config_presence(daemon->options),
		.config = &daemon->config,
		.workers = daemon->workers,
		.past = daemon->past,
		.override = override_fresh,
		.begun = on_reload_begun,
		.changed = on_config_changed,
		.ended = on_reload_ended,
		.opaque = daemon,
	};

	daemon->reload = ebb_reload_new(&options);
	return daemon->reload ? 0 : -ENOMEM;
}

static int prepare_checkup(struct daemon *daemon)
{
	struct ebb_checkup_options options = {
		.config = &daemon->config,
		.path = ebb_options_config_path(daemon->options),
		.presence = ebb_options_config_presence(daemon->options),
		.start = &daemon->start,
		.workers = daemon->workers,
		.fleet = daemon->fleet,
		.sharing = daemon->sharing,
	};

	daemon->checkup = ebb_checkup_new(&options);
	return daemon->checkup ? 0 : -ENOMEM;
}

static int tell_state_error(const char *path, int error)
{
	ebb_log(EBB_LOG_ERR,
		"%s: %s. Run ebbd as root, and see state-dir in ebbd.conf",
		path, strerror(error));
	return -error;
}

/* One ebbd for a state directory, and so for a host. */
static int lock_state_dir(struct daemon *daemon)
{
	const char *dir = daemon->config.state_dir;
	char path[sizeof(daemon->config.state_dir) + 16];
	int fd;

	if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
		return tell_state_error(dir, errno);
	}
	snprintf(path, sizeof(path), "%s/ebbd.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		return tell_state_error(path, errno);
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		ebb_log(EBB_LOG_ERR,
			"another ebbd runs already (it holds %s); stop it "
			"first: systemctl stop ebbd",
			path);
		close(fd);
		return -EBUSY;
	}
	daemon->lock_fd = fd;
	return 0;
}

/* -1: none, or there is none of that name. */
static gid_t find_group(const char *name)
{
	struct group *group = *name ? getgrnam(name) : NULL;

	return group ? group->gr_gid : (gid_t)-1;
}

static struct ebb_access_groups find_groups(const struct ebb_config *config,
					    struct ebb_checkup_start *start)
{
	struct ebb_access_groups groups = {
		.act = find_group(config->group),
		.read = find_group(config->read_group),
	};

	start->group_missing = groups.act == (gid_t)-1;
	start->read_group_missing = groups.read == (gid_t)-1;
	if (*config->group && groups.act == (gid_t)-1)
		ebb_log(EBB_LOG_WARNING,
			"no group '%s' (group in ebbd.conf); only root can "
			"act by ebbctl",
			config->group);
	/* Whoever has no use for the default needs no group. */
	if (*config->read_group && groups.read == (gid_t)-1 &&
	    strcmp(config->read_group, EBB_READ_GROUP) != 0)
		ebb_log(EBB_LOG_WARNING,
			"no group '%s' (read-group in ebbd.conf); nobody may "
			"look who may not act",
			config->read_group);
	return groups;
}

static void tell_read_error(struct daemon *daemon)
{
	int r = ebb_control_read_error(daemon->control);

	daemon->start.read_error = r;
	if (r < 0)
		ebb_log(EBB_LOG_WARNING,
			"members of group '%s' (read-group in ebbd.conf) "
			"cannot connect to %s: no access control list can be "
			"set there: %s. Give a socket on another file system, "
			"as /run is",
			daemon->config.read_group, daemon->config.socket,
			strerror(-r));
}

static void on_signal(int watch, int fd, int events, void *opaque)
{
	struct daemon *daemon = opaque;
	struct signalfd_siginfo info;

	(void)watch;
	(void)events;
	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGHUP)
		daemon->stopping = true;
	else if (daemon->reload)
		ebb_reload_begin(daemon->reload);
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	daemon->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signal_fd < 0 ||
	    ebb_loop_watch(daemon->signal_fd, EBB_LOOP_READABLE, on_signal,
			   daemon) < 0) {
		ebb_log(EBB_LOG_ERR, "cannot watch for signals: %s",
			strerror(errno));
		return -EIO;
	}
	return 0;
}

static int tell_connect_error(const struct daemon *daemon, int r,
			      const char *text)
{
	ebb_log(EBB_LOG_ERR,
		"cannot connect to %s: %s. Start libvirtd (systemctl start "
		"libvirtd, or virtqemud), or set uri in ebbd.conf",
		daemon->config.uri, text);
	return r;
}

/* Waits for the first connection, or for a signal to stop. */
static int connect_libvirt(struct daemon *daemon)
{
	char error[EBB_VIRT_ERROR_BYTES] = "";
	int r = ebb_virt_new(daemon->config.uri, daemon->workers,
			     &ebb_fleet_virt_ops, daemon->fleet, &daemon->virt);

	if (r < 0)
		return tell_connect_error(daemon, r,
					  r == -EINVAL ? "not of this machine"
						       : strerror(-r));
	ebb_fleet_set_virt(daemon->fleet, daemon->virt);
	while (r == 0 && !daemon->stopping &&
	       ebb_virt_first(daemon->virt, error) == -EAGAIN)
		r = ebb_loop_turn();
	if (r < 0 || daemon->stopping)
		return r;
	r = ebb_virt_first(daemon->virt, error);
	return r < 0 ? tell_connect_error(daemon, r, error) : 0;
}

static int listen_control(struct daemon *daemon)
{
	struct ebb_access_groups groups =
		find_groups(&daemon->config, &daemon->start);
	int r = ebb_control_new(daemon->config.socket, &groups,
				ebb_fleet_handlers, daemon->fleet,
				&daemon->control);

	if (r == 0)
		ebb_control_serve(daemon->control, ebb_sharing_handlers,
				  daemon->sharing);
	else if (r == -EADDRINUSE)
		ebb_log(EBB_LOG_ERR,
			"another ebbd answers on %s; stop it, or give "
			"--socket",
			daemon->config.socket);
	else if (r < 0)
		ebb_log(EBB_LOG_ERR, "cannot listen on %s: %s",
			daemon->config.socket, strerror(-r));
	if (r == 0) {
		ebb_control_serve(daemon->control, ebb_reload_handlers,
				  daemon->reload);
		ebb_control_serve(daemon->control, ebb_past_handlers,
				  daemon->past);
		ebb_control_serve(daemon->control, ebb_checkup_handlers,
				  daemon->checkup);
		tell_read_error(daemon);
	}
	return r;
}

/* Less protection is no reason to leave guests without their host's care. */
static void confine(struct daemon *daemon, int (*stage)(void), const char *what)
{
	int r = daemon->no_sandbox ? 0 : stage();

	daemon->start.no_sandbox = daemon->no_sandbox;
	if (r < 0)
		daemon->start.sandbox_error = r;
	if (r < 0)
		ebb_log(EBB_LOG_WARNING,
			"cannot drop %s that are not needed: %s, going on "
			"with them. --no-sandbox silences this",
			what, strerror(-r));
}

static int start_sharing(struct daemon *daemon)
{
	const struct ebb_sharing_options options = {
		.config = &daemon->config,
		.dry_run = daemon->dry_run,
		.speed = ebb_fault_speed(),
		.old_ns = EBB_SHARING_OLD_NS,
		.root = "",
		.fleet = daemon->fleet,
		.state_dir = daemon->config.state_dir,
		.past = daemon->past,
		.pressure = daemon->pressure,
	};
	int r = ebb_sharing_new(&options, daemon->workers, &daemon->sharing);

	if (r == 0)
		ebb_fleet_watch(daemon->fleet,
				ebb_sharing_watcher(daemon->sharing));
	return r;
}

/* A host that cannot tell is looked at all the same. */
static void open_pressure(struct daemon *daemon)
{
	daemon->pressure = ebb_watch_open_pressure("");
	if (daemon->pressure.error == -ENOENT ||
	    daemon->pressure.error == -EOPNOTSUPP)
		ebb_log(EBB_LOG_NOTICE,
			"the kernel does not tell of memory pressure: what runs "
			"short is seen by looks alone. To be told, boot the "
			"host with psi=1");
	else if (daemon->pressure.error < 0)
		ebb_log(EBB_LOG_NOTICE,
			"cannot ask to be told of memory pressure "
			"(/proc/pressure/memory: %s): what runs short is seen "
			"by looks alone",
			strerror(-daemon->pressure.error));
}

/* What a person looks for first who sees a gap in what was. */
static void tell_life(struct daemon *daemon, enum ebb_event_kind kind,
		      const char *what)
{
	const struct ebb_news news = { .kind = kind };

	ebb_past_tell(daemon->past, EBB_LOG_DEBUG, &news, "ebbd %s %s",
		      PACKAGE_VERSION, what);
}

static int start(struct daemon *daemon)
{
	int r = lock_state_dir(daemon);

	if (r < 0)
		return r;
	/* It takes a capability that goes with the next line. */
	open_pressure(daemon);
	confine(daemon, ebb_sandbox_state_locked, "capabilities");
	r = ebb_sigbus_install();
	if (r < 0)
		return r;
	if (ebb_loop_init() < 0)
		return -ENOMEM;
	r = watch_signals(daemon);
	if (r < 0)
		return r;
	r = ebb_workers_new(daemon->config.workers, daemon->config.reclaims,
			    &daemon->workers);
	if (r < 0)
		return r;
	r = ebb_past_new(daemon->config.history_dir, daemon->config.uri,
			 daemon->workers, &daemon->past);
	if (r < 0)
		return r;
	r = ebb_fleet_new(&daemon->config, daemon->workers, &daemon->fleet);
	if (r < 0)
		return r;
	ebb_fleet_set_past(daemon->fleet, daemon->past);
	r = start_sharing(daemon);
	if (r < 0)
		return r;
	r = prepare_reload(daemon);
	if (r < 0)
		return r;
	r = prepare_checkup(daemon);
	if (r < 0)
		return r;
	r = listen_control(daemon);
	if (r < 0)
		return r;
	/* Before a worker starts, which has the privileges of now for good. */
	confine(daemon, ebb_sandbox_listening, "system calls");
	r = ebb_past_begin(daemon->past);
	if (r < 0)
		return r;
	tell_life(daemon, EBB_EVENT_DAEMON_STARTED, "started");
	return connect_libvirt(daemon);
}

/* So that the loop turns, also where nothing happens. */
static void on_stop_timer(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

/*
 * Lets everything go. The jobs that run know it, and most end at once; a job
 * that waits for a libvirtd or a guest that hangs is abandoned after
 * STOP_MS. A batch that was taken is resolved before (ebb_worker_hold()), and
 * what is reserved for guests is (EBB_WORK_RELEASE), so that the process leaves
 * nothing undone, for STOP_MAX_MS at most. Returns whether all has ended.
 */
static bool end_work(struct daemon *daemon)
{
	uint64_t start_ns = ebb_now_ns();
	int timer = ebb_loop_timer(STOP_TURN_MS, on_stop_timer, NULL);
	bool closed = false;

	if (daemon->fleet)
		ebb_fleet_dismiss(daemon->fleet);
	if (daemon->past)
		ebb_past_end(daemon->past);
	while (daemon->workers) {
		uint64_t ms = (ebb_now_ns() - start_ns) / EBB_NS_PER_MS;
		bool may_exit = ebb_workers_stop(daemon->workers);

		closed = !daemon->virt || ebb_virt_stop(daemon->virt);
		if (closed && ebb_workers_count(daemon->workers) == 0)
			break;
		if (ms >= STOP_MAX_MS || (ms >= STOP_MS && may_exit))
			return false;
		/* A loop that fails does not wait, and tells of no job's end. */
		if (ebb_loop_turn() < 0)
			ebb_sleep_us(STOP_TURN_MS * 1000);
	}
	if (timer >= 0)
		ebb_loop_timer_remove(timer);
	return true;
}

/* Returns false if jobs were abandoned: what they use ends with the process. */
static bool stop(struct daemon *daemon)
{
	bool ended;

	sd_notify(0, "STOPPING=1");
	tell_life(daemon, EBB_EVENT_DAEMON_ENDED, "ends");
	ended = end_work(daemon);
	ebb_control_free(daemon->control);
	if (!ended)
		return false;
	ebb_checkup_free(daemon->checkup);
	ebb_fleet_free(daemon->fleet);
	ebb_sharing_free(daemon->sharing);
	ebb_past_free(daemon->past);
	ebb_workers_free(daemon->workers);
	ebb_virt_free(daemon->virt);
	ebb_reload_free(daemon->reload);
	ebb_config_clear(&daemon->config);
	if (daemon->signal_fd >= 0)
		close(daemon->signal_fd);
	if (daemon->lock_fd >= 0)
		close(daemon->lock_fd);
	return true;
}

/* A defect of ebbd's, told once for each new worst. */
static void tell_away(struct daemon *daemon)
{
	struct ebb_loop_away away = ebb_loop_longest();

	if (away.longest_ns == daemon->away_told_ns)
		return;
	daemon->away_told_ns = away.longest_ns;
	if (away.longest_ns >= EBB_LOOP_AWAY_MS_MAX * EBB_NS_PER_MS)
		ebb_log(EBB_LOG_WARNING,
			"the event loop was away for %u ms in %s; please "
			"report this",
			(unsigned int)(away.longest_ns / EBB_NS_PER_MS),
			away.name);
}

/*
 * A large block, such as the list of a thousand domains, goes back to the system when it
 * is freed. By itself glibc raises its bound for that with the first of them, and those
 * that follow leave holes in the heap.
 */
static void return_large_blocks(void)
{
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

int main(int argc, char **argv)
{
	struct ebb_options options = { 0 };
	struct daemon daemon = { .options = &options,
				 .lock_fd = -1,
				 .signal_fd = -1,
				 .pressure = { .fd = -1 } };
	int r;

	ebb_log_init("ebbd", EBB_LOG_INFO);
	return_large_blocks();
	r = ebb_options_parse(argc, argv, &options);
	if (r >= 0)
		return r;
	if (ebb_options_load(&daemon.config, &options) < 0)
		return EXIT_FAILURE;
	if (options.check_config) {
		printf("%s: %s\n", ebb_options_config_path(&options),
		       access(ebb_options_config_path(&options), F_OK) == 0
			       ? "no mistake found"
			       : "there is no such file, so the defaults hold, "
				 "but for what files in conf.d say, which have "
				 "no mistake");
		ebb_config_clear(&daemon.config);
		return EXIT_SUCCESS;
	}

	daemon.no_sandbox = options.no_sandbox;
	daemon.dry_run = options.dry_run;
	r = start(&daemon);
	if (r == 0) {
		sd_notify(0, "READY=1");
		ebb_reload_serve(daemon.reload);
		while (!daemon.stopping && r == 0) {
			r = ebb_fault_fails("turn") ? -EIO : ebb_loop_turn();
			tell_away(&daemon);
		}
		if (r < 0)
			ebb_log(EBB_LOG_ERR,
				"the event loop failed: %s; ebbd ends. Please "
				"report this",
				strerror(-r));
	}
	if (!stop(&daemon))
		/* Not by exit(): abandoned threads use what it would free. */
		_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
