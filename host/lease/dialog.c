/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/dialog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum {
	/* While the agent is waited for, the bounds are looked at so often. */
	LOOK_MS = 20
};

struct question {
	struct ebb_question head;
	struct ebb_agent_line line;
	struct ebb_dialog_request request;
	struct ebb_dialog_reply reply;
};

static int start_session(struct question *question)
{
	const struct ebb_agent_line *line = &question->line;
	const struct ebb_msg_session_start *start = &question->request.session;
	struct ebb_msg_error *error = &question->reply.error;
	int guest_errno;
	int r = ebb_agent_session_start(line, start, &guest_errno, error);

	if (r < 0 && guest_errno == EBUSY)
		return -EBUSY;
	/* The guest may not have noticed yet that the host before it is gone. */
	if (r == -EREMOTEIO && ebb_agent_session_stop(line, error) == 0)
		r = ebb_agent_session_start(line, start, &guest_errno, error);
	return r;
}

static void ask_agent(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;
	const struct ebb_agent_line *line = &question->line;
	struct ebb_dialog_reply *reply = &question->reply;

	switch (question->request.kind) {
	case EBB_DIALOG_SESSION:
		reply->result = start_session(question);
		break;
	case EBB_DIALOG_TARGET:
		reply->result = ebb_agent_target(line,
						 &question->request.target,
						 &reply->target, &reply->error);
		break;
	case EBB_DIALOG_COMPACT:
		reply->result =
			ebb_agent_compact(line, &reply->compact, &reply->error);
		break;
	case EBB_DIALOG_FACTS:
		reply->result = ebb_agent_facts(line->channel, line->timeout_ms,
						&reply->facts, &reply->error);
		break;
	}
}

static void release_question(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;

	ebb_channel_unref(question->line.channel);
	free(question);
}

int ebb_dialog_start(struct ebb_dialog *dialog, struct ebb_channel *channel,
		     uint32_t agent_ms)
{
	*dialog = (struct ebb_dialog){
		.line = { .channel = channel, .timeout_ms = agent_ms },
	};
	dialog->line.talk = ebb_channel_begin_talk(channel);
	return ebb_asker_new(&dialog->asker);
}

void ebb_dialog_stop(struct ebb_dialog *dialog)
{
	/* What it asked and was not sent yet is nobody's wish any more. */
	ebb_channel_begin_talk(dialog->line.channel);
	ebb_asker_free(dialog->asker);
	dialog->asker = NULL;
}

bool ebb_dialog_is_open(const struct ebb_dialog *dialog)
{
	return ebb_asker_is_asked(dialog->asker);
}

int ebb_dialog_say(struct ebb_dialog *dialog,
		   const struct ebb_dialog_request *request)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	question->head.work = ask_agent;
	question->head.release = release_question;
	question->line = dialog->line;
	ebb_channel_ref(question->line.channel);
	question->request = *request;
	ebb_asker_ask(dialog->asker, &question->head);
	return 0;
}

bool ebb_dialog_hear(struct ebb_dialog *dialog, uint64_t until_ns,
		     struct ebb_dialog_reply *ret_reply)
{
	struct ebb_question *head = ebb_asker_take(dialog->asker, until_ns);

	if (!head)
		return false;
	*ret_reply = ((struct question *)(void *)head)->reply;
	head->release(head);
	return true;
}

/* EBB_END_NONE: it was heard. */
static enum ebb_reclaim_end await_reply(struct ebb_dialog *dialog,
					const struct ebb_bounds *bounds,
					const struct ebb_books *books,
					struct ebb_dialog_reply *ret_reply)
{
	enum ebb_reclaim_end end;

	do {
		if (ebb_dialog_hear(dialog,
				    ebb_now_ns() + LOOK_MS * UINT64_C(1000000),
				    ret_reply))
			return EBB_END_NONE;
		end = ebb_bounds_end(bounds, books);
	} while (end == EBB_END_NONE);
	return end;
}

enum ebb_reclaim_end ebb_dialog_ask(struct ebb_dialog *dialog,
				    const struct ebb_bounds *bounds,
				    const struct ebb_books *books,
				    const struct ebb_dialog_request *request,
				    struct ebb_dialog_reply *ret_reply)
{
	enum ebb_reclaim_end end = ebb_bounds_end(bounds, books);

	/* What nobody heard any more: of a session that is over. */
	if (end == EBB_END_NONE && ebb_dialog_is_open(dialog))
		end = await_reply(dialog, bounds, books, ret_reply);
	if (end != EBB_END_NONE)
		return end;
	*ret_reply = (struct ebb_dialog_reply){ 0 };
	ret_reply->result = ebb_dialog_say(dialog, request);
	if (ret_reply->result < 0) {
		snprintf(ret_reply->error.text, sizeof(ret_reply->error.text),
			 "out of memory");
		return EBB_END_NONE;
	}
	return await_reply(dialog, bounds, books, ret_reply);
}
