/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/reload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "host/history/past.h"
#include "host/interface/plain.h"
#include "host/interface/status.h"

/**
 * struct ebb_reload
 * @serving: ebbd does
 * @running: a worker reads
 * @told: that it began
 * @again: it was asked for meanwhile, and what the worker reads may be older
 * @call: who asked for the one that runs, or NULL: a signal
 * @fresh, @result, @error: the worker's while it reads
 */
struct ebb_reload {
	struct ebb_reload_options options;
	bool serving;
	bool running;
	bool told;
	bool again;
	struct ebb_call *call;
	struct ebb_config fresh;
	int result;
	struct ebb_msg_error error;
};

static void read_work(void *opaque)
{
	struct ebb_reload *reload = opaque;

	reload->result = ebb_config_load(reload->options.path,
					 reload->options.presence,
					 &reload->fresh, &reload->error);
}

static void call_back(const struct ebb_reload *reload,
		      void (*function)(void *opaque))
{
	if (function)
		function(reload->options.opaque);
}

static void refuse(const struct ebb_reload *reload, struct ebb_call *call)
{
	char text[sizeof(reload->error.text)];
	const char *stop;

	/* A path, or a cut one, may be no UTF-8. */
	memcpy(text, reload->error.text, sizeof(text));
	ebb_plain(text);
	/* The remedy may be a question. */
	stop = text[strlen(text) - 1] == '?' ? "" : ".";
	ebb_log(EBB_LOG_ERR,
		"%s%s The configuration is as it was; mend it, and reload",
		text, stop);
	if (call)
		ebb_call_error(call, "InvalidArgument",
			       "%s%s The configuration is as it was", text,
			       stop);
}

static void adopt(struct ebb_reload *reload, struct ebb_call *call)
{
	const struct ebb_reload_options *options = &reload->options;
	struct ebb_reload_result result = { 0 };
	struct ebb_news news = {
		.kind = EBB_EVENT_CONFIG,
		.action = "reload",
	};

	if (options->override)
		options->override(&reload->fresh, options->opaque);
	ebb_config_adopt(options->config, &reload->fresh, result.restart,
			 sizeof(result.restart));
	if (call) {
		news.by_person = true;
		news.uid = ebb_call_uid(call);
	}
	if (result.restart[0])
		ebb_past_tell(options->past, EBB_LOG_WARNING, &news,
			      "the configuration was read anew; a restart is "
			      "needed for %s: systemctl restart ebbd",
			      result.restart);
	else
		ebb_past_tell(options->past, EBB_LOG_INFO, &news,
			      "the configuration was read anew");
	call_back(reload, options->changed);
	if (call)
		ebb_call_return(call, ebb_msg_encode(ebb_reload_result_fields,
						     &result));
}

static void begin(struct ebb_reload *reload, struct ebb_call *call);

static void read_done(void *opaque)
{
	struct ebb_reload *reload = opaque;
	struct ebb_call *call = reload->call;

	reload->running = false;
	reload->call = NULL;
	if (reload->result < 0)
		refuse(reload, call);
	else
		adopt(reload, call);
	if (reload->told)
		call_back(reload, reload->options.ended);
	if (!reload->again)
		return;
	reload->again = false;
	begin(reload, NULL);
}

static void begin(struct ebb_reload *reload, struct ebb_call *call)
{
	int r;

	reload->told = reload->serving;
	if (reload->told)
		call_back(reload, reload->options.begun);
	reload->call = call;
	reload->running = true;
	r = ebb_workers_run(reload->options.workers, EBB_WORK_LOOK, read_work,
			    read_done, reload);
	if (r == 0)
		return;
	reload->result = r;
	snprintf(reload->error.text, sizeof(reload->error.text),
		 "no thread could be started to read it: %s", strerror(-r));
	read_done(reload);
}

void ebb_reload_serve(struct ebb_reload *reload)
{
	reload->serving = true;
}

void ebb_reload_begin(struct ebb_reload *reload)
{
	if (reload->running)
		reload->again = true;
	else
		begin(reload, NULL);
}

static void handle_reload(struct ebb_call *call,
			  const struct json_object *arguments, void *opaque)
{
	struct ebb_reload *reload = opaque;

	(void)arguments;
	if (reload->running)
		ebb_call_error(call, "Busy",
			       "The configuration is being read already; try "
			       "again");
	else
		begin(reload, call);
}

const struct ebb_control_handler ebb_reload_handlers[] = {
	{ "daemon-reload", handle_reload, .reads = false },
	{ .command = NULL },
};

struct ebb_reload *ebb_reload_new(const struct ebb_reload_options *options)
{
	struct ebb_reload *reload = calloc(1, sizeof(*reload));

	if (reload)
		reload->options = *options;
	return reload;
}

void ebb_reload_free(struct ebb_reload *reload)
{
	free(reload);
}
