/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/domain/asked.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/size.h"
#include "host/interface/status.h"
#include "host/libvirt/virt.h"

struct asked {
	struct ebb_past *past;
	char domain[EBB_NAME_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];
	const char *action;
	uid_t uid;
};

static void tell_done(const struct asked *asked, struct ebb_news *news,
		      const struct json_object *value)
{
	struct ebb_deflate_result deflated;

	news->reason = "done";
	if (ebb_msg_decode(value, ebb_deflate_result_fields, &deflated,
			   sizeof(deflated), NULL) < 0) {
		ebb_past_tell(asked->past, EBB_LOG_INFO, news, "%s: %s: done",
			      asked->domain, asked->action);
		return;
	}
	news->came_bytes = deflated.given_bytes;
	ebb_past_tell(asked->past, EBB_LOG_INFO, news,
		      "%s: %s: the guest has %s back", asked->domain,
		      asked->action, EBB_SIZE(deflated.given_bytes));
}

static void on_answer(const struct json_object *value, const char *error,
		      void *opaque)
{
	struct asked *asked = opaque;
	struct ebb_news news = {
		.kind = EBB_EVENT_OUTCOME,
		.domain = asked->domain,
		.uuid = asked->uuid,
		.action = asked->action,
		.reason = "error",
		.by_person = true,
		.uid = asked->uid,
	};

	if (error)
		ebb_past_tell(asked->past, EBB_LOG_INFO, &news,
			      "%s: %s: error: %s", asked->domain, asked->action,
			      error);
	else
		tell_done(asked, &news, value);
	free(asked);
}

void ebb_asked_tell(struct ebb_past *past, struct ebb_call *call,
		    const char *domain, const char *uuid, const char *action,
		    const char *words)
{
	struct asked *asked = malloc(sizeof(*asked));
	const struct ebb_news news = {
		.kind = EBB_EVENT_REQUEST,
		.domain = domain,
		.uuid = uuid,
		.action = action,
		.by_person = true,
		.uid = ebb_call_uid(call),
	};

	ebb_past_tell(past, EBB_LOG_INFO, &news, "%s: %s%s", domain, action,
		      words);
	if (!asked)
		return;
	*asked = (struct asked){ .past = past,
				 .action = action,
				 .uid = news.uid };
	snprintf(asked->domain, sizeof(asked->domain), "%s", domain);
	snprintf(asked->uuid, sizeof(asked->uuid), "%s", uuid);
	ebb_call_on_answer(call, on_answer, asked);
}
