/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/past.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_name(const char *name, char *ret_name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= EBB_NAME_BYTES_MAX)
		return false;
	memcpy(ret_name, name, length + 1);
	return true;
}

static bool take_number(const char *digits, uint64_t *ret_number)
{
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*ret_number = strtoull(digits, &end, 10);
	return !errno && !*end && *ret_number <= INT64_MAX;
}

bool exp_past_parse(const char *domain, const char *budget, const char *last_ms,
		    struct ebb_history_request *ret_request)
{
	struct ebb_history_request request = { .limit = EXP_PAST_POINTS };

	if (!domain == !budget)
		return false;
	if (domain ? !take_name(domain, request.domain)
		   : !take_name(budget, request.budget))
		return false;
	if (last_ms && !take_number(last_ms, &request.last_ms))
		return false;
	*ret_request = request;
	return true;
}

bool exp_past_is_same(const struct ebb_history_request *a,
		      const struct ebb_history_request *b)
{
	return strcmp(a->domain, b->domain) == 0 &&
	       strcmp(a->budget, b->budget) == 0 && a->last_ms == b->last_ms;
}

struct json_object *
exp_past_arguments(const struct ebb_history_request *request)
{
	return ebb_msg_encode(ebb_history_request_fields, request);
}

static void print_trouble(const char *trouble, struct exp_text *text)
{
	exp_text_add(text, "{\"trouble\":");
	exp_text_string(text, trouble);
	exp_text_add(text, "}\n");
}

void exp_past_print(const struct exp_round *round, struct exp_text *text)
{
	struct json_object *answer = round->answers[EXP_PAST];
	struct ebb_history history;
	struct ebb_msg_error error;

	if (!answer) {
		print_trouble(round->error, text);
		return;
	}
	/* That it is as it should be; the page gets what came. */
	if (ebb_history_decode(answer, &history, &error) < 0) {
		print_trouble(error.text, text);
		return;
	}
	ebb_history_clear(&history);
	exp_text_add(text, "%s\n",
		     json_object_to_json_string_ext(answer,
						    JSON_C_TO_STRING_PLAIN));
}
