/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile-agent ATTACK [PORT]: an agent that lies to ebbd, or never stops
 * talking. Runs in the test guest in place of ebb-agent. Static, no libraries:
 * what it sends need not be JSON.
 *
 * Each attack is an answer to requests, or a talk that needs no request, or
 * both.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	LINE_BYTES_MAX = 4096,
	ANSWER_BYTES_MAX = 4 << 20,
	FLOOD_BYTES = 64 << 10,
};

static const char *port_path = "/dev/virtio-ports/org.ebb.agent.0";
static int port = -1;
static char answer[ANSWER_BYTES_MAX];
static size_t answer_bytes;

struct attack {
	const char *name;
	/* Makes the answer to a request; @id as it was sent. */
	void (*reply)(const char *command, const char *id);
	/* Called whenever there is room in the port. */
	void (*talk)(void);
};

static void add(const char *text)
{
	size_t bytes = strlen(text);

	if (bytes > sizeof(answer) - answer_bytes)
		errx(1, "the answer is too long");
	memcpy(answer + answer_bytes, text, bytes);
	answer_bytes += bytes;
}

static void add_times(const char *text, unsigned int times)
{
	while (times--)
		add(text);
}

static void send_all(const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t sent = write(port, bytes, count);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			err(1, "write");
		if (sent < 0) {
			/* The host may read no more: it is no end of ours. */
			struct pollfd ready = { .fd = port, .events = POLLOUT };

			poll(&ready, 1, 1000);
			continue;
		}
		bytes += sent;
		count -= (size_t)sent;
	}
}

static void begin_reply(void)
{
	add("{\"return\": ");
}

static void end_reply(const char *id)
{
	add(", \"id\": ");
	add(id);
	add("}\n");
}

/* ---- ebb-info, with one thing wrong ---- */

static const char *const info_members[][2] = {
	{ "agent-version", "\"hostile\"" },
	{ "kernel", "\"none\"" },
	{ "module-loaded", "true" },
	{ "uapi-version", "1" },
	{ "boot-id", "\"00112233445566778899aabbccddeeff\"" },
	{ "ring-gpa", "16777216" },
	{ "ring-bytes", "4096" },
	{ "lease-order", "9" },
	{ "page-poisoning", "false" },
	{ "reporting-busy", "false" },
	{ "segments", "[{\"gpa\": 1048576, \"bytes\": 267386880, \"node\": 0, "
		      "\"canaries\": [2097152, 4194304]}]" },
};

#define MEMBERS (sizeof(info_members) / sizeof(info_members[0]))

static void add_info(const char *wrong, const char *value)
{
	add("{");
	for (size_t i = 0; i < MEMBERS; i++) {
		bool is_wrong = wrong && strcmp(info_members[i][0], wrong) == 0;

		if (i)
			add(", ");
		add("\"");
		add(info_members[i][0]);
		add("\": ");
		add(is_wrong ? value : info_members[i][1]);
	}
	add("}");
}

static void answer_info(const char *command, const char *id, const char *wrong,
			const char *value)
{
	begin_reply();
	if (strcmp(command, "ebb-info") == 0)
		add_info(wrong, value);
	else if (strcmp(command, "ebb-facts") == 0)
		add("{\"total-bytes\": 1, \"free-bytes\": 1, "
		    "\"available-bytes\": 1, \"free-huge-bytes\": 1}");
	else
		add("{}");
	end_reply(id);
}

/* Each member in turn, with each wrong type in turn. */
static void reply_types(const char *command, const char *id)
{
	static const char *const values[] = {
		"null", "-1", "1e99", "\"x\"",
		"[]",	"{}", "[[]]", "18446744073709551616",
		"true",
	};
	static size_t turn;
	size_t count = sizeof(values) / sizeof(values[0]);

	answer_info(command, id, info_members[turn / count % MEMBERS][0],
		    values[turn % count]);
	if (strcmp(command, "ebb-info") == 0)
		turn++;
}

static void reply_many_segments(const char *command, const char *id)
{
	static char many[1 << 20];
	size_t used = 0;

	many[used++] = '[';
	for (int i = 0; i < 10000; i++)
		used += (size_t)snprintf(many + used, sizeof(many) - used,
					 "%s{\"gpa\":%d,\"bytes\":4096,"
					 "\"node\":0,\"canaries\":[]}",
					 i ? "," : "", i * 4096);
	many[used++] = ']';
	many[used] = '\0';
	answer_info(command, id, "segments", many);
}

#define REPLY_INFO(name, member, value)                               \
	static void reply_##name(const char *command, const char *id) \
	{                                                             \
		answer_info(command, id, member, value);              \
	}

#define SEGMENT(gpa, bytes, canaries)                            \
	"{\"gpa\": " gpa ", \"bytes\": " bytes ", \"node\": 0, " \
	"\"canaries\": [" canaries "]}"

REPLY_INFO(truth, NULL, NULL)
REPLY_INFO(overlapping, "segments",
	   "[" SEGMENT("1048576", "99999744",
		       "2097152") ", " SEGMENT("2097152", "99999744",
					       "4194304") "]")
REPLY_INFO(beyond, "segments",
	   "[" SEGMENT("1048576", "9223372036854775807", "2097152") "]")
REPLY_INFO(canary_outside, "segments",
	   "[" SEGMENT("1048576", "99999744", "9223372036854771712") "]")
REPLY_INFO(canary_unaligned, "segments",
	   "[" SEGMENT("1048576", "99999744", "2097153") "]")
REPLY_INFO(no_segments, "segments", "[]")
REPLY_INFO(no_canaries, "segments", "[" SEGMENT("1048576", "99999744", "") "]")
REPLY_INFO(ring_outside, "ring-gpa", "9223372036854775807")
REPLY_INFO(ring_unaligned, "ring-gpa", "16777217")
REPLY_INFO(utf8, "agent-version", "\"\xff\xfe\xc0\x80\xf8\"")
REPLY_INFO(nul, "kernel", "\"a\\u0000b\"")
REPLY_INFO(escapes, "kernel", "\"\\u001b[2J\\nebbd: forged line\\u0007\"")

/* A text of characters of two bytes each, so that a cut falls into one. */
static void reply_cut(const char *command, const char *id)
{
	(void)command;
	add("{\"error\": {\"class\": \"GenericError\", \"desc\": \"x");
	add_times("\xc3\xa9", 200);
	add("\"}");
	end_reply(id);
}

static void reply_forged(const char *command, const char *id)
{
	(void)command;
	add("{\"error\": {\"class\": \"GenericError\", \"desc\": "
	    "\"x\\nebbd: forged line\\u001b[31m\\u0085\"}");
	end_reply(id);
}

static void reply_twice(const char *command, const char *id)
{
	reply_truth(command, id);
	reply_truth(command, id);
}

static void reply_members(const char *command, const char *id)
{
	(void)command;
	begin_reply();
	add("{");
	add_times("\"a\":1,", 10000);
	add("\"b\":1}");
	end_reply(id);
}

static void reply_array(const char *command, const char *id)
{
	(void)command;
	begin_reply();
	add("[");
	add_times("{},", 20000);
	add("0]");
	end_reply(id);
}

static void reply_deep(const char *command, const char *id)
{
	(void)command;
	begin_reply();
	add_times("[", 10000);
	add_times("]", 10000);
	end_reply(id);
}

/* Without and with an end; the next answer follows in the same line. */
static void reply_unclosed(const char *command, const char *id)
{
	(void)command;
	(void)id;
	add_times("[", 10000);
}

/* Up and down in turn, so that what is known changes at each question. */
static void reply_flap(const char *command, const char *id)
{
	static bool loaded;

	if (strcmp(command, "ebb-info") == 0)
		loaded = !loaded;
	answer_info(command, id, "module-loaded", loaded ? "true" : "false");
}

/* ---- talk ---- */

static void flood_with(const char *text)
{
	static char flood[FLOOD_BYTES];
	static size_t used;
	size_t bytes = strlen(text);

	while (used + bytes <= sizeof(flood)) {
		memcpy(flood + used, text, bytes);
		used += bytes;
	}
	send_all(flood, used);
}

#define TALK(name, text)              \
	static void talk_##name(void) \
	{                             \
		flood_with(text);     \
	}

TALK(events, "{\"event\": \"EBB_AGENT_READY\", \"data\": {}}\n")
TALK(targets, "{\"event\": \"EBB_TARGET_CHANGED\", \"data\": "
	      "{\"asked-bytes\": 1, \"effective-bytes\": 1, \"mechanism\": "
	      "\"none\", \"state\": \"x\"}}\n")
TALK(others, "{\"event\": \"SOMETHING_ELSE\"}\n")
TALK(unasked, "{\"return\": {}, \"id\": 1}\n")
TALK(requests, "{\"execute\": \"guest-ping\", \"id\": 1}\n")
TALK(noise, "this is no message\n")
TALK(newlines, "\n")
TALK(sentinels, "\xff")
TALK(endless, "aaaaaaaaaaaaaaaa")
TALK(brackets, "[[[[[[[[[[[[[[[[")

static void talk_zeros(void)
{
	static const char zeros[FLOOD_BYTES];

	send_all(zeros, sizeof(zeros));
}

/* One event at a time, so that each has its own way through the host. */
static void talk_ready(void)
{
	static const char event[] =
		"{\"event\": \"EBB_AGENT_READY\", \"data\": {}}\n";

	send_all(event, sizeof(event) - 1);
	usleep(2000);
}

static void open_port(void)
{
	/* A port that was closed just now may be busy. */
	for (int tries = 0; tries < 1000; tries++) {
		port = open(port_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (port >= 0)
			return;
		usleep(1000);
	}
	err(1, "%s", port_path);
}

static void talk_reopen(void)
{
	close(port);
	open_port();
	talk_ready();
}

static const struct attack attacks[] = {
	{ "truth", reply_truth, NULL },
	{ "silent", NULL, NULL },
	{ "twice", reply_twice, NULL },
	{ "types", reply_types, talk_ready },
	{ "many-segments", reply_many_segments, NULL },
	{ "overlapping", reply_overlapping, NULL },
	{ "beyond", reply_beyond, NULL },
	{ "canary-outside", reply_canary_outside, NULL },
	{ "canary-unaligned", reply_canary_unaligned, NULL },
	{ "no-segments", reply_no_segments, NULL },
	{ "no-canaries", reply_no_canaries, NULL },
	{ "ring-outside", reply_ring_outside, NULL },
	{ "ring-unaligned", reply_ring_unaligned, NULL },
	{ "utf8", reply_utf8, NULL },
	{ "nul", reply_nul, NULL },
	{ "escapes", reply_escapes, NULL },
	{ "cut", reply_cut, NULL },
	{ "forged", reply_forged, NULL },
	{ "members", reply_members, NULL },
	{ "array", reply_array, NULL },
	{ "deep", reply_deep, NULL },
	{ "unclosed", reply_unclosed, NULL },
	{ "flap", reply_flap, talk_ready },
	{ "events", reply_truth, talk_events },
	{ "ready", reply_truth, talk_ready },
	{ "targets", reply_truth, talk_targets },
	{ "others", reply_truth, talk_others },
	{ "unasked", NULL, talk_unasked },
	{ "requests", reply_truth, talk_requests },
	{ "noise", reply_truth, talk_noise },
	{ "newlines", NULL, talk_newlines },
	{ "sentinels", NULL, talk_sentinels },
	{ "endless", NULL, talk_endless },
	{ "brackets", NULL, talk_brackets },
	{ "zeros", NULL, talk_zeros },
	{ "reopen", reply_truth, talk_reopen },
};

/* The text after "@name": up to the next of @ends, into @ret. */
static bool find_member(const char *line, const char *name, const char *ends,
			char *ret, size_t ret_bytes)
{
	const char *at = strstr(line, name);
	size_t bytes;

	if (!at)
		return false;
	at += strlen(name);
	at += strspn(at, " :\"");
	bytes = strcspn(at, ends);
	snprintf(ret, ret_bytes, "%.*s", (int)bytes, at);
	return true;
}

static void take_line(const struct attack *attack, const char *line)
{
	char command[64], id[64];

	if (!attack->reply ||
	    !find_member(line, "\"execute\"", "\"", command, sizeof(command)) ||
	    !find_member(line, "\"id\"", ",} ", id, sizeof(id)))
		return;
	answer_bytes = 0;
	attack->reply(command, id);
	send_all(answer, answer_bytes);
}

static void take_input(const struct attack *attack)
{
	static char line[LINE_BYTES_MAX];
	static size_t used;
	ssize_t got = read(port, line + used, sizeof(line) - 1 - used);
	char *end;

	if (got <= 0) {
		/* Nobody is at the other end. */
		usleep(10000);
		return;
	}
	used += (size_t)got;
	line[used] = '\0';
	while ((end = memchr(line, '\n', used))) {
		*end = '\0';
		take_line(attack, line);
		used -= (size_t)(end + 1 - line);
		memmove(line, end + 1, used + 1);
	}
	if (used == sizeof(line) - 1)
		used = 0;
}

static const struct attack *find_attack(const char *name)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (strcmp(attacks[i].name, name) == 0)
			return &attacks[i];
	errx(1, "no attack %s", name);
}

int main(int argc, char **argv)
{
	const struct attack *attack;

	if (argc < 2)
		errx(1, "usage: hostile-agent ATTACK [PORT]");
	attack = find_attack(argv[1]);
	if (argc > 2)
		port_path = argv[2];
	open_port();
	for (;;) {
		struct pollfd ready = { .fd = port, .events = POLLIN };

		if (poll(&ready, 1, attack->talk ? 0 : 1000) > 0)
			take_input(attack);
		if (attack->talk)
			attack->talk();
	}
}
