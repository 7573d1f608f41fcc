/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/checkup/checkup.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/control/arguments.h"
#include "host/interface/plain.h"

enum {
	/* libvirtd is looked at so often, and has so long to answer. */
	LIBVIRT_TURN_MS = 50,
	LIBVIRT_WAIT_MS = 1000,
};

/**
 * struct look - one answer that is being made
 * @timer: while libvirtd is waited for, else -1
 * @since_ns: when libvirtd was asked
 * @picture: the worker's while it reads
 */
struct look {
	struct ebb_checkup *checkup;
	struct look *next;
	struct ebb_call *call;
	int timer;
	uint64_t since_ns;
	struct ebb_checkup_picture picture;
};

struct ebb_checkup {
	struct ebb_checkup_options options;
	struct look *looks;
};

static void look_free(struct look *look)
{
	struct look **link = &look->checkup->looks;

	while (*link != look)
		link = &(*link)->next;
	*link = look->next;
	if (look->timer >= 0)
		ebb_loop_timer_remove(look->timer);
	free(look);
}

/* A mistake that is there now, also one that ebbd has not read. */
static void read_config(const struct ebb_checkup_options *options,
			struct ebb_checkup_picture *picture)
{
	struct ebb_config config = { 0 };
	struct ebb_msg_error error;

	if (ebb_config_load(options->path, options->presence, &config, &error) <
	    0) {
		snprintf(picture->config_error, sizeof(picture->config_error),
			 "%s", error.text);
		/* A path, or a cut one, may be no UTF-8. */
		ebb_plain(picture->config_error);
		return;
	}
	ebb_config_clear(&config);
}

static void look_work(void *opaque)
{
	struct look *look = opaque;

	ebb_host_facts_read("", &look->picture.facts);
	read_config(&look->checkup->options, &look->picture);
}

/* What the loop knows. */
static void fill(struct ebb_checkup_picture *picture,
		 const struct ebb_checkup_options *options)
{
	struct ebb_fleet_libvirt libvirt;
	struct ebb_watch_sources sources =
		ebb_sharing_sources(options->sharing);

	ebb_fleet_see_libvirt(options->fleet, &libvirt);
	picture->libvirt_connected = libvirt.connected;
	picture->libvirt_version = libvirt.version;
	picture->libvirt_silent = libvirt.silent;
	picture->pressure_error = sources.pressure_error;
	picture->deaf_cgroups = sources.cgroups_deaf;
	picture->start = *options->start;
	picture->budgets_known =
		ebb_sharing_show(options->sharing, &picture->budgets) == 0;
	snprintf(picture->uri, sizeof(picture->uri), "%s",
		 options->config->uri);
	snprintf(picture->group, sizeof(picture->group), "%s",
		 options->config->group);
	snprintf(picture->read_group, sizeof(picture->read_group), "%s",
		 options->config->read_group);
}

static void answer(struct look *look)
{
	struct ebb_doctor *doctor = malloc(sizeof(*doctor));

	fill(&look->picture, &look->checkup->options);
	if (doctor) {
		ebb_checkup_examine(&look->picture, doctor);
		ebb_call_return(look->call,
				ebb_msg_encode(ebb_doctor_fields, doctor));
	} else {
		ebb_call_error(look->call, "GenericError", "out of memory");
	}
	free(doctor);
	look_free(look);
}

static void on_turn(int timer, void *opaque)
{
	struct look *look = opaque;
	struct ebb_fleet_libvirt libvirt;

	(void)timer;
	ebb_fleet_see_libvirt(look->checkup->options.fleet, &libvirt);
	if (!libvirt.owed || libvirt.silent ||
	    ebb_now_ns() - look->since_ns >= LIBVIRT_WAIT_MS * EBB_NS_PER_MS)
		answer(look);
}

static void look_done(void *opaque)
{
	struct look *look = opaque;

	look->timer = ebb_loop_timer(0, on_turn, look);
	if (look->timer >= 0)
		ebb_loop_timer_set(look->timer, LIBVIRT_TURN_MS);
	else
		answer(look);
}

static void handle_doctor(struct ebb_call *call,
			  const struct json_object *arguments, void *opaque)
{
	struct ebb_checkup *checkup = opaque;
	struct ebb_host_request request;
	struct look *look;

	if (!ebb_call_decode(call, arguments, ebb_host_request_fields, &request,
			     sizeof(request)))
		return;
	look = calloc(1, sizeof(*look));
	if (!look) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	look->checkup = checkup;
	look->call = call;
	look->timer = -1;
	look->since_ns = ebb_now_ns();
	snprintf(look->picture.ebbctl_version,
		 sizeof(look->picture.ebbctl_version), "%s", request.version);
	look->next = checkup->looks;
	checkup->looks = look;
	ebb_fleet_ask(checkup->options.fleet);
	if (ebb_workers_run(checkup->options.workers, EBB_WORK_READ, look_work,
			    look_done, look) == 0)
		return;
	ebb_call_error(call, "GenericError", "no thread can be started");
	look_free(look);
}

const struct ebb_control_handler ebb_checkup_handlers[] = {
	{ "host-doctor", handle_doctor, .reads = true },
	{ .command = NULL },
};

struct ebb_checkup *ebb_checkup_new(const struct ebb_checkup_options *options)
{
	struct ebb_checkup *checkup = calloc(1, sizeof(*checkup));

	if (checkup)
		checkup->options = *options;
	return checkup;
}

void ebb_checkup_free(struct ebb_checkup *checkup)
{
	while (checkup && checkup->looks) {
		ebb_call_error(checkup->looks->call, "GenericError",
			       "ebbd ends");
		look_free(checkup->looks);
	}
	free(checkup);
}
