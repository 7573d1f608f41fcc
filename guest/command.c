/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/command.h"

#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/cleanup.h"
#include "guest/device.h"
#include "guest/facts.h"
#include "guest/module.h"

struct command {
	const char *name;
	char *(*run)(const struct ebb_msg *request,
		     const struct ebb_command_context *context);
};

static char *no_memory(const struct ebb_msg *request)
{
	return ebb_msg_error("GenericError", "out of memory", ENOMEM,
			     request->id);
}

/* The answer to a request that the module served, or did not. */
static char *device_answer(const struct ebb_msg *request, int r)
{
	char desc[128];

	if (r == 0)
		return ebb_msg_reply(NULL, request->id);
	if (ebb_device_is_absent(r))
		return ebb_msg_error("DeviceNotFound",
				     "ebb.ko is not loaded: modprobe ebb", -r,
				     request->id);
	snprintf(desc, sizeof(desc), "ebb.ko refused %s: %s", request->name,
		 strerror(-r));
	return ebb_msg_error("GenericError", desc, -r, request->id);
}

static char *bad_arguments(const struct ebb_msg *request,
			   const struct ebb_msg_error *error)
{
	return ebb_msg_error("GenericError", error->text, EINVAL, request->id);
}

static char *run_sync(const struct ebb_msg *request,
		      const struct ebb_command_context *context)
{
	struct json_object *id;

	(void)context;
	if (!json_object_object_get_ex(request->body, "id", &id) ||
	    !json_object_is_type(id, json_type_int))
		return ebb_msg_error("GenericError",
				     "Parameter 'id' must be an integer", 0,
				     request->id);
	return ebb_msg_reply(json_object_get(id), request->id);
}

static char *run_sync_delimited(const struct ebb_msg *request,
				const struct ebb_command_context *context)
{
	char *line ebb_auto_free = run_sync(request, context);
	char *delimited;

	if (!line || asprintf(&delimited, "\xff%s", line) < 0)
		return NULL;
	return delimited;
}

static char *run_ping(const struct ebb_msg *request,
		      const struct ebb_command_context *context)
{
	(void)context;
	return ebb_msg_reply(NULL, request->id);
}

static char *run_guest_info(const struct ebb_msg *request,
			    const struct ebb_command_context *context)
{
	struct json_object *value = json_object_new_object();
	struct json_object *merged;

	(void)context;
	if (!value)
		return no_memory(request);
	json_object_object_add(value, "version",
			       json_object_new_string(PACKAGE_VERSION));
	json_object_object_add(value, "supported_commands",
			       json_object_new_array());
	merged = ebb_command_merge_info(value);
	json_object_put(value);
	return merged ? ebb_msg_reply(merged, request->id) : no_memory(request);
}

static void fill_module(struct ebb_msg_info *info,
			const struct ebb_info *device)
{
	struct ebb_segments *segments = calloc(1, sizeof(*segments));

	info->module_loaded = true;
	info->uapi_version = device->uapi_version;
	memcpy(info->boot_id, device->boot_id, sizeof(info->boot_id));
	info->ring_gpa = device->ring_gpa;
	info->ring_bytes = device->ring_bytes;
	info->lease_order = device->lease_order;
	info->page_poisoning = device->flags & EBB_INFO_PAGE_POISONING;
	info->reporting_busy = device->flags & EBB_INFO_REPORTING_BUSY;
	if (segments && ebb_device_segments(segments) == 0) {
		info->segment_count = segments->count;
		for (uint32_t i = 0; i < segments->count; i++) {
			const struct ebb_segment *from = &segments->segments[i];
			struct ebb_msg_segment *to = &info->segments[i];

			to->gpa = from->gpa;
			to->bytes = from->bytes;
			to->node = from->node;
			to->canary_count = from->canary_count;
			memcpy(to->canary_gpas, from->canary_gpas,
			       sizeof(to->canary_gpas));
		}
	}
	free(segments);
}

static char *run_ebb_info(const struct ebb_msg *request,
			  const struct ebb_command_context *context)
{
	struct ebb_msg_info *info ebb_auto_free = calloc(1, sizeof(*info));
	struct ebb_info device;
	struct utsname kernel;
	int r;

	(void)context;
	if (!info)
		return no_memory(request);
	snprintf(info->agent_version, sizeof(info->agent_version), "%s",
		 PACKAGE_VERSION);
	if (uname(&kernel) == 0)
		snprintf(info->kernel, sizeof(info->kernel), "%s",
			 kernel.release);
	r = ebb_device_info(&device);
	if (r == 0)
		fill_module(info, &device);
	else if (ebb_device_is_absent(r))
		ebb_module_explain("", info->kernel, info->module_reason,
				   sizeof(info->module_reason));
	else
		snprintf(info->module_reason, sizeof(info->module_reason),
			 EBB_DEVICE_PATH ": %s", strerror(-r));
	return ebb_msg_reply(ebb_msg_encode(ebb_msg_info_fields, info),
			     request->id);
}

static char *run_ebb_facts(const struct ebb_msg *request,
			   const struct ebb_command_context *context)
{
	struct ebb_msg_facts facts;
	int r = ebb_facts_read(context->proc_dir, &facts);

	if (r < 0)
		return ebb_msg_error("GenericError", strerror(-r), -r,
				     request->id);
	if (context->target)
		ebb_target_look(context->target, &facts);
	return ebb_msg_reply(ebb_msg_encode(ebb_msg_facts_fields, &facts),
			     request->id);
}

static char *run_challenge(const struct ebb_msg *request,
			   const struct ebb_command_context *context)
{
	struct ebb_msg_challenge message;
	struct ebb_challenge challenge;
	struct ebb_msg_error error;

	(void)context;
	if (ebb_msg_decode(request->body, ebb_msg_challenge_fields, &message,
			   sizeof(message), &error) < 0)
		return bad_arguments(request, &error);
	memcpy(challenge.nonce, message.nonce, sizeof(challenge.nonce));
	return device_answer(request, ebb_device_challenge(&challenge));
}

static char *run_session_start(const struct ebb_msg *request,
			       const struct ebb_command_context *context)
{
	struct ebb_msg_session_start message;
	struct ebb_session session = { 0 };
	struct ebb_msg_error error;
	int r;

	(void)context;
	if (ebb_msg_decode(request->body, ebb_msg_session_start_fields,
			   &message, sizeof(message), &error) < 0)
		return bad_arguments(request, &error);
	session.session_id = message.session_id;
	session.timeout_ms = message.timeout_ms;
	session.flags = (message.rearm ? EBB_SESSION_FLAG_REARM : 0) |
			(message.gentle ? EBB_SESSION_FLAG_GENTLE : 0);
	r = ebb_device_session_start(&session);
	/* A module that is older than this agent. */
	if (r == -EINVAL && message.gentle) {
		session.flags &= ~(uint32_t)EBB_SESSION_FLAG_GENTLE;
		r = ebb_device_session_start(&session);
	}
	return device_answer(request, r);
}

static char *run_session_stop(const struct ebb_msg *request,
			      const struct ebb_command_context *context)
{
	(void)context;
	return device_answer(request, ebb_device_session_stop());
}

static char *run_target(const struct ebb_msg *request,
			const struct ebb_command_context *context)
{
	struct ebb_msg_target_state state;
	struct ebb_msg_target message;
	struct ebb_msg_error error;

	if (ebb_msg_decode(request->body, ebb_msg_target_fields, &message,
			   sizeof(message), &error) < 0)
		return bad_arguments(request, &error);
	if (ebb_target_ask(context->target, &message, &state) < 0) {
		snprintf(error.text, sizeof(error.text),
			 "timeout-ms: must be at least 1");
		return bad_arguments(request, &error);
	}
	return ebb_msg_reply(ebb_msg_encode(ebb_msg_target_state_fields,
					    &state),
			     request->id);
}

static char *run_compact(const struct ebb_msg *request,
			 const struct ebb_command_context *context)
{
	struct ebb_msg_compact_state state;

	ebb_target_compact(context->target, &state);
	return ebb_msg_reply(ebb_msg_encode(ebb_msg_compact_state_fields,
					    &state),
			     request->id);
}

static const struct command commands[] = {
	{ "guest-sync", run_sync },
	{ "guest-sync-delimited", run_sync_delimited },
	{ "guest-ping", run_ping },
	{ "guest-info", run_guest_info },
	{ "ebb-info", run_ebb_info },
	{ "ebb-facts", run_ebb_facts },
	{ "ebb-challenge", run_challenge },
	{ "ebb-session-start", run_session_start },
	{ "ebb-session-stop", run_session_stop },
	{ "ebb-target", run_target },
	{ "ebb-compact", run_compact },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

bool ebb_command_is_known(const char *name)
{
	return find_command(name) != NULL;
}

char *ebb_command_run(const struct ebb_msg *request,
		      const struct ebb_command_context *context)
{
	return find_command(request->name)->run(request, context);
}

static bool list_has(struct json_object *list, const char *name)
{
	struct json_object *member;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);

		if (json_object_object_get_ex(entry, "name", &member) &&
		    json_object_is_type(member, json_type_string) &&
		    strcmp(json_object_get_string(member), name) == 0)
			return true;
	}
	return false;
}

struct json_object *ebb_command_merge_info(struct json_object *value)
{
	struct json_object *merged = NULL, *list, *entry;

	if (!json_object_object_get_ex(value, "supported_commands", &list) ||
	    !json_object_is_type(list, json_type_array))
		return NULL;
	if (json_object_deep_copy(value, &merged, NULL) < 0)
		return NULL;
	json_object_object_get_ex(merged, "supported_commands", &list);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(commands); i++) {
		if (list_has(list, commands[i].name))
			continue;
		entry = json_object_new_object();
		json_object_object_add(
			entry, "name",
			json_object_new_string(commands[i].name));
		json_object_object_add(entry, "enabled",
				       json_object_new_boolean(true));
		json_object_object_add(entry, "success-response",
				       json_object_new_boolean(true));
		json_object_array_add(list, entry);
	}
	return merged;
}
