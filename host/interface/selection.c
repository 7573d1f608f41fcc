/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/selection.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_list_of_names(const struct json_object *names)
{
	size_t count;

	if (!json_object_is_type(names, json_type_array))
		return false;
	count = json_object_array_length(names);
	for (size_t i = 0; i < count; i++)
		if (!json_object_is_type(json_object_array_get_idx(names, i),
					 json_type_string))
			return false;
	return true;
}

static bool is_named(struct json_object *names, const char *name)
{
	size_t count = json_object_array_length(names);

	for (size_t i = 0; i < count; i++)
		if (strcmp(json_object_get_string(
				   json_object_array_get_idx(names, i)),
			   name) == 0)
			return true;
	return false;
}

int ebb_selection_make(const struct ebb_field *all,
		       const struct json_object *request,
		       struct ebb_selection *ret_selection,
		       struct ebb_msg_error *ret_error)
{
	struct ebb_selection selection = { 0 };
	struct json_object *names = NULL;
	size_t count = 0;

	json_object_object_get_ex(request, "members", &names);
	if (names && !is_list_of_names(names)) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'members' must be a list of names");
		return -EINVAL;
	}
	for (const struct ebb_field *field = all; field->name; field++) {
		if (names && !is_named(names, field->name))
			continue;
		if (count == EBB_SELECTION_MAX) {
			snprintf(ret_error->text, sizeof(ret_error->text),
				 "more than %d members", EBB_SELECTION_MAX);
			return -E2BIG;
		}
		selection.fields[count++] = *field;
	}
	*ret_selection = selection;
	return 0;
}
