/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/reclaim_call.h"

#include <stdlib.h>

#include "common/size.h"
#include "host/domain/reclaim_answer.h"
#include "host/history/past.h"

/*
 * @asked: the vm has the order, and ends it by on_done()
 * @gone: nobody hears the answer, which ends the call all the same
 */
struct client {
	struct ebb_past *past;
	struct ebb_vm *vm;
	struct ebb_call *call;
	bool asked;
	bool gone;
};

static void tell_request(const struct client *client,
			 const struct ebb_reclaim_request *request)
{
	const struct ebb_news news = {
		.kind = EBB_EVENT_REQUEST,
		.domain = ebb_vm_name(client->vm),
		.uuid = ebb_vm_uuid(client->vm),
		.action = "reclaim",
		.by_person = true,
		.uid = ebb_call_uid(client->call),
		.asked_bytes = request->bytes,
	};

	ebb_past_tell(client->past, EBB_LOG_INFO, &news,
		      "%s: reclaim of %s%s%s%s", news.domain,
		      request->all ? "all that is free"
				   : EBB_SIZE(request->bytes),
		      request->free_only ? ", of what is free alone" : "",
		      request->gentle ? ", gently" : "",
		      request->dry_run ? ", dry run" : "");
}

static void tell_outcome(const struct client *client,
			 const struct ebb_reclaim_report *report)
{
	const struct ebb_reclaim *reclaim = report->reclaim;
	struct ebb_news news = {
		.kind = EBB_EVENT_OUTCOME,
		.domain = ebb_vm_name(client->vm),
		.uuid = ebb_vm_uuid(client->vm),
		.action = "reclaim",
		.reason = reclaim ? ebb_reclaim_end_name(reclaim->outcome.end)
				  : "refused",
		.by_person = true,
		.uid = ebb_call_uid(client->call),
		.came_bytes = reclaim ? reclaim->outcome.bytes : 0,
	};

	if (reclaim && reclaim->wish.dry_run) {
		news.reason = "dry-run";
		ebb_past_tell(client->past, EBB_LOG_INFO, &news,
			      "%s: reclaim: dry run, so nothing was taken",
			      news.domain);
	} else if (reclaim) {
		ebb_past_tell(client->past, EBB_LOG_INFO, &news,
			      "%s: reclaim: %s came: %s", news.domain,
			      EBB_SIZE(news.came_bytes), news.reason);
	} else {
		ebb_past_tell(client->past, EBB_LOG_INFO, &news,
			      "%s: reclaim: refused: %s", news.domain,
			      report->refusal.text);
	}
}

static void on_progress(const struct ebb_reclaim_state *state, void *opaque)
{
	const struct client *client = opaque;

	ebb_reclaim_tell(state, client->call);
}

static void on_done(const struct ebb_reclaim_report *report, void *opaque)
{
	struct client *client = opaque;

	tell_outcome(client, report);
	ebb_reclaim_answer(report, client->call);
	free(client);
}

static void on_gone(void *opaque)
{
	struct client *client = opaque;

	client->gone = true;
	if (client->asked)
		ebb_vm_cancel_reclaim(client->vm, client);
}

void ebb_reclaim_serve(struct ebb_vm *vm, struct ebb_call *call,
		       const struct ebb_reclaim_request *request,
		       struct ebb_past *past)
{
	struct client *client = malloc(sizeof(*client));
	struct ebb_reclaim_order order = {
		.wish = ebb_reclaim_wish_of(request),
		.owner = EBB_OWNER_OPERATOR,
		.progress = on_progress,
		.done = on_done,
		.opaque = client,
	};

	if (!client) {
		ebb_call_error(call, "GenericError", "out of memory");
		return;
	}
	*client = (struct client){ .past = past, .vm = vm, .call = call };
	tell_request(client, request);
	/* It may have gone while libvirtd was asked for the domain. */
	ebb_call_on_cancel(call, on_gone, client);
	if (client->gone) {
		ebb_call_error(call, "GenericError", "Cancelled");
		free(client);
		return;
	}
	client->asked = true;
	ebb_vm_reclaim(vm, &order);
}
