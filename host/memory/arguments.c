/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "common/cleanup.h"

enum verdict {
	REFUSED, /* by the reason */
	BY_PEERS, /* a process that has the memory, too, decides */
	FILE_SYSTEM, /* the same, of a kind that maps and never pins */
};

/* Of each option, by which key its kind is named. */
static const struct option {
	const char *name;
	const char *key;
} options[] = {
	{ "-device", "driver" },   { "-netdev", "type" },
	{ "-nic", "type" },	   { "-net", "type" },
	{ "-object", "qom-type" }, { "-blockdev", "driver" },
	{ "-drive", "driver" },
};

/* How the name of a kind begins, in the options of one key. */
static const struct {
	const char *key;
	const char *begins;
	enum verdict verdict;
	enum ebb_reason_id reason;
} rules[] = {
	{ "driver", "vfio-user", REFUSED, EBB_REASON_VHOST_USER },
	{ "driver", "vfio-", REFUSED, EBB_REASON_VFIO },
	{ "driver", "vhost-vdpa", REFUSED, EBB_REASON_VDPA },
	{ "driver", "vhost-user-fs", FILE_SYSTEM, 0 },
	{ "driver", "vhost-user-", BY_PEERS, 0 },
	{ "driver", "x-pci-proxy-dev", BY_PEERS, 0 },
	{ "driver", "nvdimm", REFUSED, EBB_REASON_NVDIMM },
	{ "driver", "virtio-pmem", REFUSED, EBB_REASON_NVDIMM },
	{ "driver", "nvme-io_uring", REFUSED, EBB_REASON_VFIO },
	{ "driver", "virtio-blk-vfio", REFUSED, EBB_REASON_VFIO },
	{ "driver", "virtio-blk-vhost-vdpa", REFUSED, EBB_REASON_VDPA },
	{ "driver", "virtio-blk-vhost-user", BY_PEERS, 0 },
	{ "type", "vhost-user", BY_PEERS, 0 },
	{ "type", "vhost-vdpa", REFUSED, EBB_REASON_VDPA },
	{ "qom-type", "sev-", REFUSED, EBB_REASON_CONFIDENTIAL },
	{ "qom-type", "tdx-", REFUSED, EBB_REASON_CONFIDENTIAL },
	{ "qom-type", "x-vfio-user", REFUSED, EBB_REASON_VHOST_USER },
	{ "qom-type", "vhost-user-", BY_PEERS, 0 },
	{ "qom-type", "cryptodev-vhost-user", BY_PEERS, 0 },
};

/* Where the names that are found go to. */
struct context {
	const struct option *option;
	struct ebb_arguments *arguments;
	struct ebb_reason_list *reasons;
};

static void judge_name(struct context *context, const char *name)
{
	struct ebb_arguments *arguments = context->arguments;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(rules); i++) {
		if (strcmp(context->option->key, rules[i].key) != 0 ||
		    strncmp(name, rules[i].begins, strlen(rules[i].begins)) !=
			    0)
			continue;
		if (rules[i].verdict == REFUSED)
			ebb_reason_add(context->reasons, rules[i].reason,
				       "%s %.40s on QEMU's command line",
				       context->option->name, name);
		else
			arguments->vhost_user = true;
		if (rules[i].verdict == BY_PEERS && !arguments->device[0])
			snprintf(arguments->device, sizeof(arguments->device),
				 "%.40s", name);
		return;
	}
}

/* A key alone, or of what is within: "driver", "file.driver". */
static bool is_key(const struct context *context, const char *key)
{
	const char *dot = strrchr(key, '.');

	return strcmp(dot ? dot + 1 : key, context->option->key) == 0;
}

/* The parser bounds how deep it is. What is no string is nobody's name. */
static void judge_json(struct context *context, struct json_object *value)
{
	if (json_object_is_type(value, json_type_array))
		for (size_t i = 0; i < json_object_array_length(value); i++)
			judge_json(context,
				   json_object_array_get_idx(value, i));
	if (!json_object_is_type(value, json_type_object))
		return;
	json_object_object_foreach(value, key, member) {
		if (is_key(context, key) &&
		    json_object_is_type(member, json_type_string))
			judge_name(context, json_object_get_string(member));
		else
			judge_json(context, member);
	}
}

static void not_understood(struct context *context, const char *option,
			   const char *value)
{
	ebb_reason_add(context->reasons, EBB_REASON_ARGUMENTS_UNKNOWN,
		       "%s %.60s", option, value);
}

/* Cuts the next element off: "KEY=VALUE", with two commas for one of its own. */
static char *next_element(char **rest)
{
	char *element = *rest, *to = element, *from = element;

	while (*from && (from[0] != ',' || from[1] == ',')) {
		if (*from == ',')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : from;
	*to = '\0';
	return element;
}

static void judge_elements(struct context *context, char *text)
{
	bool first = true;

	for (; *text; first = false) {
		char *element = next_element(&text);
		char *equals = strchr(element, '=');

		if (equals)
			*equals = '\0';
		if (!equals && first)
			judge_name(context, element);
		else if (equals && is_key(context, element))
			judge_name(context, equals + 1);
	}
}

static void judge_option(struct context *context, const char *value)
{
	struct json_object *json = NULL;
	char *text = NULL;

	if (*value == '{') {
		json = json_tokener_parse(value);
		if (json)
			judge_json(context, json);
		else
			not_understood(context, context->option->name, value);
		json_object_put(json);
		return;
	}
	text = strdup(value);
	if (text)
		judge_elements(context, text);
	else
		not_understood(context, context->option->name, value);
	free(text);
}

/* GROUP.ID.KEY=VALUE, where "-GROUP" is the option of before. */
static void judge_set(struct context *context, const char *value)
{
	size_t group = strcspn(value, ".");
	size_t key = strcspn(value, "=");

	while (key > 0 && value[key - 1] != '.')
		key--;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(options); i++) {
		context->option = &options[i];
		if (strlen(options[i].name + 1) == group &&
		    strncmp(options[i].name + 1, value, group) == 0)
			judge_option(context, value + key);
	}
}

static void judge(struct context *context, const char *option,
		  const char *value)
{
	if (strcmp(option, "-set") == 0)
		judge_set(context, value);
	if (strcmp(option, "-readconfig") == 0)
		not_understood(context, option, value);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(options); i++) {
		context->option = &options[i];
		if (strcmp(option, options[i].name) == 0)
			judge_option(context, value);
	}
}

void ebb_arguments_parse(const char *text, size_t bytes,
			 struct ebb_arguments *ret_arguments,
			 struct ebb_reason_list *reasons)
{
	struct context context = { .arguments = ret_arguments,
				   .reasons = reasons };
	const char *end = text + bytes, *option = NULL;

	*ret_arguments = (struct ebb_arguments){ 0 };
	while (text < end) {
		size_t length = strnlen(text, (size_t)(end - text));

		if (text + length == end) {
			ebb_reason_add(reasons, EBB_REASON_ARGUMENTS_UNKNOWN,
				       "the last is cut");
			return;
		}
		if (option)
			judge(&context, option, text);
		option = NULL;
		/* QEMU takes --device, too. */
		if (text[0] == '-')
			option = text[1] == '-' ? text + 1 : text;
		text += length + 1;
	}
}
