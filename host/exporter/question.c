/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/question.h"

#include <stddef.h>

static const char *const domain_members[] = {
	"name",
	"uuid",
	"state",
	"rung",
	"known",
	"resident-known",
	"in-job",
	"policy-paused",
	"reasons",
	"memory-bytes",
	"balloon-known",
	"balloon-bytes",
	"resident-bytes",
	"swapped-bytes",
	"swapped-known",
	"lent-bytes",
	"lent-known",
	"free-bytes",
	"free-huge-bytes",
	"available-bytes",
	"facts-age-ms",
	"reclaimed-bytes",
	"pool-lent-bytes",
	"pool-owed-bytes",
	"pool-reserved-bytes",
	"reclaim-runs",
	"target-bytes",
	"target-effective-bytes",
	"target-reason",
	"drop-count",
	"nodes",
	NULL,
};

static const char *const policy_members[] = {
	"name",
	"uuid",
	"mode",
	"min-bytes",
	"max-bytes",
	"shares",
	"state",
	"text",
	"memory-known",
	"usable-bytes",
	"working-set-known",
	"working-set-bytes",
	"last-age-ms",
	"last-text",
	"last-asked-bytes",
	"last-came-bytes",
	"last-ended",
	"parts-known",
	"parts",
	"pending-bytes",
	NULL,
};

static const struct {
	const char *name;
	const char *const *members;
} questions[EXP_ANSWER_COUNT] = {
	[EXP_DAEMON] = { "daemon-show", NULL },
	[EXP_DOMAINS] = { "domain-list", domain_members },
	[EXP_POLICY] = { "policy-explain", policy_members },
	[EXP_PAST] = { "history", NULL },
};

const char *exp_question_name(enum exp_question question)
{
	return questions[question].name;
}

struct json_object *exp_question_request(enum exp_question question)
{
	const char *const *member = questions[question].members;
	struct json_object *request, *names;

	if (!member)
		return NULL;
	request = json_object_new_object();
	names = json_object_new_array();
	if (!request || !names ||
	    json_object_object_add(request, "members", names) < 0) {
		json_object_put(names);
		json_object_put(request);
		return NULL;
	}
	for (; *member; member++) {
		struct json_object *name = json_object_new_string(*member);

		if (!name || json_object_array_add(names, name) < 0) {
			json_object_put(name);
			json_object_put(request);
			return NULL;
		}
	}
	return request;
}
