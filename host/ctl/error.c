/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdarg.h>
#include <stdio.h>

#include "host/ctl/ctl.h"
#include "host/ctl/text.h"

static void print_json_error(const char *error_class, const char *text)
{
	struct json_object *error = json_object_new_object();
	struct json_object *root = json_object_new_object();

	json_object_object_add(error, "class",
			       json_object_new_string(error_class));
	json_object_object_add(error, "desc", json_object_new_string(text));
	json_object_object_add(root, "error", error);
	ctl_json_print(stdout, root);
	json_object_put(root);
}

int ctl_error(const struct ctl_args *args, int status, const char *error_class,
	      const char *format, ...)
{
	char text[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (ctl_given(args, CTL_OPT_JSON))
		print_json_error(error_class, text);
	else
		fprintf(stderr, "ebbctl: error: %s\n", ctl_clean(text, false));
	return status;
}
