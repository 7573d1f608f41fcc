/* SPDX-License-Identifier: GPL-2.0-only */
/* What ebbctl asks of the fleet: the commands of status.h. */
#include <config.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "host/base/loop.h"
#include "host/control/arguments.h"
#include "host/domain/asked.h"
#include "host/domain/defined.h"
#include "host/domain/fleet_state.h"
#include "host/domain/listing.h"
#include "host/domain/reclaim_call.h"
#include "host/domain/refusal.h"
#include "host/domain/sight.h"

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

static void answer_libvirt_gone(struct ebb_fleet *fleet, struct ebb_call *call)
{
	ebb_call_error(call, "LibvirtGone", "%s see: systemctl status libvirtd",
		       ebb_virt_is_connected(fleet->virt)
			       ? EBB_SILENT_TEXT "; try again, or"
			       : "ebbd has no connection to libvirtd;");
}

/* Why a domain that was asked for has no vm. @hint: if it is off; a sentence, or empty */
static void answer_no_vm(struct ebb_fleet *fleet, struct ebb_call *call,
			 const struct ebb_roster_entry *entry, const char *name,
			 const char *hint)
{
	if (ebb_fleet_is_old(fleet))
		answer_libvirt_gone(fleet, call);
	else if (!entry)
		ebb_call_error(call, "DomainNotFound",
			       "No domain '%s'; see: virsh list --all", name);
	else
		ebb_call_error(call, "DomainNotRunning",
			       "Domain '%s' is not running; start it: virsh "
			       "start %s%s",
			       name, name, hint);
}

/*
 * A request's domain, if @uri is the one that is served; it may be off. NULL: the call
 * was answered, or, with @again, waits for libvirtd to tell of a domain that is not
 * known to run; @again is called then.
 */
static struct ebb_roster_entry *find_entry(struct ebb_fleet *fleet,
					   struct ebb_call *call,
					   const char *uri, const char *name,
					   ebb_pending_fn again,
					   const struct json_object *arguments)
{
	struct ebb_roster_entry *entry;
	uint64_t refresh = 0;

	if (!check_uri(fleet, call, uri))
		return NULL;
	entry = ebb_roster_find_name(&fleet->roster, name);
	if (entry && ebb_fleet_vm(fleet, entry))
		return entry;
	if (again)
		refresh = ebb_fleet_refresh(fleet);
	if (refresh) {
		ebb_fleet_wait(fleet, refresh, again, call, arguments);
		return NULL;
	}
	if (!entry || ebb_fleet_is_old(fleet)) {
		answer_no_vm(fleet, call, entry, name, "");
		return NULL;
	}
	return entry;
}

/* Its vm; one that is off is an error, with @hint. NULL: the call was answered. */
static struct ebb_vm *need_running(struct ebb_fleet *fleet,
				   struct ebb_call *call,
				   struct ebb_roster_entry *entry,
				   const char *hint)
{
	struct ebb_vm *vm = entry ? ebb_fleet_vm(fleet, entry) : NULL;

	if (entry && !vm)
		answer_no_vm(fleet, call, entry, entry->name, hint);
	return vm;
}

/* Both: a request's vm that runs. NULL: the call was answered, or waits. */
static struct ebb_vm *find_running(struct ebb_fleet *fleet,
				   struct ebb_call *call, const char *uri,
				   const char *name, ebb_pending_fn again,
				   const struct json_object *arguments)
{
	return need_running(
		fleet, call,
		find_entry(fleet, call, uri, name, again, arguments), "");
}

/* The arguments that domain commands share. */
static bool decode_domain(struct ebb_call *call,
			  const struct json_object *arguments,
			  struct ebb_domain_request *ret_request)
{
	return ebb_call_decode(call, arguments, ebb_domain_request_fields,
			       ret_request, sizeof(*ret_request));
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

/* ---- list: all that are known, asked for anew if libvirtd answers soon ---- */

static void begin_list(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque)
{
	ebb_listing_begin(opaque, call, arguments);
}

static void serve_list(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	ebb_holdings_serve(&fleet->holdings, begin_list, call, arguments,
			   fleet);
}

static void handle_list(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	uint64_t refresh = ebb_fleet_refresh(fleet);

	ebb_holdings_refresh(&fleet->holdings);
	if (refresh)
		ebb_fleet_wait(fleet, refresh, serve_list, call, arguments);
	else
		serve_list(call, arguments, fleet);
}

/* ---- show ---- */

static void show_entry(struct ebb_fleet *fleet, struct ebb_call *call,
		       struct ebb_roster_entry *entry)
{
	struct ebb_domain_status *status = calloc(1, sizeof(*status));
	bool may_act;

	if (!status) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	ebb_listing_fill(fleet, entry, status);
	may_act = ebb_call_may_act(call);
	ebb_call_return(call, ebb_msg_encode(ebb_domain_status_fields, status));
	free(status);
	/* For who asks again. Who may only look causes no work in a guest. */
	if (may_act)
		ebb_vm_renew_facts(ebb_fleet_vm(fleet, entry));
}

static void show(struct ebb_call *call, const struct json_object *arguments,
		 void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	struct ebb_domain_request request;
	struct ebb_roster_entry *entry;

	if (!decode_domain(call, arguments, &request))
		return;
	/* libvirtd was asked before, as far as it answers. */
	entry = find_entry(fleet, call, request.uri, request.domain, NULL,
			   arguments);
	if (entry && ebb_fleet_vm(fleet, entry))
		show_entry(fleet, call, entry);
	else if (entry)
		ebb_defined_show(fleet, entry, call);
}

static void serve_show(struct ebb_call *call,
		       const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;

	ebb_holdings_serve(&fleet->holdings, show, call, arguments, fleet);
}

static void handle_show(struct ebb_call *call,
			const struct json_object *arguments, void *opaque)
{
	struct ebb_fleet *fleet = opaque;
	uint64_t refresh = ebb_fleet_refresh(fleet);

	ebb_holdings_refresh(&fleet->holdings);
	if (refresh)
		ebb_fleet_wait(fleet, refresh, serve_show, call, arguments);
	else
		serve_show(call, arguments, fleet);
}

/* ---- what is for a vm ---- */

static void doctor(struct ebb_fleet *fleet, struct ebb_call *call,
		   const struct json_object *arguments, ebb_pending_fn again)
{
	struct ebb_domain_request request;
	struct ebb_roster_entry *entry;
	struct ebb_vm *vm;

	if (!decode_domain(call, arguments, &request))
		return;
	entry = find_entry(fleet, call, request.uri, request.domain, again,
			   arguments);
	if (!entry)
		return;
	vm = ebb_fleet_vm(fleet, entry);
	if (!vm) {
		ebb_defined_doctor(fleet, entry, call);
		return;
	}
	/* Who may only look causes no work in a guest. */
	ebb_vm_doctor(vm, call, ebb_call_may_act(call));
	if (ebb_vm_is_waited_for(vm))
		ebb_fleet_watch_silence(fleet);
}

static void fix(struct ebb_fleet *fleet, struct ebb_call *call,
		const struct json_object *arguments, ebb_pending_fn again)
{
	struct ebb_domain_request request;
	struct ebb_roster_entry *entry;
	uint64_t refresh = again ? ebb_fleet_refresh(fleet) : 0;

	if (!decode_domain(call, arguments, &request))
		return;
	/* Before it is asked for the definition, libvirtd shows that it answers. */
	if (refresh) {
		ebb_fleet_wait(fleet, refresh, again, call, arguments);
		return;
	}
	entry = find_entry(fleet, call, request.uri, request.domain, NULL,
			   arguments);
	if (entry && ebb_fleet_is_old(fleet))
		answer_libvirt_gone(fleet, call);
	else if (entry)
		ebb_defined_fix(fleet, entry, call);
}

static void deflate(struct ebb_fleet *fleet, struct ebb_call *call,
		    const struct json_object *arguments, ebb_pending_fn again)
{
	struct ebb_domain_request request;
	struct ebb_vm *vm;

	if (!decode_domain(call, arguments, &request))
		return;
	vm = find_running(fleet, call, request.uri, request.domain, again,
			  arguments);
	if (!vm)
		return;
	ebb_asked_tell(fleet->environment.past, call, ebb_vm_name(vm),
		       ebb_vm_uuid(vm), "deflate", "");
	ebb_vm_deflate(vm, call);
}

static int take_scope(const char *text, struct ebb_set_order *order,
		      struct ebb_msg_error *ret_error)
{
	static const char *const scopes[] = {
		[EBB_SCOPE_BOTH] = "",
		[EBB_SCOPE_LIVE] = "live",
		[EBB_SCOPE_CONFIG] = "config",
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(scopes); i++) {
		if (strcmp(text, scopes[i]) == 0) {
			order->scope = (enum ebb_scope)i;
			return 0;
		}
	}
	snprintf(ret_error->text, sizeof(ret_error->text),
		 "scope is neither 'live' nor 'config'");
	return -EINVAL;
}

static int take_setting(enum ebb_setting setting, const char *text,
			struct ebb_set_order *order,
			struct ebb_msg_error *ret_error)
{
	struct ebb_msg_error error;

	if (strcmp(text, "default") == 0) {
		order->actions[setting] = EBB_SET_DEFAULT;
		return 0;
	}
	order->actions[setting] = EBB_SET_VALUE;
	if (ebb_setting_parse(setting, text, &order->values, &error) == 0)
		return 0;
	snprintf(ret_error->text, sizeof(ret_error->text), "%s: %.200s",
		 ebb_setting_name(setting), error.text);
	return -EINVAL;
}

static int make_set_order(const struct ebb_set_request *request,
			  struct ebb_set_order *ret_order,
			  struct ebb_msg_error *ret_error)
{
	struct ebb_set_order order = { .has_target = request->free_target[0] };
	bool empty = !order.has_target;
	int r = take_scope(request->scope, &order, ret_error);

	if (r == 0 && order.has_target)
		r = ebb_target_parse(request->free_target, &order.target,
				     ret_error);
	for (int i = 0; i < EBB_SETTING_COUNT && r == 0; i++) {
		if (!request->settings[i][0])
			continue;
		empty = false;
		r = take_setting((enum ebb_setting)i, request->settings[i],
				 &order, ret_error);
	}
	if (r == 0 && empty) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "There is nothing to set; give free-target, mode, "
			 "min, max, shares, rungs or reserved");
		r = -EINVAL;
	}
	*ret_order = order;
	return r;
}

static void tell_set(struct ebb_fleet *fleet, const char *name,
		     const char *uuid, struct ebb_call *call,
		     const struct ebb_set_request *request)
{
	char words[EBB_TEXT_BYTES_MAX] = "";
	size_t used = 0;

	if (*request->free_target)
		used = (size_t)snprintf(words, sizeof(words), " free-target=%s",
					request->free_target);
	for (int i = 0; i < EBB_SETTING_COUNT && used < sizeof(words); i++)
		if (*request->settings[i])
			used += (size_t)snprintf(
				words + used, sizeof(words) - used, " %s=%s",
				ebb_setting_name((enum ebb_setting)i),
				request->settings[i]);
	if (strcmp(request->scope, "config") == 0 && used < sizeof(words))
		snprintf(words + used, sizeof(words) - used,
			 " for the next start");
	ebb_asked_tell(fleet->environment.past, call, name, uuid, "set", words);
}

static void set(struct ebb_fleet *fleet, struct ebb_call *call,
		const struct json_object *arguments, ebb_pending_fn again)
{
	struct ebb_set_request request;
	struct ebb_roster_entry *entry;
	struct ebb_set_order order;
	struct ebb_msg_error error;
	struct ebb_vm *vm;

	if (!ebb_call_decode(call, arguments, ebb_set_request_fields, &request,
			     sizeof(request)))
		return;
	if (make_set_order(&request, &order, &error) < 0) {
		ebb_call_error(call, "InvalidArgument", "%s", error.text);
		return;
	}
	entry = find_entry(fleet, call, request.uri, request.domain, again,
			   arguments);
	if (entry && order.scope == EBB_SCOPE_CONFIG &&
	    !ebb_fleet_vm(fleet, entry)) {
		tell_set(fleet, entry->name, entry->uuid, call, &request);
		ebb_defined_set(fleet, entry, call, &order);
		return;
	}
	vm = need_running(fleet, call, entry,
			  ", or set it for its next start: ebbctl set "
			  "--config");
	if (!vm)
		return;
	tell_set(fleet, entry->name, entry->uuid, call, &request);
	ebb_vm_set(vm, call, &order);
	if (ebb_vm_is_waited_for(vm))
		ebb_fleet_watch_silence(fleet);
}

static void reclaim(struct ebb_fleet *fleet, struct ebb_call *call,
		    const struct json_object *arguments, ebb_pending_fn again)
{
	struct ebb_reclaim_request request;
	struct ebb_vm *vm;

	if (!ebb_call_decode(call, arguments, ebb_reclaim_request_fields,
			     &request, sizeof(request)))
		return;
	if (request.all == (request.bytes != 0)) {
		ebb_call_error(call, "InvalidArgument",
			       "Give either a size above 0, or all");
		return;
	}
	vm = find_running(fleet, call, request.uri, request.domain, again,
			  arguments);
	if (!vm)
		return;
	ebb_reclaim_serve(vm, call, &request, fleet->environment.past);
	if (ebb_vm_is_waited_for(vm))
		ebb_fleet_watch_silence(fleet);
}

/* The handler of a command, which may let the call wait once. */
#define HANDLER(name)                                                  \
	static void serve_##name(struct ebb_call *call,                \
				 const struct json_object *arguments,  \
				 void *opaque)                         \
	{                                                              \
		name(opaque, call, arguments, NULL);                   \
	}                                                              \
	static void handle_##name(struct ebb_call *call,               \
				  const struct json_object *arguments, \
				  void *opaque)                        \
	{                                                              \
		name(opaque, call, arguments, serve_##name);           \
	}

HANDLER(doctor)
HANDLER(fix)
HANDLER(set)
HANDLER(reclaim)
HANDLER(deflate)

const struct ebb_control_handler ebb_fleet_handlers[] = {
	{ "daemon-show", handle_daemon_show, .reads = true },
	{ "domain-list", handle_list, .reads = true },
	{ "domain-show", handle_show, .reads = true },
	{ "domain-doctor", handle_doctor, .reads = true },
	{ "domain-fix", handle_fix, .reads = true },
	{ "domain-set", handle_set, .reads = false },
	{ "domain-reclaim", handle_reclaim, .reads = false },
	{ "domain-deflate", handle_deflate, .reads = false },
	{ .command = NULL },
};
