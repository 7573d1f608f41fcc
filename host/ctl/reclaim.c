/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl reclaim DOMAIN SIZE|--all: take a guest's memory now. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/client.h"
#include "host/ctl/progress.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

enum {
	/* What ebbd may need beyond the time limit of the reclaim itself. */
	MARGIN_MS = 30 * 1000
};

/* Why a reclaim ended, for people. */
static const struct {
	const char *ended;
	const char *text;
} endings[] = {
	{ "satisfied", "all that was asked for was reclaimed" },
	{ "drained", "the guest had no more free huge ranges" },
	{ "guest-pressure", "the guest came to need its memory itself" },
	{ "guest-refused", "the guest would not free more" },
	{ "no-more", "no more could be paged out" },
	{ "timeout", "the time limit came first" },
	{ "cancelled", "it was cancelled" },
};

/* Returns CTL_DONE or the status of a ctl_usage(). */
static int parse_size(const struct ctl_args *args, const char *text,
		      uint64_t *ret_bytes)
{
	if (ebb_size_parse(text, ret_bytes) == 0 && *ret_bytes)
		return CTL_DONE;
	return ctl_usage(args, "SIZE: '%s' %s, or --all.", text,
			 ebb_size_trouble(text));
}

static int make_request(const struct ctl_args *args,
			struct ebb_reclaim_request *request)
{
	bool all = ctl_given(args, CTL_OPT_ALL);

	memset(request, 0, sizeof(*request));
	strcpy(request->domain, args->operands[0]);
	strcpy(request->uri, args->uri);
	request->all = all;
	request->dry_run = ctl_given(args, CTL_OPT_DRY_RUN);
	request->no_compact = ctl_given(args, CTL_OPT_NO_COMPACT);
	request->free_only = ctl_given(args, CTL_OPT_FREE_ONLY);
	request->gentle = ctl_given(args, CTL_OPT_GENTLE);
	request->timeout_ms = args->timeout_ms;
	if (request->no_compact && ctl_given(args, CTL_OPT_COMPACT))
		return ctl_usage(args, "--compact and --no-compact exclude "
				       "each other. Leave one out.");
	if (all && args->operand_count > 1)
		return ctl_usage(args, "SIZE and --all exclude each other. "
				       "Leave one out.");
	if (all)
		return CTL_DONE;
	if (args->operand_count < 2)
		return ctl_usage(args, "how much? Give a SIZE such as 512M, or "
				       "--all.");
	return parse_size(args, args->operands[1], &request->bytes);
}

/* What on_progress() knows between two events. */
struct watch {
	bool draw;
	struct ctl_bar bar;
	struct ebb_reclaim_progress last;
};

/* Returns whether it has not begun: its time does not run. */
static bool on_progress(const char *name, const struct json_object *data,
			void *opaque)
{
	struct watch *watch = opaque;
	struct ctl_progress progress;

	if (strcmp(name, "reclaim-progress") != 0 ||
	    ebb_msg_decode(data, ebb_reclaim_progress_fields, &watch->last,
			   sizeof(watch->last), NULL) < 0)
		return false;
	progress = (struct ctl_progress){
		.bytes = watch->last.reclaimed_bytes,
		.total_bytes = watch->last.target_bytes,
		.elapsed_ms = watch->last.elapsed_ms,
		.driving = strcmp(watch->last.phase, "driving") == 0,
		.waiting = strcmp(watch->last.phase, "waiting") == 0,
		.running = watch->last.running,
		.ahead = watch->last.ahead,
	};
	if (watch->draw)
		ctl_bar_draw(&watch->bar, &progress);
	return progress.waiting;
}

static const char *ending_text(const char *ended)
{
	for (size_t i = 0; i < EBB_ARRAY_SIZE(endings); i++) {
		if (strcmp(endings[i].ended, ended) == 0)
			return endings[i].text;
	}
	return ended;
}

static void print_estimate(const struct ebb_reclaim_result *result)
{
	char least[EBB_SIZE_TEXT_BYTES], most[EBB_SIZE_TEXT_BYTES];

	ctl_pair_print(stdout, "Would reclaim", "%s to %s",
		       ebb_size_format(result->estimate_min_bytes, least,
				       sizeof(least)),
		       ebb_size_format(result->estimate_max_bytes, most,
				       sizeof(most)));
}

static void print_driving(const struct ebb_reclaim_result *result)
{
	char size[EBB_SIZE_TEXT_BYTES];

	if (result->driven_bytes)
		ctl_pair_print(stdout, "Driven", "%s of it",
			       ebb_size_format(result->driven_bytes, size,
					       sizeof(size)));
	if (result->refused_bytes)
		ctl_pair_print(stdout, "Refused", "%s%s%s",
			       ebb_size_format(result->refused_bytes, size,
					       sizeof(size)),
			       *result->refused_reason ? ": " : "",
			       result->refused_reason);
}

static void print_taken(const struct ebb_reclaim_result *result)
{
	char taken[EBB_SIZE_TEXT_BYTES], asked[EBB_SIZE_TEXT_BYTES];
	char before[EBB_SIZE_TEXT_BYTES], after[EBB_SIZE_TEXT_BYTES];
	char rate[EBB_SIZE_TEXT_BYTES + 2];

	ebb_size_format(result->reclaimed_bytes, taken, sizeof(taken));
	if (result->asked_bytes)
		ctl_pair_print(stdout, "Reclaimed", "%s of %s asked", taken,
			       ebb_size_format(result->asked_bytes, asked,
					       sizeof(asked)));
	else
		ctl_pair_print(stdout, "Reclaimed", "%s", taken);
	print_driving(result);
	ctl_pair_print(stdout, "Resident", "%s -> %s",
		       ebb_size_format(result->resident_before_bytes, before,
				       sizeof(before)),
		       ebb_size_format(result->resident_after_bytes, after,
				       sizeof(after)));
	if (!result->swapped_known)
		ctl_pair_print(stdout, "Swapped", "not known");
	else if (result->swapped_before_bytes || result->swapped_after_bytes)
		ctl_pair_print(stdout, "Swapped", "%s -> %s",
			       ebb_size_format(result->swapped_before_bytes,
					       before, sizeof(before)),
			       ebb_size_format(result->swapped_after_bytes,
					       after, sizeof(after)));
	ctl_pair_print(stdout, "Time", "%.3f s",
		       (double)result->elapsed_us / 1e6);
	if (result->reclaimed_bytes)
		ctl_pair_print(stdout, "Rate", "%s",
			       ctl_rate_format(result->reclaimed_bytes,
					       result->elapsed_us, rate,
					       sizeof(rate)));
	ctl_pair_print(stdout, "Ended", "%s", ending_text(result->ended));
}

static void print_result(const struct ebb_reclaim_result *result,
			 const char *domain)
{
	if (result->dry_run)
		print_estimate(result);
	else
		print_taken(result);
	if (result->balloon_held_bytes)
		ctl_pair_print(stdout, "Balloon",
			       "holds %s; ebbctl deflate %s gives it back",
			       EBB_SIZE(result->balloon_held_bytes), domain);
	if (*result->note)
		ctl_pair_print(stdout, "Note", "%s", result->note);
}

static enum ctl_exit result_status(const struct ebb_reclaim_result *result)
{
	bool all_given = strcmp(result->ended, "drained") == 0 ||
			 strcmp(result->ended, "guest-pressure") == 0 ||
			 strcmp(result->ended, "guest-refused") == 0 ||
			 strcmp(result->ended, "no-more") == 0;

	if (result->dry_run || strcmp(result->ended, "satisfied") == 0)
		return CTL_DONE;
	if (result->asked_bytes &&
	    result->reclaimed_bytes >= result->asked_bytes)
		return CTL_DONE;
	if (all_given)
		return result->asked_bytes ? CTL_LESS : CTL_DONE;
	return CTL_FAILED;
}

static int finish(const struct ctl_args *args, const struct ctl_answer *answer)
{
	struct ebb_reclaim_result result;
	int status = ctl_answer_decode(args, answer->value,
				       ebb_reclaim_result_fields, &result,
				       sizeof(result));

	if (status != CTL_DONE)
		return status;
	if (ctl_given(args, CTL_OPT_JSON))
		ctl_json_print(stdout, answer->value);
	else
		print_result(&result, args->operands[0]);
	return (int)result_status(&result);
}

static int say_interrupted(const struct ctl_args *args,
			   const struct watch *watch)
{
	char taken[EBB_SIZE_TEXT_BYTES];

	if (strcmp(watch->last.phase, "waiting") == 0 &&
	    !watch->last.reclaimed_bytes)
		return ctl_error(args, CTL_INTERRUPTED, "Interrupted",
				 "cancelled before its turn came. Nothing was "
				 "reclaimed.");
	ebb_size_format(watch->last.reclaimed_bytes, taken, sizeof(taken));
	return ctl_error(args, CTL_INTERRUPTED, "Interrupted",
			 "cancelled after %s. ebbd stops at the end of the "
			 "batch, and what was reclaimed stays with the host.",
			 taken);
}

int ctl_reclaim(const struct ctl_args *args)
{
	struct watch watch = {
		.draw = ctl_bar_is_wanted() && !ctl_given(args, CTL_OPT_JSON),
	};
	struct ctl_request request = {
		.command = "domain-reclaim",
		.limit_ms = (args->timeout_ms ? args->timeout_ms
					      : (uint32_t)EBB_SESSION_MAX_MS) +
			    MARGIN_MS,
		.on_event = on_progress,
		.opaque = &watch,
	};
	struct ebb_reclaim_request reclaim;
	struct ctl_answer answer;
	int status = make_request(args, &reclaim);

	if (status != CTL_DONE)
		return status;
	request.arguments =
		ebb_msg_encode(ebb_reclaim_request_fields, &reclaim);
	ctl_ask(args, &request, &answer);
	ctl_bar_clear(&watch.bar);
	if (answer.status == CTL_INTERRUPTED)
		return say_interrupted(args, &watch);
	if (answer.status != CTL_DONE)
		return ctl_answer_error(args, &answer);
	status = finish(args, &answer);
	ctl_answer_clear(&answer);
	return status;
}
