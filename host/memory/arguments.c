/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/arguments.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"

enum verdict {
	REFUSED, /* by the reason */
	BY_PEERS, /* a vhost-user process decides */
	FILE_SYSTEM, /* the same, of a kind that maps and never pins */
};

/* Options, and how the name of what they make begins. */
static const struct {
	const char *option;
	const char *key; /* of the name, in JSON */
	const char *begins;
	enum verdict verdict;
	enum ebb_reason_id reason;
} rules[] = {
	{ "-device", "driver", "vfio-user", REFUSED, EBB_REASON_VHOST_USER },
	{ "-device", "driver", "vfio-", REFUSED, EBB_REASON_VFIO },
	{ "-device", "driver", "vhost-vdpa", REFUSED, EBB_REASON_VDPA },
	{ "-device", "driver", "vhost-user-fs", FILE_SYSTEM, 0 },
	{ "-device", "driver", "vhost-user-", BY_PEERS, 0 },
	{ "-device", "driver", "nvdimm", REFUSED, EBB_REASON_NVDIMM },
	{ "-device", "driver", "virtio-pmem", REFUSED, EBB_REASON_NVDIMM },
	{ "-netdev", "type", "vhost-user", BY_PEERS, 0 },
	{ "-netdev", "type", "vhost-vdpa", REFUSED, EBB_REASON_VDPA },
	{ "-object", "qom-type", "sev-", REFUSED, EBB_REASON_CONFIDENTIAL },
	{ "-object", "qom-type", "tdx-", REFUSED, EBB_REASON_CONFIDENTIAL },
	{ "-object", "qom-type", "x-vfio-user", REFUSED,
	  EBB_REASON_VHOST_USER },
};

/* The name after @key in JSON; what is no string there is nobody's name. */
static const char *json_name(const char *value, const char *key)
{
	char quoted[32];
	const char *at;

	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	at = strstr(value, quoted);
	if (!at)
		return NULL;
	at += strlen(quoted);
	at += strspn(at, " \t:");
	return *at == '"' ? at + 1 : NULL;
}

/* The name in "name,key=value" or "key=name,..." or JSON. */
static const char *name_in(const char *value, const char *key)
{
	size_t length = strlen(key);

	if (*value == '{')
		return json_name(value, key);
	if (strncmp(value, key, length) == 0 && value[length] == '=')
		return value + length + 1;
	return value;
}

static void judge(const char *option, const char *value,
		  struct ebb_arguments *arguments,
		  struct ebb_reason_list *reasons)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(rules); i++) {
		const char *name;
		int length;

		if (strcmp(option, rules[i].option) != 0)
			continue;
		name = name_in(value, rules[i].key);
		if (!name || strncmp(name, rules[i].begins,
				     strlen(rules[i].begins)) != 0)
			continue;
		length = (int)strcspn(name, ",\"");
		if (rules[i].verdict == REFUSED)
			ebb_reason_add(reasons, rules[i].reason,
				       "%s %.*s on QEMU's command line", option,
				       length > 40 ? 40 : length, name);
		else
			arguments->vhost_user = true;
		if (rules[i].verdict == BY_PEERS && !arguments->device[0])
			snprintf(arguments->device, sizeof(arguments->device),
				 "%.*s", length, name);
		return;
	}
}

void ebb_arguments_parse(const char *text, size_t bytes,
			 struct ebb_arguments *ret_arguments,
			 struct ebb_reason_list *reasons)
{
	const char *end = text + bytes, *option = NULL;

	*ret_arguments = (struct ebb_arguments){ 0 };
	while (text < end) {
		size_t length = strnlen(text, (size_t)(end - text));

		/* One that is cut is nobody's. */
		if (text + length == end)
			return;
		/* QEMU takes --device, too. */
		if (option)
			judge(option, text, ret_arguments, reasons);
		option = NULL;
		if (text[0] == '-')
			option = text[1] == '-' ? text + 1 : text;
		text += length + 1;
	}
}
