/* SPDX-License-Identifier: GPL-2.0-only */
/* Samples and events over the control socket, over a restart, and with a disk that errs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/control/control.h"
#include "host/history/past.h"
#include "host/history/wall.h"
#include "protocol/frame.h"

#define UUID "11111111-2222-3333-4444-555555555555"
#define MIB (UINT64_C(1) << 20)

enum {
	TURNS_MAX = 4000, /* of the loop, each 5 ms at most */
};

static char dir[32], path[64];
static struct ebb_workers *workers;
static struct ebb_control *control;
static struct ebb_past *past;
static struct ebb_wall now;
static unsigned int warnings, notices;
static int tick_timer;

/* ---- what is faked: the clock of people, the log, and a disk that takes its time ---- */

struct ebb_wall __wrap_ebb_wall_now(void);
struct ebb_wall __wrap_ebb_wall_now(void)
{
	return now;
}

void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...);
void __wrap_ebb_log(enum ebb_log_level level, const char *format, ...)
{
	(void)format;
	warnings += level <= EBB_LOG_WARNING;
	notices += level == EBB_LOG_NOTICE;
}

/* While jobs are held, the first one waits here. */
static bool hold_jobs;
static struct job {
	void (*work)(void *opaque);
	void (*done)(void *opaque);
	void *opaque;
} held_job;

int __real_ebb_workers_run_named(struct ebb_workers *pool, enum ebb_work kind,
				 void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name);
int __wrap_ebb_workers_run_named(struct ebb_workers *pool, enum ebb_work kind,
				 void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name);
int __wrap_ebb_workers_run_named(struct ebb_workers *pool, enum ebb_work kind,
				 void (*work)(void *opaque),
				 void (*done)(void *opaque), void *opaque,
				 const char *name)
{
	if (!hold_jobs)
		return __real_ebb_workers_run_named(pool, kind, work, done,
						    opaque, name);
	if (held_job.work)
		return -EAGAIN;
	held_job = (struct job){ work, done, opaque };
	return 0;
}

static void release_job(void)
{
	struct job job = held_job;

	assert_non_null(job.work);
	held_job = (struct job){ 0 };
	hold_jobs = false;
	job.work(job.opaque);
	job.done(job.opaque);
}

static void pass(uint64_t s)
{
	now.wall_ms += s * 1000;
	now.boot_ms += s * 1000;
	now.monotonic_ms += s * 1000;
}

static void on_tick(int timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void turn(void)
{
	assert_int_equal(ebb_loop_turn(), 0);
}

static void settle(void)
{
	while (ebb_workers_count(workers) > 0)
		turn();
}

/* ---- a client ---- */

struct client {
	int fd;
	struct ebb_frame frame;
};

static void client_open(struct client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	assert_int_equal(connect(client->fd, (struct sockaddr *)&address,
				 sizeof(address)),
			 0);
	ebb_frame_init(&client->frame, EBB_CONTROL_BYTES_MAX);
}

static void client_close(struct client *client)
{
	close(client->fd);
	ebb_frame_clear(&client->frame);
	for (int i = 0; i < 5; i++)
		turn();
}

static void client_send(const struct client *client, const char *text)
{
	assert_int_equal(send(client->fd, text, strlen(text), MSG_NOSIGNAL),
			 (ssize_t)strlen(text));
}

/* The next line, turning the loop meanwhile. */
static void client_line(struct client *client, struct ebb_msg *ret_msg)
{
	static char bytes[256 * 1024];
	const char *line;
	size_t line_bytes;

	for (int i = 0; i < TURNS_MAX; i++) {
		ssize_t got;

		if (ebb_frame_next(&client->frame, &line, &line_bytes)) {
			ebb_auto_free char *text = strndup(line, line_bytes);
			struct json_object *root = json_tokener_parse(text);

			assert_non_null(root);
			*ret_msg = (struct ebb_msg){ .root = root };
			return;
		}
		turn();
		got = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
		assert_true(got != 0);
		if (got > 0)
			assert_int_equal(ebb_frame_push(&client->frame, bytes,
							(size_t)got),
					 0);
	}
	fail_msg("no line came");
}

/* Member @name of the next line; free with json_object_put(). */
static struct json_object *client_get(struct client *client, const char *name)
{
	struct json_object *value = NULL;
	struct ebb_msg msg;

	client_line(client, &msg);
	if (!json_object_object_get_ex(msg.root, name, &value))
		fail_msg("no '%s' in %s", name,
			 json_object_to_json_string(msg.root));
	json_object_get(value);
	json_object_put(msg.root);
	return value;
}

static struct json_object *ask(const char *request, const char *member)
{
	struct json_object *value;
	struct client client;

	client_open(&client);
	client_send(&client, request);
	value = client_get(&client, member);
	client_close(&client);
	return value;
}

static void ask_history(const char *arguments, struct ebb_history *ret_history)
{
	struct json_object *value;
	char request[256];

	snprintf(request, sizeof(request),
		 "{\"execute\":\"history\",\"arguments\":{%s}}\n", arguments);
	value = ask(request, "return");
	assert_int_equal(ebb_history_decode(value, ret_history, NULL), 0);
	json_object_put(value);
}

static void ask_events(const char *arguments, struct ebb_events *ret_events)
{
	struct json_object *value;
	char request[256];

	snprintf(request, sizeof(request),
		 "{\"execute\":\"events\",\"arguments\":{%s}}\n", arguments);
	value = ask(request, "return");
	assert_int_equal(ebb_events_decode(value, ret_events, NULL), 0);
	json_object_put(value);
}

/* ---- samples ---- */

static void tick(struct ebb_subject *domain, uint64_t resident_mib)
{
	struct ebb_fine fine = { .rung = EBB_RUNG_LEASE };
	struct ebb_fine budget = { .rung = EBB_SAMPLES_NO_RUNG };

	ebb_fine_set(&fine, EBB_HISTORY_DOMAIN, EBB_DOMAIN_RESIDENT,
		     resident_mib * MIB);
	ebb_fine_set(&budget, EBB_HISTORY_BUDGET, EBB_BUDGET_AVAILABLE,
		     resident_mib * MIB * 2);
	assert_true(ebb_past_is_time(past));
	ebb_past_put_domain(past, domain, &fine);
	ebb_past_put_budget(past, "host", &budget);
	ebb_past_ticked(past);
	settle();
	pass(EBB_FINE_S);
}

static void start(void)
{
	assert_int_equal(ebb_past_new(dir, "qemu:///system", workers, &past),
			 0);
	assert_int_equal(ebb_past_begin(past), 0);
	assert_int_equal(ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY,
					 ebb_past_handlers, past, &control),
			 0);
	settle();
}

static void end(void)
{
	ebb_past_end(past);
	settle();
	ebb_control_free(control);
	ebb_past_free(past);
	control = NULL;
	past = NULL;
}

static uint64_t resident(const struct ebb_history *history, uint32_t point)
{
	assert_true(point < history->point_count);
	assert_true(history->points[point].values[EBB_DOMAIN_RESIDENT].known);
	return history->points[point].values[EBB_DOMAIN_RESIDENT].avg / MIB;
}

static void test_samples_outlive_a_restart(void **state)
{
	struct ebb_subject *domain;
	struct ebb_history history;

	(void)state;
	start();
	domain = ebb_past_came(past, "web1", UUID);
	assert_non_null(domain);
	for (uint64_t i = 0; i < 40; i++)
		tick(domain, 100 + i);
	/* Those that are written, and those that are not. */
	ask_history("\"domain\":\"web1\",\"last-ms\":600000", &history);
	assert_int_equal(history.point_count, 40);
	assert_int_equal(resident(&history, 39), 139);
	assert_string_equal(history.note, "");
	ebb_history_clear(&history);
	end();

	start();
	/* It does not run now, and is known all the same. */
	ask_history("\"domain\":\"" UUID "\",\"last-ms\":600000", &history);
	assert_string_equal(history.name, "web1");
	assert_int_equal(history.point_count, 40);
	assert_int_equal(resident(&history, 0), 100);
	ebb_history_clear(&history);
	ask_history("\"budget\":\"host\",\"step-ms\":10000,\"limit\":3",
		    &history);
	assert_string_equal(history.kind, "budget");
	assert_int_equal(history.point_count, 2);
	ebb_history_clear(&history);
	end();
	assert_int_equal(warnings, 0);
}

/* A look that comes as the next one begins is in time for it. */
static void test_next_sample_is_waited_for(void **state)
{
	(void)state;
	start();
	now.wall_ms += 3250;
	assert_true(ebb_past_is_time(past));
	assert_int_equal(ebb_past_wait_ms(), 6750);
	now.wall_ms += 6749;
	assert_false(ebb_past_is_time(past));
	assert_int_equal(ebb_past_wait_ms(), 1);
	now.wall_ms += 1;
	assert_true(ebb_past_is_time(past));
	assert_int_equal(ebb_past_wait_ms(), 10000);
	end();
}

static void test_clock_set_back(void **state)
{
	struct ebb_subject *domain;
	struct ebb_history history;
	struct ebb_events events;

	(void)state;
	start();
	domain = ebb_past_came(past, "web1", UUID);
	for (uint64_t i = 0; i < 50; i++)
		tick(domain, 1000);
	now.wall_ms -= 300 * 1000;
	for (uint64_t i = 0; i < 5; i++)
		tick(domain, 5);
	ask_history("\"domain\":\"web1\",\"last-ms\":900000", &history);
	/* 50, less the 30 that are to come again, and 5 of these. */
	assert_int_equal(history.point_count, 25);
	assert_int_equal(resident(&history, 24), 5);
	ebb_history_clear(&history);
	/* Also what was written is not there when its time comes. */
	pass(300);
	ask_history("\"domain\":\"web1\",\"last-ms\":900000", &history);
	assert_int_equal(history.point_count, 25);
	ebb_history_clear(&history);
	ask_events("", &events);
	assert_int_equal(events.event_count, 1);
	assert_string_equal(events.events[0].kind, "clock-stepped");
	ebb_events_clear(&events);
	end();
}

static void test_disk_that_is_full(void **state)
{
	struct rlimit before, none;
	struct ebb_subject *domain;
	struct ebb_history history;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	start();
	domain = ebb_past_came(past, "web1", UUID);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (uint64_t i = 0; i < 100; i++)
		tick(domain, i);
	/* One line, and what fits into memory. */
	assert_int_equal(warnings, 1);
	ask_history("\"domain\":\"web1\"", &history);
	assert_string_not_equal(history.note, "");
	ebb_history_clear(&history);
	ask_history("\"domain\":\"web1\",\"last-ms\":3600000", &history);
	assert_int_equal(history.point_count, EBB_ARCHIVE_PENDING);
	assert_int_equal(resident(&history, 59), 99);
	ebb_history_clear(&history);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	tick(domain, 100);
	assert_int_equal(warnings, 1);
	assert_int_equal(notices, 1);
	ask_history("\"domain\":\"web1\",\"last-ms\":3600000", &history);
	assert_string_equal(history.note, "");
	assert_int_equal(resident(&history, 0), 41);
	ebb_history_clear(&history);
	end();
}

static void test_oldest_domain_goes(void **state)
{
	struct ebb_subject *first;
	char uuid[37];

	(void)state;
	start();
	first = ebb_past_came(past, "first", UUID);
	tick(first, 1);
	for (unsigned int i = 1; i < EBB_ARCHIVE_DOMAINS_MAX; i++) {
		snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012x",
			 i);
		assert_non_null(ebb_past_came(past, uuid, uuid));
	}
	/* All run: one more has no place. */
	assert_null(ebb_past_came(past, "more", "m"));
	assert_int_equal(notices, 1);
	ebb_past_went(first);
	assert_non_null(ebb_past_came(past, "more", "m"));
	json_object_put(
		ask("{\"execute\":\"history\",\"arguments\":{\"domain\":"
		    "\"first\"}}\n",
		    "error"));
	end();
}

/* Each that goes leaves a file to be removed, and only so many of these wait. */
static void test_one_that_has_no_place_gets_one_later(void **state)
{
	struct ebb_subject *subjects[EBB_ARCHIVE_DOMAINS_MAX];
	unsigned int came = 0;
	char uuid[37];

	(void)state;
	start();
	for (unsigned int i = 0; i < EBB_ARCHIVE_DOMAINS_MAX; i++) {
		snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012x",
			 i);
		subjects[i] = ebb_past_came(past, uuid, uuid);
		assert_non_null(subjects[i]);
	}
	for (unsigned int i = 0; i < EBB_ARCHIVE_DOMAINS_MAX; i++)
		ebb_past_went(subjects[i]);
	do
		snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0001-%012x",
			 came);
	while (ebb_past_came(past, uuid, uuid) &&
	       ++came < EBB_ARCHIVE_DOMAINS_MAX);
	assert_in_range(came, 1, EBB_ARCHIVE_DOMAINS_MAX - 1);
	assert_int_equal(notices, 0);
	tick(NULL, 0);
	assert_non_null(ebb_past_came(past, uuid, uuid));
	end();
}

static void put_one(struct ebb_subject *domain)
{
	struct ebb_fine fine = { .rung = EBB_RUNG_LEASE };

	assert_true(ebb_past_is_time(past));
	ebb_past_put_domain(past, domain, &fine);
	pass(EBB_FINE_S);
}

/* Else nothing would ever be written. */
static void test_what_was_kept_is_read_later(void **state)
{
	struct ebb_subject *domain;

	(void)state;
	hold_jobs = true;
	assert_int_equal(ebb_past_new(dir, "qemu:///system", workers, &past),
			 0);
	/* The diary's job is taken, the archive's cannot be started. */
	assert_int_equal(ebb_past_begin(past), 0);
	release_job();
	assert_int_equal(ebb_control_new(path, &EBB_ACCESS_ROOT_ONLY,
					 ebb_past_handlers, past, &control),
			 0);
	domain = ebb_past_came(past, "web1", UUID);
	tick(domain, 1);
	end();
	start();
	json_object_put(
		ask("{\"execute\":\"history\",\"arguments\":{\"domain\":"
		    "\"web1\"}}\n",
		    "return"));
	end();
}

/* Nor does one that is being written, though none of what is written is left. */
static void test_domain_in_a_job_stays(void **state)
{
	struct ebb_subject *domain;
	char uuid[37];

	(void)state;
	start();
	domain = ebb_past_came(past, "first", UUID);
	for (unsigned int i = 1; i < EBB_ARCHIVE_DOMAINS_MAX; i++) {
		snprintf(uuid, sizeof(uuid), "00000000-0000-0000-0000-%012x",
			 i);
		assert_non_null(ebb_past_came(past, uuid, uuid));
	}
	put_one(domain);
	hold_jobs = true;
	ebb_past_end(past);
	for (int i = 0; i < EBB_ARCHIVE_PENDING; i++)
		put_one(domain);
	ebb_past_went(domain);
	assert_null(ebb_past_came(past, "more", "m"));
	release_job();
	settle();
	assert_non_null(ebb_past_came(past, "more", "m"));
	end();
}

static void test_one_of_two_is_asked_for(void **state)
{
	(void)state;
	start();
	json_object_put(ask("{\"execute\":\"history\"}\n", "error"));
	json_object_put(ask("{\"execute\":\"events\",\"arguments\":{"
			    "\"uri\":\"qemu:///session\"}}\n",
			    "error"));
	json_object_put(ask("{\"execute\":\"history\",\"arguments\":{"
			    "\"domain\":\"a\",\"budget\":\"b\"}}\n",
			    "error"));
	json_object_put(ask("{\"execute\":\"history\",\"arguments\":{"
			    "\"domain\":\"nobody\"}}\n",
			    "error"));
	end();
}

static void test_two_keep_not_in_one_place(void **state)
{
	struct ebb_past *other;

	(void)state;
	start();
	assert_int_equal(ebb_past_new(dir, "qemu:///system", workers, &other),
			 0);
	assert_int_equal(warnings, 1);
	ebb_past_free(other);
	end();
}

/* ---- events ---- */

static void happen(const char *domain, const char *text)
{
	const struct ebb_news news = {
		.kind = EBB_EVENT_REQUEST,
		.domain = domain,
		.action = "reclaim",
		.by_person = true,
		.uid = 1000,
		.asked_bytes = MIB,
	};

	ebb_past_tell(past, EBB_LOG_DEBUG, &news, "%s", text);
}

static void test_events_outlive_a_restart(void **state)
{
	struct ebb_events events;

	(void)state;
	start();
	happen("web1", "one");
	happen("web2", "two");
	end();
	start();
	happen("web1", "three");
	ask_events("", &events);
	assert_int_equal(events.event_count, 3);
	assert_int_equal(events.next, 3);
	assert_string_equal(events.events[0].text, "one");
	assert_string_equal(events.events[0].kind, "request");
	assert_int_equal(events.events[0].uid, 1000);
	assert_int_equal(events.events[0].asked_bytes, MIB);
	assert_int_equal(events.events[2].number, 3);
	ebb_events_clear(&events);
	ask_events("\"domain\":\"web1\",\"last\":1", &events);
	assert_int_equal(events.event_count, 1);
	assert_string_equal(events.events[0].text, "three");
	ebb_events_clear(&events);
	ask_events("\"after\":1", &events);
	assert_int_equal(events.event_count, 2);
	assert_string_equal(events.events[0].text, "two");
	ebb_events_clear(&events);
	end();
}

/* A cut within a character would make the answer no JSON, for all who ask. */
static void test_cut_text_is_still_text(void **state)
{
	char text[EBB_TEXT_BYTES_MAX + 2];
	struct ebb_events events;

	(void)state;
	start();
	memset(text, 'x', sizeof(text));
	memcpy(&text[EBB_TEXT_BYTES_MAX - 2], "\xc3\xa4", 3);
	happen("web1", text);
	ask_events("", &events);
	assert_int_equal(events.event_count, 1);
	assert_int_equal(strlen(events.events[0].text), EBB_TEXT_BYTES_MAX - 1);
	assert_int_equal(events.events[0].text[EBB_TEXT_BYTES_MAX - 2], '?');
	ebb_events_clear(&events);
	end();
}

static void test_ring_of_events_wraps(void **state)
{
	struct ebb_events events;
	char text[32];

	(void)state;
	start();
	for (unsigned int i = 1; i <= EBB_EVENTS_KEPT + 10; i++) {
		snprintf(text, sizeof(text), "%u", i);
		happen("web1", text);
	}
	end();
	start();
	ask_events("\"last\":1000", &events);
	assert_int_equal(events.next, EBB_EVENTS_KEPT + 10);
	assert_int_equal(events.event_count, EBB_EVENTS_LAST_MAX);
	assert_string_equal(events.events[EBB_EVENTS_LAST_MAX - 1].text,
			    "4106");
	ebb_events_clear(&events);
	end();
}

static void make_empty(const char *name)
{
	char file[64];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", dir, name);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* As a full disk leaves it. */
static void test_empty_file_is_no_damage(void **state)
{
	(void)state;
	make_empty("events");
	make_empty("domain-" UUID);
	start();
	assert_int_equal(warnings, 0);
	happen("web1", "now");
	tick(ebb_past_came(past, "web1", UUID), 1);
	end();
	assert_int_equal(warnings, 0);
}

/* It is out of the way, and the next ones are written. */
static void test_events_that_lose_their_file_get_another(void **state)
{
	struct ebb_events events;
	char file[64];
	int fd;

	(void)state;
	start();
	snprintf(file, sizeof(file), "%s/events", dir);
	fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	happen("web1", "lost, or not");
	tick(NULL, 0);
	assert_int_equal(warnings, 1);
	happen("web1", "kept");
	tick(NULL, 0);
	assert_int_equal(warnings, 1);
	end();
	start();
	ask_events("", &events);
	assert_string_equal(events.events[events.event_count - 1].text, "kept");
	ebb_events_clear(&events);
	end();
}

static void test_damaged_events_begin_anew(void **state)
{
	ebb_auto_close int fd = -1;
	struct ebb_events events;
	char file[64];

	(void)state;
	start();
	happen("web1", "one");
	end();
	snprintf(file, sizeof(file), "%s/events", dir);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "xxxxxxxxx", 9, 0), 9);
	start();
	assert_int_equal(warnings, 1);
	happen("web1", "two");
	ask_events("", &events);
	assert_int_equal(events.event_count, 1);
	assert_int_equal(events.events[0].number, 1);
	ebb_events_clear(&events);
	end();
	start();
	ask_events("", &events);
	assert_int_equal(events.event_count, 1);
	ebb_events_clear(&events);
	end();
	assert_int_equal(warnings, 1);
}

static void follow(struct client *client, const char *arguments)
{
	char request[256];

	client_open(client);
	snprintf(request, sizeof(request),
		 "{\"execute\":\"events\",\"arguments\":{\"follow\":true%s}}\n",
		 arguments);
	client_send(client, request);
	for (int i = 0; i < 10; i++)
		turn();
}

static void check_next(struct client *client, const char *text)
{
	struct json_object *data = client_get(client, "data");
	struct ebb_event event;

	assert_int_equal(ebb_msg_decode(data, ebb_event_fields, &event,
					sizeof(event), NULL),
			 0);
	assert_string_equal(event.text, text);
	json_object_put(data);
}

static void test_events_are_followed(void **state)
{
	struct client all, one;

	(void)state;
	start();
	happen("web1", "before");
	happen("web2", "before too");
	follow(&all, ",\"after\":1");
	follow(&one, ",\"domain\":\"web1\"");
	happen("web2", "now");
	happen("web1", "then");
	check_next(&all, "before too");
	check_next(&all, "now");
	check_next(&all, "then");
	check_next(&one, "then");
	client_close(&all);
	happen("web1", "last");
	check_next(&one, "last");
	client_close(&one);
	end();
}

/* He costs nothing, and is told how many he did not get. */
static void test_slow_reader_loses_events(void **state)
{
	const unsigned int count = 3 * EBB_EVENTS_KEPT;
	char text[EBB_TEXT_BYTES_MAX];
	unsigned int seen = 0;
	uint64_t lost = 0, last = 0;
	struct client client;

	(void)state;
	start();
	follow(&client, "");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (unsigned int i = 0; i < count; i++)
		happen("web1", text);
	while (last < count) {
		struct json_object *data, *value;

		data = client_get(&client, "data");
		if (json_object_object_get_ex(data, "count", &value)) {
			lost += (uint64_t)json_object_get_int64(value);
		} else {
			json_object_object_get_ex(data, "number", &value);
			last = (uint64_t)json_object_get_int64(value);
			seen++;
		}
		json_object_put(data);
	}
	assert_true(lost > 0);
	assert_int_equal(seen + lost, count);
	client_close(&client);
	end();
}

static void test_followers_have_a_bound(void **state)
{
	struct client clients[EBB_DIARY_FOLLOWERS_MAX];
	struct client more;

	(void)state;
	start();
	for (int i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++)
		follow(&clients[i], "");
	follow(&more, "");
	json_object_put(client_get(&more, "error"));
	client_close(&more);
	client_close(&clients[0]);
	follow(&clients[0], "");
	happen("web1", "heard");
	check_next(&clients[0], "heard");
	for (int i = 0; i < EBB_DIARY_FOLLOWERS_MAX; i++)
		client_close(&clients[i]);
	end();
}

/* ---- set up ---- */

static int set_up(void **state)
{
	(void)state;
	strcpy(dir, "test-past.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s.sock", dir);
	now = (struct ebb_wall){ 1701000000000, 5000000, 5000000 };
	warnings = notices = 0;
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r ./%s", dir);
	return system(command);
}

static int set_up_group(void **state)
{
	(void)state;
	if (ebb_loop_init() < 0)
		return -1;
	tick_timer = ebb_loop_timer(5, on_tick, NULL);
	return ebb_workers_new(EBB_WORKERS_MIN, 1, &workers);
}

static int tear_down_group(void **state)
{
	(void)state;
	ebb_loop_timer_remove(tick_timer);
	ebb_workers_free(workers);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_samples_outlive_a_restart),
		TEST(test_next_sample_is_waited_for),
		TEST(test_clock_set_back),
		TEST(test_disk_that_is_full),
		TEST(test_oldest_domain_goes),
		TEST(test_one_that_has_no_place_gets_one_later),
		TEST(test_domain_in_a_job_stays),
		TEST(test_what_was_kept_is_read_later),
		TEST(test_one_of_two_is_asked_for),
		TEST(test_two_keep_not_in_one_place),
		TEST(test_events_outlive_a_restart),
		TEST(test_cut_text_is_still_text),
		TEST(test_ring_of_events_wraps),
		TEST(test_empty_file_is_no_damage),
		TEST(test_events_that_lose_their_file_get_another),
		TEST(test_damaged_events_begin_anew),
		TEST(test_events_are_followed),
		TEST(test_slow_reader_loses_events),
		TEST(test_followers_have_a_bound),
	};

	return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
