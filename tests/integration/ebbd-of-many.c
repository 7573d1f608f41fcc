/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbd-of-many SOCKET DOMAINS: stands for an ebbd of many guests, for who watches it.
 *
 * It answers what ebb-exporter asks, by the tables that ebbd uses. The figures of a guest
 * move with each second; names are such as libvirt lets pass. It serves one connection
 * at a time, until it is ended.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "host/interface/explain.h"
#include "host/interface/history.h"
#include "host/interface/selection.h"
#include "host/interface/status.h"

#define MIB (1024ULL * 1024)

enum {
	GUEST_MIB = 4096,
	HOST_MIB = 1048576,
	LINE_BYTES = 4096,
};

static uint32_t domain_count;

static double swing_at(uint32_t index, double seconds)
{
	return 0.5 + 0.5 * sin(seconds / (20 + index % 37) + index);
}

/* Of guest @index: from 0 to 1, by and by. */
static double swing(uint32_t index)
{
	return swing_at(index, (double)(ebb_now_ns() / EBB_NS_PER_MS) / 1000);
}

static void name_domain(uint32_t index, char *ret_name, char *ret_uuid)
{
	static const char *const kinds[] = { "web", "db", "mail", "build" };

	if (index == 1)
		snprintf(ret_name, EBB_NAME_BYTES_MAX,
			 "<img src=x onerror=alert(1)>\"&amp;");
	else if (index == 2)
		snprintf(ret_name, EBB_NAME_BYTES_MAX, "%0200d-long", 0);
	else
		snprintf(ret_name, EBB_NAME_BYTES_MAX, "%s%u", kinds[index % 4],
			 index);
	snprintf(ret_uuid, 37, "00000000-0000-4000-8000-%012u", index);
}

static void set_status(uint32_t index, struct ebb_domain_status *ret)
{
	bool leases = index % 5 != 3;
	double part = swing(index);

	*ret = (struct ebb_domain_status){
		.state = "running",
		.phase = "ready",
		.known = true,
		.resident_known = true,
		.policy_paused = "no",
		.memory_bytes = GUEST_MIB * MIB,
		.resident_bytes = (uint64_t)(GUEST_MIB * part) * MIB,
		.lent_known = true,
		.swapped_known = true,
		.reclaimed_bytes = index * 100 * MIB,
		.reclaim_runs = index,
		.facts_age_ms = leases ? 700 : UINT32_MAX,
	};
	name_domain(index, ret->name, ret->uuid);
	snprintf(ret->rung, sizeof(ret->rung), leases ? "lease" : "observe");
	ret->lent_bytes = ret->memory_bytes - ret->resident_bytes;
	if (leases) {
		snprintf(ret->kernel, sizeof(ret->kernel), "6.1.0");
		ret->free_bytes = ret->lent_bytes + ret->resident_bytes / 8;
		ret->free_huge_bytes = ret->lent_bytes;
		ret->available_bytes = ret->free_bytes;
		ret->node_count = 1;
		ret->nodes[0].total_bytes = ret->memory_bytes;
	} else {
		ret->reason_count = 1;
		snprintf(ret->reasons[0].name, sizeof(ret->reasons[0].name),
			 "private-memory");
		snprintf(ret->reasons[0].text, sizeof(ret->reasons[0].text),
			 "Its memory is private to its QEMU process");
		snprintf(ret->reasons[0].remedy, sizeof(ret->reasons[0].remedy),
			 "Have it shared, and start the guest again");
	}
}

static void set_share(uint32_t index, struct ebb_explain_domain *ret)
{
	struct ebb_domain_status status;

	set_status(index, &status);
	*ret = (struct ebb_explain_domain){
		.mode = "balanced",
		.shares = 1000,
		.state = "no-need",
		.phase = "settled",
		.memory_known = true,
		.usable_bytes = status.memory_bytes,
		.resident_bytes = status.resident_bytes,
		.lent_bytes = status.lent_bytes,
		.cushion_bytes = 128 * MIB,
		.facts_age_ms = status.facts_age_ms,
		.free_bytes = status.free_bytes,
		.working_set_known = true,
		.working_set_bytes = status.resident_bytes / 2,
		.last_age_ms = 1000 * (index + 1),
		.last_asked_bytes = 90 * MIB,
		.last_came_bytes = 92 * MIB,
		.last_ended = "satisfied",
		.parts_known = true,
		.part_count = 1,
		.parts = { { .budget = "host", .part_ppm = 1000000 } },
		.asked_age_ms = UINT32_MAX,
	};
	snprintf(ret->name, sizeof(ret->name), "%s", status.name);
	snprintf(ret->uuid, sizeof(ret->uuid), "%s", status.uuid);
	snprintf(ret->text, sizeof(ret->text),
		 "nothing: the host has no need, and what it has free is its "
		 "cushion");
	snprintf(ret->last_text, sizeof(ret->last_text),
		 "90.0 MiB of 721.8 MiB that it does not use, free for 68 s");
}

static struct json_object *list_all(bool shares,
				    const struct json_object *request)
{
	const struct ebb_field *fields = shares ? ebb_explain_domain_fields
						: ebb_domain_status_fields;
	struct json_object *array = json_object_new_array();
	struct ebb_selection selection;
	struct ebb_msg_error error;
	struct ebb_domain_status status;
	struct ebb_explain_domain share;

	if (ebb_selection_make(fields, request, &selection, &error) < 0)
		return array;
	for (uint32_t i = 0; i < domain_count; i++) {
		if (shares)
			set_share(i, &share);
		else
			set_status(i, &status);
		json_object_array_add(array,
				      ebb_msg_encode(selection.fields,
						     shares ? (void *)&share
							    : (void *)&status));
	}
	return array;
}

static struct json_object *show_daemon(void)
{
	const struct ebb_daemon_status status = {
		.version = "0.1.0",
		.uri = "qemu:///system",
		.libvirt_connected = true,
		.domain_count = domain_count,
		.lease_count = domain_count - domain_count / 5,
		.loop_away_max_us = 12000,
		.loop_away_in = "a question",
	};

	return ebb_msg_encode(ebb_daemon_status_fields, &status);
}

static struct json_object *explain_all(const struct json_object *request)
{
	static struct ebb_explain explain;
	struct json_object *object;
	uint64_t available = (uint64_t)(HOST_MIB * (0.1 + 0.4 * swing(0)));

	explain = (struct ebb_explain){ .enabled = true,
					.budgets_age_ms = 800,
					.budget_count = 1 };
	explain.budgets[0] = (struct ebb_explain_budget){
		.name = "host",
		.limit_bytes = HOST_MIB * MIB,
		.available_bytes = available * MIB,
		.low_bytes = HOST_MIB / 20 * MIB,
		.high_bytes = HOST_MIB / 10 * MIB,
		.covered = true,
		.debt_bytes = HOST_MIB / 8 * MIB,
		.cover_bytes = (available + HOST_MIB / 20) * MIB,
		.mins_fit = true,
	};
	object = ebb_msg_encode(ebb_explain_fields, &explain);
	json_object_object_add(object, "domains", list_all(true, request));
	return object;
}

static void set_value(struct ebb_history_point *point, unsigned int series,
		      double value)
{
	point->values[series] = (struct ebb_history_value){
		.known = true,
		.min = (uint64_t)(value * 0.9),
		.avg = (uint64_t)value,
		.max = (uint64_t)(value * 1.1),
	};
}

static void set_point(bool budget, double part, struct ebb_history_point *ret)
{
	if (budget) {
		set_value(ret, EBB_BUDGET_AVAILABLE,
			  HOST_MIB * (0.1 + 0.4 * part) * MIB);
		set_value(ret, EBB_BUDGET_DEBT, HOST_MIB / 8.0 * MIB);
		set_value(ret, EBB_BUDGET_COVER,
			  HOST_MIB * (0.15 + 0.4 * part) * MIB);
		set_value(ret, EBB_BUDGET_PRESSURE, 30000 * part);
	} else {
		set_value(ret, EBB_DOMAIN_RESIDENT, GUEST_MIB * part * MIB);
		set_value(ret, EBB_DOMAIN_LENT, GUEST_MIB * (1 - part) * MIB);
		set_value(ret, EBB_DOMAIN_PRESSURE, 90000 * part * part);
	}
}

/* A point each minute, of the last hours, with an hour of which nothing is known. */
static struct json_object *show_past(const struct json_object *body)
{
	struct ebb_history_request request;
	struct ebb_history history = { 0 };
	struct ebb_msg_error error;
	struct json_object *object;
	struct timespec now;

	if (ebb_msg_decode(body, ebb_history_request_fields, &request,
			   sizeof(request), &error) < 0)
		return NULL;
	clock_gettime(CLOCK_REALTIME, &now);
	history.now_ms = (uint64_t)now.tv_sec * 1000;
	history.since_ms = history.now_ms - request.last_ms;
	history.step_ms = request.last_ms / request.limit;
	snprintf(history.kind, sizeof(history.kind), "%s",
		 *request.budget ? "budget" : "domain");
	snprintf(history.name, sizeof(history.name), "%s", request.budget);
	snprintf(history.uuid, sizeof(history.uuid), "%.36s", request.domain);
	history.points = calloc(request.limit, sizeof(*history.points));
	for (uint32_t i = 0; history.points && i < request.limit; i++) {
		struct ebb_history_point *point =
			&history.points[history.point_count];

		if (i > request.limit / 3 && i < request.limit / 2)
			continue;
		point->time_ms = history.since_ms + i * history.step_ms;
		set_point(*request.budget, swing_at(0, i * 5.0), point);
		history.point_count++;
	}
	object = ebb_history_encode(&history);
	ebb_history_clear(&history);
	return object;
}

/* Returns NULL for what it does not know. */
static struct json_object *answer_to(const struct ebb_msg *msg)
{
	struct json_object *object;

	if (strcmp(msg->name, "daemon-show") == 0)
		return show_daemon();
	if (strcmp(msg->name, "policy-explain") == 0)
		return explain_all(msg->body);
	if (strcmp(msg->name, "history") == 0)
		return show_past(msg->body);
	if (strcmp(msg->name, "domain-list") != 0)
		return NULL;
	object = json_object_new_object();
	json_object_object_add(object, "domains", list_all(false, msg->body));
	return object;
}

/* A peer that asks one thing at a time, until it leaves. */
static void serve(FILE *in, FILE *out)
{
	char line[LINE_BYTES];

	while (fgets(line, sizeof(line), in)) {
		struct json_object *body;
		struct ebb_msg_error error;
		struct ebb_msg msg;

		if (ebb_msg_parse(line, strlen(line) - 1, &msg, &error) < 0)
			return;
		body = msg.kind == EBB_MSG_REQUEST ? answer_to(&msg) : NULL;
		ebb_msg_clear(&msg);

		if (body)
			fprintf(out, "{\"return\":%s}\n",
				json_object_to_json_string_ext(
					body, JSON_C_TO_STRING_PLAIN));
		else
			fputs("{\"error\":{\"class\":\"CommandNotFound\","
			      "\"desc\":\"not known here\"}}\n",
			      out);
		fflush(out);
		json_object_put(body);
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc != 3) {
		fputs("Usage: ebbd-of-many SOCKET DOMAINS\n", stderr);
		return EXIT_FAILURE;
	}
	domain_count = (uint32_t)strtoul(argv[2], NULL, 10);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", argv[1]);
	unlink(argv[1]);
	if (fd < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 4) < 0) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	for (;;) {
		int client = accept(fd, NULL, NULL);
		FILE *in = fdopen(client, "r"), *out = fdopen(dup(client), "w");

		if (in && out)
			serve(in, out);
		if (in)
			fclose(in);
		if (out)
			fclose(out);
	}
}
