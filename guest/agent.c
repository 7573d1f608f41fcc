/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/agent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "common/size.h"
#include "guest/command.h"
#include "guest/device.h"
#include "guest/guard.h"
#include "guest/module.h"
#include "guest/port.h"
#include "guest/qga_options.h"
#include "guest/stock.h"
#include "guest/target.h"
#include "protocol/message.h"
#include "protocol/uapi.h"

enum {
	GUARD_TRIES = 60,
	GUARD_PAUSE_US = 50 * 1000,
};

/* EBB_DEVICE_PATH in its directory. */
#define DEVICE_NAME (&EBB_DEVICE_PATH[sizeof("/dev/") - 1])

/* A port that another program has open is tried again after this time. */
#define BUSY_RETRY_US (10 * 1000 * 1000)
#define NAME_US (1000 * 1000)

/* Ebb's own port may come a little later than the stock agent's at a boot. */
#define OWN_PORT_US (5 * 1000 * 1000)

struct ebb_agent {
	sd_event *event;
	struct ebb_agent_options options;
	sd_event_source *dev_watch;
	sd_event_source *ports_watch;
	sd_event_source *choose;
	sd_event_source *look_again;
	struct ebb_port *port; /* Ebb's own, or that of --channel */
	struct ebb_stock *stock; /* NULL: its port is not served */
	struct ebb_guard *guard; /* NULL: there is none */
	struct ebb_target_keeper *target;
	char state_dir[256];
	uint64_t start_us;
	bool failed; /* the port is to be closed */
	bool told_busy;
	bool module_changed;
};

static uint64_t now_us(const struct ebb_agent *agent)
{
	uint64_t usec = 0;

	sd_event_now(agent->event, CLOCK_MONOTONIC, &usec);
	return usec;
}

static void send_line(struct ebb_agent *agent, char *line)
{
	if (line)
		ebb_port_send(agent->port, line, strlen(line));
	free(line);
}

static void say_ready(struct ebb_agent *agent)
{
	/* libvirt drops events on the stock agent's channel. */
	if (agent->port)
		send_line(agent, ebb_msg_event("EBB_AGENT_READY", NULL));
}

static void on_target_changed(const struct ebb_msg_target_state *state,
			      void *opaque)
{
	struct ebb_agent *agent = opaque;

	if (*state->reason)
		ebb_log(EBB_LOG_INFO,
			"the guest needs its memory (%s): %" PRIu64 " of "
			"%" PRIu64 " MiB are kept free",
			state->reason, state->effective_bytes / EBB_MIB,
			state->asked_bytes / EBB_MIB);
	if (agent->port)
		send_line(agent,
			  ebb_msg_event(
				  "EBB_TARGET_CHANGED",
				  ebb_msg_encode(ebb_msg_target_state_fields,
						 state)));
}

static void on_connected(void *opaque)
{
	struct ebb_agent *agent = opaque;

	say_ready(agent);
}

static struct ebb_command_context command_context(const struct ebb_agent *agent)
{
	return (struct ebb_command_context){ .proc_dir = "/proc",
					     .target = agent->target };
}

static void handle_request(struct ebb_agent *agent, const struct ebb_msg *msg)
{
	const struct ebb_command_context context = command_context(agent);

	if (ebb_command_is_known(msg->name)) {
		send_line(agent, ebb_command_run(msg, &context));
	} else {
		char desc[128];

		snprintf(desc, sizeof(desc),
			 "The command %s has not been found", msg->name);
		send_line(agent,
			  ebb_msg_error("CommandNotFound", desc, 0, msg->id));
	}
}

static void on_line(const char *line, size_t line_bytes, void *opaque)
{
	struct ebb_agent *agent = opaque;
	char desc[EBB_STRING_BYTES_MAX + 32];
	struct ebb_msg_error error;
	struct ebb_msg msg;
	int r;

	r = ebb_msg_parse(line, line_bytes, &msg, &error);
	if (r < 0) {
		snprintf(desc, sizeof(desc), "JSON parse error: %s",
			 error.text);
		send_line(agent, ebb_msg_error("GenericError", desc, 0, NULL));
		return;
	}
	if (msg.kind == EBB_MSG_REQUEST)
		handle_request(agent, &msg);
	else
		send_line(agent,
			  ebb_msg_error("GenericError",
					"only requests are served", 0, msg.id));
	ebb_msg_clear(&msg);
}

static void on_dropped(void *opaque)
{
	send_line(opaque, ebb_msg_error("GenericError",
					"the request is too long", 0, NULL));
}

static void choose_soon(struct ebb_agent *agent)
{
	sd_event_source_set_enabled(agent->choose, SD_EVENT_ONESHOT);
}

static void on_failed(int r, void *opaque)
{
	struct ebb_agent *agent = opaque;

	ebb_log(EBB_LOG_WARNING, "the port failed: %s; looking for another",
		strerror(-r));
	agent->failed = true;
	choose_soon(agent);
}

static void look_again_later(struct ebb_agent *agent, uint64_t us)
{
	sd_event_source_set_time_relative(agent->look_again, us);
	sd_event_source_set_enabled(agent->look_again, SD_EVENT_ONESHOT);
}

static void close_port(struct ebb_agent *agent)
{
	ebb_port_close(agent->port);
	agent->port = NULL;
	agent->failed = false;
}

static void tell_busy(struct ebb_agent *agent, const char *path)
{
	if (!agent->told_busy)
		ebb_log(EBB_LOG_WARNING,
			"%s is used by another program; trying again", path);
	agent->told_busy = true;
	look_again_later(agent, BUSY_RETRY_US);
}

static int open_port(struct ebb_agent *agent, const char *path)
{
	static const struct ebb_port_ops ops = {
		.connected = on_connected,
		.line = on_line,
		.dropped = on_dropped,
		.failed = on_failed,
	};
	int r = ebb_port_open(agent->event, path, EBB_MESSAGE_BYTES_MAX, &ops,
			      agent, &agent->port);

	if (r == -EBUSY)
		tell_busy(agent, path);
	if (r < 0)
		return r;
	agent->told_busy = false;
	ebb_log(EBB_LOG_INFO, "serving %s", path);
	return 0;
}

/*
 * The stock agent's port is served where nothing else is, or where we served it
 * before, or where its own service was masked, which is to say: by us.
 */
static void choose_stock(struct ebb_agent *agent)
{
	const struct ebb_command_context context = command_context(agent);
	char path[256];
	bool masked;
	int r;

	if (ebb_port_find(QGA_CHANNEL_NAME, path) < 0) {
		ebb_stock_free(agent->stock);
		agent->stock = NULL;
		return;
	}
	masked = ebb_qga_is_masked("");
	if (agent->stock || (agent->port && !masked))
		return;
	/* If its own service is to serve it, it is not taken without need. */
	if (!masked && now_us(agent) - agent->start_us < OWN_PORT_US) {
		look_again_later(agent, NAME_US);
		return;
	}
	r = ebb_stock_new(agent->event, path, agent->options.qga_program,
			  agent->state_dir, &context, &agent->stock);
	if (r < 0)
		ebb_log(EBB_LOG_ERR, "%s: %s", path, strerror(-r));
}

/* Brings the agent to the ports that there are. Returns 0 or -errno of --channel. */
static int choose_port(struct ebb_agent *agent)
{
	char path[256];
	int r = 0;

	if (agent->failed)
		close_port(agent);
	if (agent->options.channel) {
		if (!agent->port)
			r = open_port(agent, agent->options.channel);
		return r == -EBUSY ? 0 : r;
	}
	if (!agent->port && ebb_port_find(EBB_CHANNEL_NAME, path) == 0)
		open_port(agent, path);
	choose_stock(agent);
	if (agent->port || agent->stock)
		sd_notifyf(0, "STATUS=Serving %s%s%s",
			   agent->port ? EBB_CHANNEL_NAME : "",
			   agent->port && agent->stock ? " and " : "",
			   agent->stock ? QGA_CHANNEL_NAME : "");
	else
		sd_notify(0, "STATUS=Waiting for a port");
	return 0;
}

static int on_choose(sd_event_source *source, void *opaque)
{
	struct ebb_agent *agent = opaque;

	(void)source;
	choose_port(agent);
	if (agent->module_changed) {
		ebb_target_module_changed(agent->target);
		say_ready(agent);
	}
	agent->module_changed = false;
	return 0;
}

static int on_look_again(sd_event_source *source, uint64_t usec, void *opaque)
{
	(void)source;
	(void)usec;
	choose_soon(opaque);
	return 0;
}

static int on_dev(sd_event_source *source, const struct inotify_event *event,
		  void *opaque);

/* udev makes the directory with the first port and removes it with the last. */
static void watch_ports(struct ebb_agent *agent)
{
	if (!agent->ports_watch)
		sd_event_add_inotify(
			agent->event, &agent->ports_watch, "/dev/virtio-ports",
			IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_DELETE_SELF,
			on_dev, agent);
}

static int on_dev(sd_event_source *source, const struct inotify_event *event,
		  void *opaque)
{
	struct ebb_agent *agent = opaque;

	if (source == agent->ports_watch &&
	    event->mask & (IN_DELETE_SELF | IN_IGNORED))
		agent->ports_watch =
			sd_event_source_disable_unref(agent->ports_watch);
	if (event->len && strcmp(event->name, DEVICE_NAME) == 0)
		agent->module_changed = true;
	if (access("/dev/virtio-ports", F_OK) == 0)
		watch_ports(agent);
	choose_soon(agent);
	/* The driver makes a port before it knows its name. */
	look_again_later(agent, NAME_US);
	return 0;
}

static int watch_dev(struct ebb_agent *agent)
{
	int r = sd_event_add_inotify(agent->event, &agent->dev_watch, "/dev",
				     IN_CREATE | IN_DELETE | IN_MOVED_TO,
				     on_dev, agent);

	if (r >= 0 && access("/dev/virtio-ports", F_OK) == 0)
		watch_ports(agent);
	return r;
}

void ebb_agent_state_dir(char *ret_dir, size_t dir_bytes)
{
	const char *dir = getenv("RUNTIME_DIRECTORY");

	if (!dir || !*dir)
		dir = "/run/ebb-agent";
	snprintf(ret_dir, dir_bytes, "%.*s", (int)strcspn(dir, ":"), dir);
}

/* What the host will be told, for whoever looks at this guest's log. */
static void tell_absent_module(void)
{
	char text[EBB_STRING_BYTES_MAX];
	struct utsname kernel;
	struct ebb_info info;

	if (!ebb_device_is_absent(ebb_device_info(&info)) || uname(&kernel) < 0)
		return;
	ebb_module_explain("", kernel.release, text, sizeof(text));
	ebb_log(EBB_LOG_NOTICE, "ebb.ko is not loaded: %s. Then: modprobe ebb",
		text);
}

/* The guard of an agent that was killed just now is gone in a moment. */
static int start_guard(struct ebb_agent *agent)
{
	int r;

	for (int tries = 0; tries < GUARD_TRIES; tries++) {
		r = ebb_guard_start("", agent->state_dir, &agent->guard);
		if (r != -EWOULDBLOCK)
			return r;
		usleep(GUARD_PAUSE_US);
	}
	return r;
}

int ebb_agent_new(sd_event *event, const struct ebb_agent_options *options,
		  struct ebb_agent **ret_agent)
{
	struct ebb_agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return -ENOMEM;
	agent->event = sd_event_ref(event);
	agent->options = *options;
	agent->start_us = now_us(agent);
	ebb_agent_state_dir(agent->state_dir, sizeof(agent->state_dir));
	r = start_guard(agent);
	/* Two would put back what the other turned. */
	if (r == -EWOULDBLOCK) {
		ebb_log(EBB_LOG_ERR,
			"another ebb-agent runs: it holds %s. Stop it first: "
			"systemctl stop ebb-agent",
			agent->state_dir);
		ebb_agent_free(agent);
		return r;
	}
	if (r < 0) {
		ebb_log(EBB_LOG_WARNING,
			"%s: %s: what is turned will not be put back if this "
			"process is killed",
			agent->state_dir, strerror(-r));
	}
	tell_absent_module();
	r = ebb_target_new(event, "", agent->state_dir, NULL, on_target_changed,
			   agent, &agent->target);
	if (r >= 0 && options->swap)
		ebb_target_allow_swap(agent->target);
	if (r >= 0)
		r = watch_dev(agent);
	if (r >= 0)
		r = sd_event_add_time_relative(event, &agent->look_again,
					       CLOCK_MONOTONIC, BUSY_RETRY_US,
					       0, on_look_again, agent);
	if (r >= 0)
		r = sd_event_source_set_enabled(agent->look_again,
						SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(event, &agent->choose, on_choose, agent);
	/* A channel that was named is no guess: without it there is nothing. */
	if (r >= 0 && options->channel) {
		r = choose_port(agent);
		if (r < 0)
			ebb_log(EBB_LOG_ERR, "--channel: %s: %s",
				options->channel, strerror(-r));
	}
	if (r < 0) {
		ebb_agent_free(agent);
		return r;
	}
	*ret_agent = agent;
	return 0;
}

void ebb_agent_free(struct ebb_agent *agent)
{
	if (!agent)
		return;
	ebb_stock_free(agent->stock);
	close_port(agent);
	ebb_target_free(agent->target);
	ebb_guard_stop(agent->guard);
	sd_event_source_disable_unref(agent->dev_watch);
	sd_event_source_disable_unref(agent->ports_watch);
	sd_event_source_disable_unref(agent->choose);
	sd_event_source_disable_unref(agent->look_again);
	sd_event_unref(agent->event);
	free(agent);
}
