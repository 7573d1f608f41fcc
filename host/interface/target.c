/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/target.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/interface/plain.h"

/* Quotes @text, whatever is in it. @or: what else may be given; or empty */
static int fail(struct ebb_msg_error *ret_error, int error, const char *text,
		const char *trouble, const char * or)
{
	char quoted[41];

	if (!ret_error)
		return error;
	snprintf(quoted, sizeof(quoted), "%s", text);
	ebb_plain(quoted);
	snprintf(ret_error->text, sizeof(ret_error->text), "'%s' %s%s", quoted,
		 trouble, or);
	return error;
}

static int parse_percent(const char *text,
			 struct ebb_target_setting *ret_setting,
			 struct ebb_msg_error *ret_error)
{
	size_t digits = strspn(text, "0123456789");
	uint32_t percent = 0;

	if (digits == 0 || strcmp(text + digits, "%") != 0)
		return fail(ret_error, -EINVAL, text,
			    "is no percentage. Give a whole number such as "
			    "40%",
			    "");
	for (size_t i = 0; i < digits && percent <= 100; i++)
		percent = 10 * percent + (uint32_t)(text[i] - '0');
	if (percent < 1 || percent > EBB_TARGET_PERCENT_MAX)
		return fail(ret_error, -ERANGE, text,
			    "cannot be kept free. Give 1% to 87% of the "
			    "guest's memory, or none",
			    "");
	*ret_setting = (struct ebb_target_setting){ .kind = EBB_TARGET_PERCENT,
						    .percent = percent };
	return 0;
}

int ebb_target_parse(const char *text, struct ebb_target_setting *ret_setting,
		     struct ebb_msg_error *ret_error)
{
	uint64_t bytes;
	int r;

	if (strcmp(text, "none") == 0) {
		*ret_setting = (struct ebb_target_setting){ 0 };
		return 0;
	}
	if (strcmp(text, "auto") == 0) {
		*ret_setting =
			(struct ebb_target_setting){ .kind = EBB_TARGET_AUTO };
		return 0;
	}
	if (strchr(text, '%'))
		return parse_percent(text, ret_setting, ret_error);
	r = ebb_size_parse(text, &bytes);
	if (r == 0 && bytes == 0)
		r = -ERANGE;
	if (r < 0)
		return fail(ret_error, r, text, ebb_size_trouble(text),
			    ", a percentage such as 40%, auto or none");
	*ret_setting = (struct ebb_target_setting){ .kind = EBB_TARGET_BYTES,
						    .bytes = bytes };
	return 0;
}

const char *ebb_target_format(const struct ebb_target_setting *setting,
			      char *text)
{
	switch (setting->kind) {
	case EBB_TARGET_NONE:
		snprintf(text, EBB_TARGET_TEXT_BYTES, "none");
		break;
	case EBB_TARGET_AUTO:
		snprintf(text, EBB_TARGET_TEXT_BYTES, "auto");
		break;
	case EBB_TARGET_PERCENT:
		snprintf(text, EBB_TARGET_TEXT_BYTES, "%" PRIu32 "%%",
			 setting->percent);
		break;
	case EBB_TARGET_BYTES:
		ebb_size_format_exact(setting->bytes, text,
				      EBB_TARGET_TEXT_BYTES);
		break;
	}
	return text;
}

bool ebb_target_is_same(const struct ebb_target_setting *a,
			const struct ebb_target_setting *b)
{
	return a->kind == b->kind && a->bytes == b->bytes &&
	       a->percent == b->percent;
}

int ebb_target_check(const struct ebb_target_setting *setting,
		     uint64_t memory_bytes, struct ebb_msg_error *ret_error)
{
	char asked[EBB_TARGET_TEXT_BYTES], memory[EBB_SIZE_TEXT_BYTES];

	if (setting->kind != EBB_TARGET_BYTES || memory_bytes == 0 ||
	    setting->bytes <= memory_bytes)
		return 0;
	snprintf(ret_error->text, sizeof(ret_error->text),
		 "%s is more than the guest's memory, which is %s. Give less, "
		 "or a percentage such as 40%%",
		 ebb_target_format(setting, asked),
		 ebb_size_format(memory_bytes, memory, sizeof(memory)));
	return -ERANGE;
}

struct ebb_msg_target
ebb_target_message(const struct ebb_target_setting *setting,
		   uint64_t memory_bytes)
{
	struct ebb_msg_target message = { .timeout_ms = EBB_TARGET_LEASE_MS };

	switch (setting->kind) {
	case EBB_TARGET_NONE:
		break;
	case EBB_TARGET_BYTES:
		message.bytes = setting->bytes;
		break;
	case EBB_TARGET_PERCENT:
		message.bytes = memory_bytes / 100 * setting->percent;
		break;
	case EBB_TARGET_AUTO:
		message.automatic = true;
		break;
	}
	return message;
}

const char *ebb_target_reason_text(const char *reason)
{
	static const struct {
		const char *reason;
		const char *text;
	} texts[] = {
		{ "", "it does not say why" },
		{ "pressure", "it came under memory pressure" },
		{ "refault", "it came under memory pressure (refaults)" },
		{ "allocstall", "an allocation of its own had to free memory" },
		{ "oom", "it ran out of memory itself" },
		{ "memory-offline", "part of its memory goes offline" },
		{ "leaving", "it reboots or suspends, or ebb.ko was unloaded" },
		{ "exhausted",
		  "it has nothing more to give without touching what it uses" },
		{ "limit", "it keeps no more than seven eighths of its memory "
			   "free" },
		{ "not-discarded",
		  "it freed more, and QEMU discarded too little "
		  "of it" },
		{ "guest-need",
		  "it can spare no more; what its balloon holds beyond what "
		  "came it had not touched" },
		{ "min", "it would fall below its min" },
		{ "low-memory",
		  "it ran short of memory, and has all back that its balloon "
		  "held for Ebb" },
		{ "swapping", "it began to swap, and has all back that its "
			      "balloon held for Ebb" },
		{ "faulting", "it read again what it had dropped, and has all "
			      "back that its balloon held for Ebb" },
		{ "balloon-stuck", "its balloon does not move" },
		{ "balloon-moves", "somebody else moves its balloon" },
		{ "balloon-unclear",
		  "its balloon seems to leave it less than it has. To have "
		  "that told anew: virsh setmem DOMAIN SIZE --live, with 1 MiB "
		  "less than its memory, and then with all" },
		{ "balloon-silent",
		  "the driver of its balloon does not answer" },
		{ "no-answer", "it does not follow the free target, or its "
			       "ebb-agent does not answer" },
		{ "refused",
		  "its ebb.ko does not take it: it has no such node, or "
		  "is too old" },
		{ "agent-error", "its agent refused the free target" },
		{ "too-old", "its ebb-agent is too old to make it free more; "
			     "update it" },
		{ "no-mechanism",
		  "it has neither ebb.ko nor knobs that do it" },
		/* Of rung pageout, where nobody in the guest says so. */
		{ "in-use", "the guest works with the rest of its memory, or "
			    "it is in swap already" },
		{ "swap-full", "the host's swap is nearly full" },
		{ "not-swapped", "the kernel puts none of it into swap: a "
				 "cgroup may limit its swap" },
		{ "free-unknown",
		  "which of the guest's memory is free is not known on rung "
		  "pageout; give a SIZE" },
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(texts); i++)
		if (strcmp(reason, texts[i].reason) == 0)
			return texts[i].text;
	return "for a reason that this ebbd does not know";
}

void ebb_target_clean_word(char *word)
{
	if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-")])
		strcpy(word, "unknown");
}
