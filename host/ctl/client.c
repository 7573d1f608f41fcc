/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/client.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "host/ctl/text.h"
#include "host/interface/asking.h"
#include "host/interface/status.h"

enum {
	/* A doctor may wait for an agent that does not answer. */
	DOMAIN_LIMIT_MS = 90 * 1000,
	DAEMON_LIMIT_MS = 10 * 1000,
};

static const struct ebb_asking_words words = {
	.start = "Start it (systemctl start ebbd), or name its socket with "
		 "--socket",
	.permit = "Use sudo, or join a group that ebbd.conf names: usually "
		  "libvirt, or ebb to look only",
	.busy = "It does not accept connections at the moment: try again, or "
		"see journalctl -u ebbd",
	.stop = ".",
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void answer_fail(struct ctl_answer *answer, enum ctl_exit status,
			const char *error_class, const char *text)
{
	answer->status = status;
	snprintf(answer->error_class, sizeof(answer->error_class), "%s",
		 error_class);
	snprintf(answer->error_desc, sizeof(answer->error_desc), "%s", text);
}

static void take_answer(struct ebb_asking *asking, struct ctl_answer *answer)
{
	switch (asking->asked) {
	case EBB_ASKED_ANSWERED:
		answer->status = CTL_DONE;
		answer->value = ebb_asking_take(asking);
		break;
	case EBB_ASKED_REFUSED:
		answer_fail(answer, CTL_FAILED, asking->error_class,
			    asking->error);
		break;
	case EBB_ASKED_UNREACHABLE:
		answer_fail(answer, CTL_UNREACHABLE, "Unreachable",
			    asking->error);
		break;
	case EBB_ASKED_FAILED:
		answer_fail(answer, CTL_FAILED, "GenericError", asking->error);
		break;
	}
}

/*
 * Until the question has ended. Returns false if the user interrupts it.
 * @mask: lets SIGINT in
 */
static bool wait_for_end(struct ebb_asking *asking, const sigset_t *mask)
{
	while (!interrupted) {
		struct pollfd fd = { .fd = asking->fd, .events = POLLIN };
		int timeout_ms = ebb_asking_timeout_ms(asking);
		struct timespec left = { timeout_ms / 1000,
					 timeout_ms % 1000 * 1000000L };

		ppoll(&fd, 1, timeout_ms < 0 ? NULL : &left, mask);
		if (ebb_asking_turn(asking))
			return true;
	}
	return false;
}

/*
 * Returns false if the user interrupts it. SIGINT is let in only by ppoll(): none is lost
 * before it sleeps.
 */
static bool ask(struct ebb_asking *asking, const struct ctl_request *request)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	struct sigaction old_action;
	sigset_t blocked, mask;
	bool has_ended;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	sigaction(SIGINT, &action, &old_action);
	if (old_action.sa_handler == SIG_IGN)
		sigaction(SIGINT, &old_action, NULL);
	has_ended = ebb_asking_begin(asking, request->command,
				     request->arguments, request->limit_ms) ||
		    wait_for_end(asking, &mask);
	sigaction(SIGINT, &old_action, NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return has_ended;
}

void ctl_ask(const struct ctl_args *args, struct ctl_request *request,
	     struct ctl_answer *ret_answer)
{
	struct ebb_asking asking;

	memset(ret_answer, 0, sizeof(*ret_answer));
	ebb_asking_init(&asking, args->socket, &words);
	asking.on_event = request->on_event;
	asking.opaque = request->opaque;
	if (ask(&asking, request))
		take_answer(&asking, ret_answer);
	else
		answer_fail(ret_answer, CTL_INTERRUPTED, "Interrupted",
			    "interrupted");
	request->arguments = NULL;
	ebb_asking_clear(&asking);
}

void ctl_answer_clear(struct ctl_answer *answer)
{
	json_object_put(answer->value);
	answer->value = NULL;
}

int ctl_answer_error(const struct ctl_args *args,
		     const struct ctl_answer *answer)
{
	const char *text = answer->error_desc;
	char named[CTL_NAMED_BYTES];

	/* A script knows which domain it asked for. */
	if (args->operand_count > 0 && !ctl_given(args, CTL_OPT_JSON))
		text = ctl_named(text, args->operands[0], named);
	return ctl_error(args, answer->status, answer->error_class, "%s", text);
}

int ctl_answer_misfit(const struct ctl_args *args,
		      const struct ebb_msg_error *error)
{
	return ctl_error(args, CTL_FAILED, "GenericError",
			 "ebbd's answer does not fit: %s. Install ebbctl and "
			 "ebbd of the same version.",
			 error->text);
}

int ctl_answer_decode(const struct ctl_args *args,
		      const struct json_object *value,
		      const struct ebb_field *fields, void *ret_message,
		      size_t message_bytes)
{
	struct ebb_msg_error error;

	if (ebb_msg_decode(value, fields, ret_message, message_bytes, &error) <
	    0)
		return ctl_answer_misfit(args, &error);
	ctl_clean_message(fields, ret_message);
	return CTL_DONE;
}

int ctl_ask_domain(const struct ctl_args *args, const char *command,
		   struct json_object **ret_value)
{
	struct ebb_domain_request domain = { 0 };
	struct ctl_request request = {
		.command = command,
		.limit_ms = DOMAIN_LIMIT_MS,
	};
	struct ctl_answer answer;

	strcpy(domain.domain, args->operands[0]);
	strcpy(domain.uri, args->uri);
	request.arguments = ebb_msg_encode(ebb_domain_request_fields, &domain);
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	*ret_value = answer.value;
	return CTL_DONE;
}

/* Whether ebbd serves the libvirt that is asked for; else the exit status. */
static int check_uri(const struct ctl_args *args)
{
	struct ctl_request request = {
		.command = "daemon-show",
		.limit_ms = DAEMON_LIMIT_MS,
	};
	struct ebb_daemon_status daemon;
	struct ctl_answer answer;
	int status;

	if (!*args->uri)
		return CTL_DONE;
	ctl_ask(args, &request, &answer);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	status = ctl_answer_decode(args, answer.value, ebb_daemon_status_fields,
				   &daemon, sizeof(daemon));
	ctl_answer_clear(&answer);
	if (status == CTL_DONE && strcmp(daemon.uri, args->uri) != 0)
		return ctl_error(args, CTL_FAILED, "InvalidArgument",
				 "this ebbd serves %s, not %s. Leave -c out, "
				 "or give the socket of the right ebbd with "
				 "--socket.",
				 daemon.uri, args->uri);
	return status;
}

int ctl_ask_served(const struct ctl_args *args, struct ctl_request *request,
		   struct ctl_answer *ret_answer)
{
	int status = check_uri(args);

	if (status != CTL_DONE) {
		json_object_put(request->arguments);
		return status;
	}
	ctl_ask(args, request, ret_answer);
	return ret_answer->status == CTL_DONE
		       ? CTL_DONE
		       : ctl_answer_error(args, ret_answer);
}
