/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/permission.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "common/clock.h"

struct question {
	struct ebb_question head;
	struct ebb_domain *domain;
	int answer;
};

static void ask_libvirt(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;
	int job = ebb_domain_job(question->domain);

	if (job < 0)
		question->answer = job;
	else
		question->answer = job == EBB_JOB_MEMORY ? -EBUSY : 0;
}

static void release_question(struct ebb_question *head)
{
	struct question *question = (struct question *)(void *)head;

	ebb_domain_unref(question->domain);
	free(question);
}

static bool is_within(uint64_t since_ns, uint32_t age_ms)
{
	return since_ns && ebb_now_ns() - since_ns < (uint64_t)age_ms * 1000000;
}

static int ask(struct ebb_permission *permission)
{
	struct question *question = calloc(1, sizeof(*question));

	if (!question)
		return -ENOMEM;
	permission->asked_ns = ebb_now_ns();
	question->head.work = ask_libvirt;
	question->head.release = release_question;
	question->domain = ebb_domain_ref(permission->domain);
	ebb_asker_ask(permission->asker, &question->head);
	return 0;
}

/* @until_ns: 0: what is there. */
static void take_answer(struct ebb_permission *permission, uint64_t until_ns)
{
	struct ebb_question *head = ebb_asker_take(permission->asker, until_ns);

	if (!head)
		return;
	permission->answer = ((struct question *)(void *)head)->answer;
	permission->answered_ns = permission->asked_ns;
	head->release(head);
}

int ebb_permission_start(struct ebb_permission *permission,
			 struct ebb_domain *domain)
{
	*permission = (struct ebb_permission){ .domain = domain };
	return ebb_asker_new(&permission->asker);
}

void ebb_permission_stop(struct ebb_permission *permission)
{
	ebb_asker_free(permission->asker);
	permission->asker = NULL;
}

void ebb_permission_want(struct ebb_permission *permission)
{
	take_answer(permission, 0);
	if (!is_within(permission->answered_ns, EBB_PERMISSION_MS / 2) &&
	    !ebb_asker_is_asked(permission->asker))
		ask(permission);
}

/* Where answers take longer than they are good for, one of now does. */
static bool is_good(const struct ebb_permission *permission, uint64_t wanted_ns)
{
	return (permission->answered_ns &&
		permission->answered_ns >= wanted_ns) ||
	       is_within(permission->answered_ns, EBB_PERMISSION_MS);
}

int ebb_permission_get(struct ebb_permission *permission, uint64_t wanted_ns,
		       uint64_t until_ns)
{
	ebb_permission_want(permission);
	while (!is_good(permission, wanted_ns)) {
		/* What was out was asked too long ago. */
		if (!ebb_asker_is_asked(permission->asker) &&
		    ask(permission) < 0)
			return -ENOMEM;
		if (ebb_now_ns() >= until_ns)
			return -EAGAIN;
		take_answer(permission, until_ns);
	}
	return permission->answer;
}
