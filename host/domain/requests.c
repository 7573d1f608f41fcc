/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbctl asks of the fleet: the commands of status.h. */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "host/base/loop.h"
#include "host/domain/fleet_state.h"

static bool check_uri(struct ebb_fleet *fleet, struct ebb_call *call,
		      const char *uri)
{
	const char *own = fleet->environment.config->uri;

	if (*uri == '\0' || strcmp(uri, own) == 0)
		return true;
	ebb_call_error(call, "InvalidArgument",
		       "This ebbd serves %s, not %s; leave -c out, or give "
		       "the socket of the right ebbd with --socket",
		       own, uri);
	return false;
}

static void answer_libvirt_gone(struct ebb_call *call)
{
	ebb_call_error(call, "LibvirtGone",
		       "ebbd has no connection to libvirtd; see: systemctl "
		       "status libvirtd");
}

/*
 * A request's domain, if @uri is the one that is served. NULL: the error was
 * answered.
 */
static struct ebb_vm *find_domain(struct ebb_fleet *fleet,
				  struct ebb_call *call, const char *uri,
				  const char *name)
{
	struct ebb_domain *domain;
	int r;

	if (!check_uri(fleet, call, uri))
		return NULL;
	for (size_t i = 0; i < fleet->count; i++)
		if (strcmp(ebb_vm_name(fleet->vms[i]), name) == 0)
			return fleet->vms[i];
	for (size_t i = 0; i < fleet->count; i++)
		if (strcasecmp(ebb_vm_uuid(fleet->vms[i]), name) == 0)
			return fleet->vms[i];

	r = ebb_virt_lookup(fleet->virt, name, &domain);
	if (r == 0) {
		ebb_call_error(call, "DomainNotRunning",
			       "Domain '%s' is not running; start it: virsh "
			       "start %s",
			       name, name);
		ebb_domain_unref(domain);
	} else if (r == -ENOENT) {
		ebb_call_error(call, "DomainNotFound",
			       "No domain '%s'; see: virsh list --all", name);
	} else {
		answer_libvirt_gone(call);
	}
	return NULL;
}

/* Arguments that all domain commands share. NULL: the error was answered. */
static struct ebb_vm *decode_domain(struct ebb_fleet *fleet,
				    struct ebb_call *call,
				    const struct json_object *arguments)
{
	struct ebb_domain_request request;
	struct ebb_msg_error error;

	if (ebb_msg_decode(arguments, ebb_domain_request_fields, &request,
			   sizeof(request), &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		return NULL;
	}
	return find_domain(fleet, call, request.uri, request.domain);
}

static void handle_daemon_show(struct ebb_call *call,
			       const struct json_object *arguments,
			       void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_loop_away away = ebb_loop_longest();
	struct ebb_daemon_status status = {
		.version = PACKAGE_VERSION,
		.loop_away_max_us = (uint32_t)(away.longest_ns / EBB_NS_PER_US),
		.libvirt_connected = ebb_virt_is_connected(fleet->virt),
		.domain_count = (uint32_t)fleet->count,
	};

	(void)arguments;
	snprintf(status.uri, sizeof(status.uri), "%s",
		 fleet->environment.config->uri);
	if (away.name)
		snprintf(status.loop_away_in, sizeof(status.loop_away_in), "%s",
			 away.name);
	for (size_t i = 0; i < fleet->count; i++)
		status.lease_count += ebb_vm_has_lease(fleet->vms[i]);
	ebb_call_return(call,
			ebb_msg_encode(ebb_daemon_status_fields, &status));
}

/* Of a domain that does not run, there is little to say. */
static void fill_inactive(struct ebb_domain *domain, const char *state,
			  struct ebb_domain_status *status)
{
	memset(status, 0, sizeof(*status));
	snprintf(status->name, sizeof(status->name), "%s",
		 ebb_domain_name(domain));
	snprintf(status->uuid, sizeof(status->uuid), "%s",
		 ebb_domain_uuid(domain));
	snprintf(status->rung, sizeof(status->rung), "-");
	snprintf(status->state, sizeof(status->state), "%s", state);
	status->facts_age_ms = UINT32_MAX;
}

static void fill_status(struct ebb_fleet *fleet, struct ebb_domain *domain,
			struct ebb_domain_status *status)
{
	struct ebb_vm *vm = ebb_fleet_find(fleet, ebb_domain_uuid(domain));
	bool running;
	const char *state = ebb_domain_state(domain, &running);

	if (!vm) {
		fill_inactive(domain, state, status);
		return;
	}
	ebb_vm_status(vm, status);
	snprintf(status->state, sizeof(status->state), "%s", state);
}

static void handle_list(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_status_list list = { 0 };
	struct ebb_domain **domains;
	int count;

	(void)arguments;
	count = ebb_virt_list(fleet->virt, false, &domains);
	if (count < 0) {
		answer_libvirt_gone(call);
		return;
	}
	list.domains = calloc((size_t)count + 1, sizeof(*list.domains));
	for (int i = 0; i < count; i++) {
		if (list.domains && list.domain_count < EBB_LIST_MAX)
			fill_status(fleet, domains[i],
				    &list.domains[list.domain_count++]);
		ebb_domain_unref(domains[i]);
	}
	free(domains);
	if (list.domains)
		ebb_call_return(call, ebb_status_list_encode(&list));
	else
		ebb_call_error(call, "GenericError", "out of memory");
	free(list.domains);
}

static void handle_show(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_vm *vm = decode_domain(fleet, call, arguments);
	struct ebb_domain_status *status;
	struct ebb_domain *domain;

	if (!vm)
		return;
	status = calloc(1, sizeof(*status));
	if (!status) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	if (ebb_virt_lookup(fleet->virt, ebb_vm_uuid(vm), &domain) == 0) {
		fill_status(fleet, domain, status);
		ebb_domain_unref(domain);
	} else {
		ebb_vm_status(vm, status);
		snprintf(status->state, sizeof(status->state), "unknown");
	}
	ebb_call_return(call, ebb_msg_encode(ebb_domain_status_fields, status));
	free(status);
}

static void handle_doctor(struct ebb_call *call,
			  const struct json_object *arguments, void *opaque)
{
	struct ebb_vm *vm = decode_domain(opaque, call, arguments);

	if (vm)
		ebb_vm_doctor(vm, call);
}

static void handle_set(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_set_request request;
	struct ebb_target_setting setting;
	struct ebb_msg_error error;
	struct ebb_vm *vm;

	if (ebb_msg_decode(arguments, ebb_set_request_fields, &request,
			   sizeof(request), &error) < 0 ||
	    ebb_target_parse(request.free_target, &setting, &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		return;
	}
	vm = find_domain(fleet, call, request.uri, request.domain);
	if (vm)
		ebb_vm_set_target(vm, call, &setting);
}

static void handle_reclaim(struct ebb_call *call,
			   const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_reclaim_request request;
	struct ebb_msg_error error;
	struct ebb_vm *vm;

	if (ebb_msg_decode(arguments, ebb_reclaim_request_fields, &request,
			   sizeof(request), &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		return;
	}
	if (request.all == (request.bytes != 0)) {
		ebb_call_error(call, "InvalidArgument",
			       "Give either a size above 0, or all");
		return;
	}
	vm = find_domain(fleet, call, request.uri, request.domain);
	if (vm)
		ebb_vm_reclaim(vm, call, &request);
}

const struct ebb_control_handler ebb_fleet_handlers[] = {
	{ "daemon-show", handle_daemon_show },
	{ "domain-list", handle_list },
	{ "domain-show", handle_show },
	{ "domain-doctor", handle_doctor },
	{ "domain-set", handle_set },
	{ "domain-reclaim", handle_reclaim },
	{ NULL, NULL },
};
