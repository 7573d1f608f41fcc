/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/stock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "guest/port.h"
#include "guest/relay.h"
#include "guest/split.h"
#include "protocol/message.h"

/* More than this waits for one side: the other is not read meanwhile. */
#define PENDING_BYTES_MAX ((size_t)1 << 20)

enum {
	BUSY_RETRY_MS = 10 * 1000,
	MISSING_RETRY_MS = 60 * 1000, /* it may be installed meanwhile */
	INFO_BYTES_MAX = 64 * 1024, /* the answer to guest-info is shorter */
	LATER_BYTES_MAX = 256 * 1024, /* some dozens of our answers */
};

struct ebb_stock {
	sd_event *event;
	char path[256];
	const char *program;
	const char *dir;
	struct ebb_command_context context;
	struct ebb_relay *relay; /* NULL: there is no qemu-ga */
	struct ebb_port *port; /* NULL: closed */
	bool failed; /* the port is to be closed */
	bool told_busy;
	bool told_missing;
	sd_event_source *settle; /* bring the port to what it should be */
	sd_event_source *retry;
	struct ebb_split asked; /* of the host */
	char line[INFO_BYTES_MAX]; /* of qemu-ga, so far */
	size_t line_bytes;
	bool passing; /* the rest of a longer line */
	char *later; /* answers of ours that wait for the end of that line */
	size_t later_bytes;
};

static void settle_soon(struct ebb_stock *stock)
{
	sd_event_source_set_enabled(stock->settle, SD_EVENT_ONESHOT);
}

static void retry_later(struct ebb_stock *stock, unsigned int ms)
{
	sd_event_source_set_time_relative(stock->retry, (uint64_t)ms * 1000);
	sd_event_source_set_enabled(stock->retry, SD_EVENT_ONESHOT);
}

/* ---- of the host ---- */

/* One that finds no place is lost: who asked for so many waits in vain. */
static void answer_later(struct ebb_stock *stock, const char *line)
{
	size_t bytes = strlen(line);
	char *later;

	if (bytes > LATER_BYTES_MAX - stock->later_bytes)
		return;
	later = realloc(stock->later, stock->later_bytes + bytes);
	if (!later)
		return;
	memcpy(later + stock->later_bytes, line, bytes);
	stock->later = later;
	stock->later_bytes += bytes;
}

static void forget_later(struct ebb_stock *stock)
{
	free(stock->later);
	stock->later = NULL;
	stock->later_bytes = 0;
}

static void answer(struct ebb_stock *stock, char *line)
{
	if (line && stock->passing)
		answer_later(stock, line);
	else if (line)
		ebb_port_send(stock->port, line, strlen(line));
	free(line);
}

static bool is_ours(const struct ebb_msg *msg)
{
	return msg->kind == EBB_MSG_REQUEST &&
	       strncmp(msg->name, "ebb-", 4) == 0 &&
	       ebb_command_is_known(msg->name);
}

static void pass_on(struct ebb_stock *stock, const char *data,
		    size_t data_bytes)
{
	ebb_relay_send(stock->relay, data, data_bytes);
	if (ebb_relay_pending(stock->relay) > PENDING_BYTES_MAX)
		ebb_port_hold(stock->port, true);
}

/* Nobody is behind us. */
static void answer_alone(struct ebb_stock *stock, const char *data,
			 size_t data_bytes)
{
	struct ebb_msg_error error;
	struct ebb_msg msg = { 0 };
	char desc[EBB_STRING_BYTES_MAX + 64];

	if (ebb_msg_parse(data, data_bytes, &msg, &error) < 0) {
		snprintf(desc, sizeof(desc), "JSON parse error: %s",
			 error.text);
		answer(stock, ebb_msg_error("GenericError", desc, 0, NULL));
		return;
	}
	if (msg.kind == EBB_MSG_REQUEST && ebb_command_is_known(msg.name)) {
		answer(stock, ebb_command_run(&msg, &stock->context));
	} else if (msg.kind == EBB_MSG_REQUEST) {
		snprintf(desc, sizeof(desc),
			 "The command %.128s has not been found", msg.name);
		answer(stock,
		       ebb_msg_error("CommandNotFound", desc, 0, msg.id));
	} else {
		answer(stock,
		       ebb_msg_error("GenericError", "only requests are served",
				     0, msg.id));
	}
	ebb_msg_clear(&msg);
}

static void on_asked(const char *data, size_t data_bytes, bool whole,
		     void *opaque)
{
	static const char mark[] = "ebb-";
	struct ebb_stock *stock = opaque;
	struct ebb_msg msg = { 0 };
	bool ours;

	if (!stock->relay) {
		if (whole)
			answer_alone(stock, data, data_bytes);
		return;
	}
	ours = whole && memmem(data, data_bytes, mark, sizeof(mark) - 1) &&
	       ebb_msg_parse(data, data_bytes, &msg, NULL) == 0 &&
	       is_ours(&msg);
	if (ours)
		answer(stock, ebb_command_run(&msg, &stock->context));
	else
		pass_on(stock, data, data_bytes);
	ebb_msg_clear(&msg);
}

static void on_port_data(const char *data, size_t data_bytes, void *opaque)
{
	struct ebb_stock *stock = opaque;

	ebb_split_push(&stock->asked, data, data_bytes, on_asked, stock);
}

static void on_port_connected(void *opaque)
{
	struct ebb_stock *stock = opaque;

	/* A new client; what the last one left half is not its. */
	memset(&stock->asked, 0, sizeof(stock->asked));
	forget_later(stock);
}

static void on_port_drained(void *opaque)
{
	struct ebb_stock *stock = opaque;

	if (stock->relay)
		ebb_relay_hold(stock->relay, false);
}

static void on_port_failed(int r, void *opaque)
{
	struct ebb_stock *stock = opaque;

	ebb_log(EBB_LOG_WARNING, "%s failed: %s", stock->path, strerror(-r));
	stock->failed = true;
	settle_soon(stock);
}

/* ---- of qemu-ga ---- */

static void send_line(struct ebb_stock *stock)
{
	static const char mark[] = "supported_commands";
	struct json_object *merged = NULL;
	struct ebb_msg msg = { 0 };

	/* A port that went takes what was meant for it along. */
	if (!stock->port)
		stock->line_bytes = 0;
	if (stock->line_bytes == 0)
		return;
	if (!stock->passing &&
	    memmem(stock->line, stock->line_bytes, mark, sizeof(mark) - 1) &&
	    ebb_msg_parse(stock->line, stock->line_bytes - 1, &msg, NULL) ==
		    0 &&
	    msg.kind == EBB_MSG_REPLY)
		merged = ebb_command_merge_info(msg.body);
	if (merged)
		answer(stock, ebb_msg_reply(merged, msg.id));
	else
		ebb_port_send(stock->port, stock->line, stock->line_bytes);
	ebb_msg_clear(&msg);
	stock->line_bytes = 0;
}

static void send_later(struct ebb_stock *stock)
{
	if (stock->later_bytes > 0 && stock->port)
		ebb_port_send(stock->port, stock->later, stock->later_bytes);
	forget_later(stock);
}

/* Lines are held until they are whole, as far as one may be that is changed. */
static void on_relay_data(const char *data, size_t data_bytes, void *opaque)
{
	struct ebb_stock *stock = opaque;

	while (data_bytes > 0) {
		const char *end = memchr(data, '\n', data_bytes);
		size_t bytes = end ? (size_t)(end - data) + 1 : data_bytes;

		if (bytes > sizeof(stock->line) - stock->line_bytes)
			bytes = sizeof(stock->line) - stock->line_bytes;
		memcpy(stock->line + stock->line_bytes, data, bytes);
		stock->line_bytes += bytes;
		data += bytes;
		data_bytes -= bytes;
		if (data[-1] == '\n') {
			send_line(stock);
			stock->passing = false;
			send_later(stock);
		} else if (stock->passing ||
			   stock->line_bytes == sizeof(stock->line)) {
			stock->passing = true;
			send_line(stock);
		}
	}
	if (stock->port && ebb_port_pending(stock->port) > PENDING_BYTES_MAX)
		ebb_relay_hold(stock->relay, true);
}

static void on_relay_up(void *opaque)
{
	settle_soon(opaque);
}

static void on_relay_down(void *opaque)
{
	settle_soon(opaque);
}

static void on_relay_drained(void *opaque)
{
	struct ebb_stock *stock = opaque;

	if (stock->port)
		ebb_port_hold(stock->port, false);
}

/* ---- the port ---- */

static void close_port(struct ebb_stock *stock)
{
	ebb_port_close(stock->port);
	stock->port = NULL;
	stock->failed = false;
	memset(&stock->asked, 0, sizeof(stock->asked));
	stock->line_bytes = 0;
	stock->passing = false;
	forget_later(stock);
}

static void tell_busy(struct ebb_stock *stock)
{
	if (!stock->told_busy)
		ebb_log(EBB_LOG_WARNING,
			"%s is used by another program; if that is qemu-ga: "
			"systemctl mask --now qemu-guest-agent, ebb-agent "
			"starts it behind itself",
			stock->path);
	stock->told_busy = true;
}

static void open_port(struct ebb_stock *stock)
{
	static const struct ebb_port_ops ops = {
		.connected = on_port_connected,
		.data = on_port_data,
		.drained = on_port_drained,
		.failed = on_port_failed,
	};
	int r = ebb_port_open(stock->event, stock->path, 1, &ops, stock,
			      &stock->port);

	if (r == -EBUSY)
		tell_busy(stock);
	if (r < 0) {
		retry_later(stock, BUSY_RETRY_MS);
		return;
	}
	stock->told_busy = false;
	ebb_log(EBB_LOG_INFO, "serving %s%s", stock->path,
		stock->relay ? ", with qemu-ga behind it" : "");
}

/* One that was installed meanwhile is found here. */
static void look_for_qga(struct ebb_stock *stock)
{
	static const struct ebb_relay_ops ops = {
		.up = on_relay_up,
		.down = on_relay_down,
		.data = on_relay_data,
		.drained = on_relay_drained,
	};
	const char *program = ebb_relay_find(stock->program);

	if (stock->relay)
		return;
	if (program && ebb_relay_start(stock->event, program, stock->dir, &ops,
				       stock, &stock->relay) == 0) {
		stock->failed = true;
		return;
	}
	if (!stock->told_missing)
		ebb_log(EBB_LOG_NOTICE,
			"no qemu-ga here: its commands are not served; install "
			"qemu-guest-agent");
	stock->told_missing = true;
	retry_later(stock, MISSING_RETRY_MS);
}

static int on_settle(sd_event_source *source, void *opaque)
{
	struct ebb_stock *stock = opaque;

	(void)source;
	look_for_qga(stock);
	if (stock->failed || (stock->relay && !ebb_relay_is_up(stock->relay)))
		close_port(stock);
	if (!stock->port && (!stock->relay || ebb_relay_is_up(stock->relay)))
		open_port(stock);
	return 0;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *opaque)
{
	(void)source;
	(void)usec;
	settle_soon(opaque);
	return 0;
}

int ebb_stock_new(sd_event *event, const char *path, const char *program,
		  const char *dir, const struct ebb_command_context *context,
		  struct ebb_stock **ret_stock)
{
	struct ebb_stock *stock = calloc(1, sizeof(*stock));
	int r;

	if (!stock)
		return -ENOMEM;
	stock->event = sd_event_ref(event);
	snprintf(stock->path, sizeof(stock->path), "%s", path);
	stock->program = program;
	stock->dir = dir;
	stock->context = *context;
	r = sd_event_add_time_relative(event, &stock->retry, CLOCK_MONOTONIC, 0,
				       0, on_retry, stock);
	if (r >= 0)
		r = sd_event_source_set_enabled(stock->retry, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_defer(event, &stock->settle, on_settle, stock);
	if (r < 0) {
		ebb_stock_free(stock);
		return r;
	}
	*ret_stock = stock;
	return 0;
}

void ebb_stock_free(struct ebb_stock *stock)
{
	if (!stock)
		return;
	ebb_relay_stop(stock->relay);
	stock->relay = NULL;
	close_port(stock);
	sd_event_source_disable_unref(stock->settle);
	sd_event_source_disable_unref(stock->retry);
	sd_event_unref(stock->event);
	free(stock);
}
