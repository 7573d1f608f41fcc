/* SPDX-License-Identifier: GPL-2.0-only */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>

#include "common/cleanup.h"
#include "tests/bench/stand-in/stand-in.h"

#define CPU "/machine/unattached/device[0]"
#define CPU_PROPS "{\"core-id\":0,\"thread-id\":0,\"socket-id\":0}"

static void say(struct stand_in_port *port, struct json_object *object)
{
	char *line;

	if (asprintf(&line, "%s\r\n",
		     json_object_to_json_string_ext(
			     object, JSON_C_TO_STRING_PLAIN)) < 0)
		err(1, "asprintf");
	stand_in_send(port, line, strlen(line));
	free(line);
	json_object_put(object);
}

static void say_event(struct stand_in_port *port, const char *name)
{
	struct json_object *event = json_object_new_object();
	struct json_object *stamp = json_object_new_object();

	json_object_object_add(stamp, "seconds", json_object_new_int(1));
	json_object_object_add(stamp, "microseconds", json_object_new_int(0));
	json_object_object_add(event, "timestamp", stamp);
	json_object_object_add(event, "event", json_object_new_string(name));
	say(port, event);
}

void stand_in_monitor_greet(struct stand_in_port *port)
{
	static const char greeting[] =
		"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, "
		"\"major\": 7}, \"package\": \"\"}, \"capabilities\": []}}\r\n";

	stand_in_send(port, greeting, sizeof(greeting) - 1);
}

static struct json_object *query_chardev(struct stand_in_monitor *monitor)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < monitor->port_count; i++) {
		struct json_object *entry = json_object_new_object();

		json_object_object_add(
			entry, "label",
			json_object_new_string(monitor->ports[i].label));
		json_object_object_add(entry, "filename",
				       json_object_new_string("unix:"));
		json_object_object_add(entry, "frontend-open",
				       json_object_new_boolean(true));
		json_object_array_add(list, entry);
	}
	return list;
}

static struct json_object *query_cpus(struct stand_in_monitor *monitor)
{
	char text[256];

	(void)monitor;
	snprintf(text, sizeof(text),
		 "[{\"thread-id\":%d,\"props\":" CPU_PROPS
		 ",\"qom-path\":\"" CPU
		 "\",\"cpu-index\":0,\"target\":\"x86_64\"}]",
		 (int)getpid());
	return json_tokener_parse(text);
}

static struct json_object *query_status(struct stand_in_monitor *monitor)
{
	return json_tokener_parse(
		monitor->running
			? "{\"status\":\"running\",\"singlestep\":false,"
			  "\"running\":true}"
			: "{\"status\":\"paused\",\"singlestep\":false,"
			  "\"running\":false}");
}

static struct json_object *cont(struct stand_in_monitor *monitor)
{
	monitor->running = true;
	return json_object_new_object();
}

static struct json_object *stop(struct stand_in_monitor *monitor)
{
	monitor->running = false;
	return json_object_new_object();
}

static struct json_object *quit(struct stand_in_monitor *monitor)
{
	(void)monitor;
	exit(0);
}

/* An answer is made, or always the same. */
static const struct command {
	const char *name;
	struct json_object *(*run)(struct stand_in_monitor *monitor);
	const char *answer;
	const char *event; /* that comes before the answer */
} commands[] = {
	{ .name = "qmp_capabilities", .answer = "{}" },
	{ .name = "migrate-set-capabilities", .answer = "{}" },
	{ .name = "query-migrate-capabilities", .answer = "[]" },
	{ .name = "query-chardev", .run = query_chardev },
	{ .name = "query-cpus-fast", .run = query_cpus },
	{ .name = "query-hotpluggable-cpus",
	  .answer = "[{\"props\":" CPU_PROPS ",\"vcpus-count\":1,\"qom-path\":"
		    "\"" CPU "\",\"type\":\"qemu64-x86_64-cpu\"}]" },
	/* Real ones have some 400 properties of the processor, each a question. */
	{ .name = "qom-list", .answer = "[]" },
	/* Of the processor's "unavailable-features". */
	{ .name = "qom-get", .answer = "[]" },
	{ .name = "query-iothreads", .answer = "[]" },
	{ .name = "query-named-block-nodes", .answer = "[]" },
	{ .name = "query-block", .answer = "[]" },
	{ .name = "query-jobs", .answer = "[]" },
	{ .name = "query-status", .run = query_status },
	{ .name = "cont", .run = cont, .event = "RESUME" },
	{ .name = "stop", .run = stop, .event = "STOP" },
	{ .name = "quit", .run = quit },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static struct json_object *no_command(const char *name)
{
	struct json_object *error = json_object_new_object();

	/* In the domain's log: a newer libvirt asks for more. */
	warnx("no answer to the monitor's command %s", name);
	json_object_object_add(error, "class",
			       json_object_new_string("CommandNotFound"));
	json_object_object_add(error, "desc", json_object_new_string(name));
	return error;
}

void stand_in_monitor_take(struct stand_in_monitor *monitor,
			   struct stand_in_port *port, const char *line,
			   size_t bytes)
{
	struct json_object *request, *name, *id;
	struct json_object *reply = json_object_new_object();
	struct json_tokener *tokener = json_tokener_new();
	const struct command *command;

	request = json_tokener_parse_ex(tokener, line, (int)bytes);
	json_tokener_free(tokener);
	if (!json_object_object_get_ex(request, "execute", &name))
		errx(1, "the monitor got no command: %.*s", (int)bytes, line);
	command = find_command(json_object_get_string(name));
	if (command && command->event)
		say_event(port, command->event);
	if (!command)
		json_object_object_add(
			reply, "error",
			no_command(json_object_get_string(name)));
	else
		json_object_object_add(
			reply, "return",
			command->run ? command->run(monitor)
				     : json_tokener_parse(command->answer));
	if (json_object_object_get_ex(request, "id", &id))
		json_object_object_add(reply, "id", json_object_get(id));
	say(port, reply);
	json_object_put(request);
}
