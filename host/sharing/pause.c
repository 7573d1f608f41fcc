/* SPDX-License-Identifier: GPL-2.0-only */
/* An operator has the policy pause or resume, for one domain or for all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/control/arguments.h"
#include "host/sharing/state.h"

static struct ebb_member *find_member(const struct ebb_sharing *sharing,
				      const char *domain)
{
	for (uint32_t i = 0; i < sharing->members.count; i++)
		if (ebb_member_is_called(sharing->members.items[i], domain))
			return sharing->members.items[i];
	return NULL;
}

static void pause_all(struct ebb_sharing *sharing, bool pause,
		      struct ebb_policy_result *result)
{
	result->was_paused = sharing->paused;
	sharing->paused = pause;
	if (pause)
		ebb_sharing_end_orders(sharing);
}

/* @member: of @domain, or NULL if that does not run. Returns 0 or -ENOMEM. */
static int pause_one(struct ebb_sharing *sharing,
		     const struct ebb_exempt *domain, struct ebb_member *member,
		     bool pause, struct ebb_policy_result *result)
{
	snprintf(result->name, sizeof(result->name), "%s",
		 *domain->name ? domain->name : domain->uuid);
	result->was_paused = ebb_sharing_is_exempt(sharing, domain->uuid);
	if (pause && ebb_sharing_exempt(sharing, domain) < 0)
		return -ENOMEM;
	if (!pause)
		ebb_sharing_readmit(sharing, domain->uuid);
	if (!member)
		return 0;
	member->exempt = pause;
	if (pause)
		ebb_sharing_end_order(member);
	return 0;
}

/* One that runs, or, as it may be off for good, one that is paused. */
static bool find_domain(const struct ebb_sharing *sharing, const char *name,
			struct ebb_exempt *ret_domain,
			struct ebb_member **ret_member)
{
	struct ebb_member *member = find_member(sharing, name);

	*ret_member = member;
	if (!member)
		return ebb_sharing_find_exempt(sharing, name, ret_domain);
	memcpy(ret_domain->uuid, member->uuid, sizeof(ret_domain->uuid));
	memcpy(ret_domain->name, member->name, sizeof(ret_domain->name));
	return true;
}

/* @domain: NULL: it is for all. */
static void tell_request(const struct ebb_sharing *sharing,
			 const struct ebb_call *call,
			 const struct ebb_exempt *domain, bool pause)
{
	bool was_paused = domain ? ebb_sharing_is_exempt(sharing, domain->uuid)
				 : sharing->paused;
	const struct ebb_news news = {
		.kind = EBB_EVENT_REQUEST,
		.domain = domain ? domain->name : NULL,
		.uuid = domain ? domain->uuid : NULL,
		.action = pause ? "pause" : "resume",
		.by_person = true,
		.uid = ebb_call_uid(call),
	};

	ebb_past_tell(sharing->options.past, EBB_LOG_INFO, &news,
		      "policy: %s%s%s%s", pause ? "paused" : "resumed",
		      domain ? " for " : "",
		      !domain	      ? ""
		      : *domain->name ? domain->name
				      : domain->uuid,
		      was_paused != pause ? ""
		      : pause		  ? ", as it was already"
					  : ", though it was not paused");
}

void ebb_sharing_handle_pause(struct ebb_call *call,
			      const struct json_object *arguments, void *opaque)
{
	struct ebb_sharing *sharing = opaque;
	struct ebb_policy_result result = { 0 };
	struct ebb_policy_request request;
	struct ebb_member *member = NULL;
	struct ebb_exempt domain;
	bool all;
	int r;

	if (!ebb_call_decode(call, arguments, ebb_policy_request_fields,
			     &request, sizeof(request)))
		return;
	all = *request.domain == '\0';
	if (!all && !find_domain(sharing, request.domain, &domain, &member)) {
		if (request.pause)
			ebb_sharing_answer_not_found(call, request.domain);
		else
			ebb_call_error(call, "DomainNotFound",
				       "Domain '%s' does not run, and the "
				       "policy is not paused for it; see: "
				       "ebbctl policy status",
				       request.domain);
		return;
	}
	result.paused = request.pause;
	tell_request(sharing, call, all ? NULL : &domain, request.pause);
	r = ebb_pause_files_keep(&sharing->pause_files,
				 all ? NULL : domain.uuid, request.pause);
	if (r < 0)
		snprintf(result.note, sizeof(result.note),
			 "A restart of ebbd forgets this, as it cannot be kept "
			 "in %.200s: %s",
			 sharing->options.state_dir, strerror(-r));
	else if (!ebb_sharing_config(sharing)->enabled)
		snprintf(result.note, sizeof(result.note),
			 "The policy is off: enabled = no in ebbd.conf");
	if (all) {
		pause_all(sharing, request.pause, &result);
	} else if (pause_one(sharing, &domain, member, request.pause, &result) <
		   0) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	if (!request.pause)
		sharing->wake(sharing);
	ebb_call_return(call,
			ebb_msg_encode(ebb_policy_result_fields, &result));
}
