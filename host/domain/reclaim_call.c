/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/reclaim_call.h"

#include <stdlib.h>

#include "host/domain/reclaim_answer.h"

/*
 * @asked: the vm has the order, and ends it by on_done()
 * @gone: nobody hears the answer, which ends the call all the same
 */
struct client {
	struct ebb_vm *vm;
	struct ebb_call *call;
	bool asked;
	bool gone;
};

static void on_progress(const struct ebb_reclaim_state *state, void *opaque)
{
	const struct client *client = opaque;

	ebb_reclaim_tell(state, client->call);
}

static void on_done(const struct ebb_reclaim_report *report, void *opaque)
{
	struct client *client = opaque;

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
		       const struct ebb_reclaim_request *request)
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
	*client = (struct client){ .vm = vm, .call = call };
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
