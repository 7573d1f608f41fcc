/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ebbd and ebbctl say to each other, over a unix socket.
 *
 * The lines are those of protocol/frame.h and protocol/message.h, so both ends
 * share the parser, its bounds and its tables with the agent's channel.
 *
 *   daemon-show      -> struct ebb_daemon_status
 *   daemon-reload    -> struct ebb_reload_result
 *   host-doctor      struct ebb_host_request     -> struct ebb_doctor
 *   domain-list      may have "members" (selection.h)
 *                    -> struct ebb_status_list
 *   domain-show      struct ebb_domain_request   -> struct ebb_domain_status
 *   domain-doctor    struct ebb_domain_request   -> struct ebb_doctor
 *   domain-fix       struct ebb_domain_request   -> struct ebb_fix
 *   domain-set       struct ebb_set_request      -> struct ebb_set_result
 *   domain-reclaim   struct ebb_reclaim_request  -> struct ebb_reclaim_result
 *                    with events "reclaim-progress" before it,
 *                    struct ebb_reclaim_progress, at most ten a second,
 *                    and one each second while it waits for its turn
 *   policy-explain   struct ebb_explain_request, may have "members" of the domains
 *                    -> struct ebb_explain, and
 *                    "domains": [struct ebb_explain_domain] (explain.h)
 *   policy-pause     struct ebb_policy_request   -> struct ebb_policy_result
 *   history          struct ebb_history_request  -> struct ebb_history (history.h)
 *   events           struct ebb_events_request   -> struct ebb_events, or a stream
 *                    (event.h)
 *
 * Those that change something (daemon-reload, domain-set, domain-reclaim, policy-pause)
 * are for root and those who may act; the others, too, for those who may only look.
 *
 * One request at a time on a connection. Closing the connection cancels a
 * reclaim that it asked for.
 *
 * Error classes, each with the remedy in "desc":
 *   CommandNotFound, InvalidArgument  the request is wrong
 *   DomainNotFound                    libvirt knows no such domain
 *   DomainNotRunning                  it is shut off
 *   RungClosed                        no rung can reclaim; "desc" says why
 *   Busy                              a reclaim runs already, or a libvirt job
 *   PermissionDenied                  the peer may not ask this
 *   LibvirtGone                       ebbd has no connection to libvirtd
 *   GenericError                      the rest
 */
#ifndef EBB_HOST_STATUS_H
#define EBB_HOST_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/settings.h"
#include "host/interface/target.h"
#include "protocol/message.h"

#define EBB_CONTROL_SOCKET EBB_RUNSTATEDIR "/ebb/ebbd.sock"
#define EBB_DEFAULT_URI "qemu:///system"

enum {
	EBB_NAME_BYTES_MAX = 256,
	EBB_URI_BYTES_MAX = 256,
	EBB_TEXT_BYTES_MAX = 512,
	EBB_XML_BYTES_MAX = 1024,
	EBB_PATCH_BYTES_MAX = 16 * 1024,
	EBB_REASON_MAX = 16,
	EBB_BACKING_MAX = 64,
	EBB_LIST_MAX = 4096,
	/* A list of all domains does not fit into EBB_MESSAGE_BYTES_MAX. */
	EBB_CONTROL_BYTES_MAX = 8 * 1024 * 1024,
};

/* Why a better rung is closed, and how to open it. */
struct ebb_reason {
	char name[48]; /* stable, lower case and hyphens: "vfio-device" */
	char text[EBB_TEXT_BYTES_MAX]; /* one sentence, what was seen */
	char remedy[EBB_TEXT_BYTES_MAX]; /* one sentence, imperative */
	char xml[EBB_XML_BYTES_MAX]; /* the XML that mends it, or empty */
};

/* One file behind guest RAM. */
struct ebb_backing_status {
	char kind[16]; /* "memfd", "file", "hugetlbfs" */
	uint64_t bytes; /* size of the file */
	uint64_t resident_bytes; /* in RAM */
	uint64_t swapped_bytes; /* in the host's swap, if @swapped_known */
	bool swapped_known;
	uint64_t page_bytes;
	uint32_t verified_segments; /* canaries found in it */
};

/*
 * A free target: what is asked of a guest and what it does. All is zero or
 * empty without one.
 */
struct ebb_target_status {
	char setting[EBB_TARGET_TEXT_BYTES]; /* "600M", "40%", "auto" */
	uint64_t bytes; /* asked of the guest */
	uint64_t effective_bytes; /* what it pursues of that */
	char state[16]; /* ebb_threshold_state_name() */
	char reason[32]; /* why less: "pressure", "allocstall", ... */
	char mechanism[16]; /* "module", "knobs", "none" */
	uint64_t drop_count; /* by ebb.ko, since it was loaded */
	uint64_t working_set_bytes; /* as the agent takes it, 0: not known */
	char working_set_source[16];
};

struct ebb_daemon_status {
	char version[32];
	char uri[EBB_URI_BYTES_MAX];
	bool libvirt_connected;
	uint32_t domain_count;
	uint32_t lease_count; /* of these, on rung lease */
	uint32_t loop_away_max_us; /* see host/base/loop.h */
	char loop_away_in[48];
};

/**
 * struct ebb_setting_status - a setting that holds
 * @origin: see struct ebb_origin; or "next start": it was set for that alone
 */
struct ebb_setting_status {
	char name[16];
	char value[EBB_SETTING_TEXT_BYTES];
	char origin[EBB_ORIGIN_BYTES];
};

enum {
	/* Also those that a later ebbd knows. */
	EBB_SETTINGS_SHOWN_MAX = 16
};

/* @trouble: why not all that was set holds, with the remedy; else empty. */
struct ebb_settings_status {
	uint32_t count;
	struct ebb_setting_status items[EBB_SETTINGS_SHOWN_MAX];
	char trouble[EBB_TEXT_BYTES_MAX];
};

/* Whether a domain's @state says that libvirt knows it, and it does not run. */
bool ebb_state_is_off(const char *state);

/* Fills all but @trouble. */
void ebb_settings_show(const struct ebb_settings *settings,
		       struct ebb_settings_status *ret_status);

/*
 * Of a domain. What is not known is zero and said to be not known: the facts
 * (free, available, nodes) while @facts_age_ms is UINT32_MAX, the sizes and
 * reasons until the domain was looked at (@known), @resident_bytes without
 * @resident_known, and others without the member that says that they are known.
 */
struct ebb_domain_status {
	char name[EBB_NAME_BYTES_MAX];
	char uuid[37];
	char state[16]; /* as virsh domstate says: "running", "shut off" */
	bool state_old; /* the last known: libvirtd does not answer now */
	char rung[16]; /* "lease", "observe", "-" if not running */
	char phase[16]; /* "probing", "resizing", "ready", "telling", "reclaiming" */
	bool known; /* it was looked at since it runs; of one that is off, its XML */
	bool old; /* rung, reasons and facts are of before: looked at anew now */
	bool resident_known;
	bool in_job; /* a libvirt job reads its memory */
	char policy_paused[8]; /* by a person: "no", for this "domain", for "all" */
	uint32_t reason_count;
	struct ebb_reason reasons[EBB_REASON_MAX];
	char agent_version[32];
	char kernel[96];
	char channel[64]; /* which channel reaches the agent, or empty */
	uint64_t memory_bytes; /* sizes of the backings, or of the XML */
	bool balloon_known;
	uint64_t balloon_bytes; /* of that, what a balloon holds; if @balloon_known */
	uint64_t balloon_held_bytes; /* of that, for Ebb, which guards the guest */
	bool balloon_unread; /* and cannot now: QEMU or libvirtd does not answer */
	uint64_t resident_bytes; /* in RAM */
	uint64_t swapped_bytes; /* in the host's swap, if @swapped_known */
	bool swapped_known;
	uint64_t lent_bytes; /* it may take it back at any time, if @lent_known */
	bool lent_known;
	uint64_t free_bytes;
	uint64_t free_huge_bytes;
	uint64_t available_bytes;
	uint32_t facts_age_ms;
	/*
	 * How often an allocation had to wait for memory since the guest booted, if
	 * @stalls_known; as old as what is free.
	 */
	uint64_t allocation_stalls;
	bool stalls_known;
	/* Since it booted some task waited so long for memory; 0: nobody says; */
	uint64_t stalled_us;
	struct ebb_msg_held held; /* and what holds the guest's memory: */
	uint32_t told_age_ms; /* as its agent said so long ago */
	/*
	 * By this ebbd, from this run of the guest, without what was reserved
	 * again for the guest in a pool of huge pages.
	 */
	uint64_t reclaimed_bytes;
	struct ebb_pool_status {
		uint64_t lent_bytes; /* by this ebbd, ever */
		uint64_t owed_bytes; /* the guest may take it back */
		uint64_t reserved_bytes; /* for the guest, again */
		uint64_t returned_bytes; /* the guest took it back */
	} pool; /* of huge pages; all is zero without any */
	uint64_t reclaim_runs;
	struct ebb_target_status target;
	struct ebb_settings_status settings;
	/* From its next start on, if @next_known, where that is other than now or it is off: */
	bool next_known;
	struct ebb_settings_status next;
	char next_target[EBB_TARGET_TEXT_BYTES];
	uint32_t backing_count;
	struct ebb_backing_status backings[EBB_BACKING_MAX];
	uint32_t node_count;
	struct ebb_node_status {
		uint32_t node;
		uint64_t total_bytes;
		uint64_t free_bytes;
		uint64_t free_huge_bytes;
	} nodes[EBB_NODE_MAX];
};

struct ebb_status_list {
	uint32_t domain_count;
	/* Each with name, uuid, state, rung, phase, sizes and first reason. */
	struct ebb_domain_status
		*domains; /* malloc()ed by ebb_status_list_decode */
};

/* @uri: empty, or must be the one that ebbd is connected to. */
struct ebb_domain_request {
	char domain[EBB_NAME_BYTES_MAX]; /* name or UUID */
	char uri[EBB_URI_BYTES_MAX];
};

/* @version: of who asks, or empty */
struct ebb_host_request {
	char version[32];
};

/*
 * The configuration was read anew; @restart: keys whose new value needs a restart, as
 * "daemon.socket, daemon.workers", or empty.
 */
struct ebb_reload_result {
	char restart[EBB_TEXT_BYTES_MAX];
};

/**
 * struct ebb_set_request - what is to be kept with a domain; empty: as it is
 * @free_target: as ebb_target_parse() takes it
 * @settings: by enum ebb_setting, as ebb_setting_parse() takes them, or "default"
 * @scope: "live", "config" or empty for both
 */
struct ebb_set_request {
	char domain[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
	char free_target[EBB_NAME_BYTES_MAX];
	char settings[EBB_SETTING_COUNT][64];
	char scope[16];
};

struct ebb_set_result {
	char name[EBB_NAME_BYTES_MAX];
	struct ebb_target_status target;
	struct ebb_settings_status settings;
	char note[EBB_TEXT_BYTES_MAX]; /* what a person should know, or empty */
};

/* @given_bytes: that the balloon held for Ebb */
struct ebb_deflate_result {
	uint64_t given_bytes;
};

struct ebb_reclaim_request {
	char domain[EBB_NAME_BYTES_MAX];
	char uri[EBB_URI_BYTES_MAX];
	uint64_t bytes; /* 0 only with @all */
	bool all;
	bool no_compact; /* do not have the guest compact what is free */
	bool free_only; /* do not drive the guest to free more */
	bool gentle; /* nobody waits: spread it over some seconds */
	bool dry_run;
	uint32_t timeout_ms; /* 0: ebbd's default */
};

struct ebb_reclaim_progress {
	uint64_t reclaimed_bytes; /* by the books of the host: st_blocks */
	uint64_t target_bytes; /* what was asked, or an estimate with @all */
	uint64_t resident_bytes; /* and in swap */
	uint32_t elapsed_ms;
	uint64_t driven_bytes; /* of @reclaimed_bytes, since it was driven */
	char phase[16]; /* "waiting" for its turn, "taking" what is free, ... */
	uint32_t running; /* with "waiting": so many reclaims have theirs */
	uint32_t ahead; /* with "waiting": so many more are before it */
};

struct ebb_reclaim_result {
	uint64_t asked_bytes; /* 0 with @all */
	uint64_t reclaimed_bytes;
	uint64_t resident_before_bytes; /* in RAM */
	uint64_t resident_after_bytes;
	uint64_t swapped_before_bytes; /* in the host's swap, if @swapped_known */
	uint64_t swapped_after_bytes;
	bool swapped_known; /* else it counts as resident */
	uint64_t punched_bytes; /* granted and discarded, holes included */
	uint64_t estimate_min_bytes; /* dry run: at least, at most */
	uint64_t estimate_max_bytes;
	uint32_t batches;
	uint32_t failed_slots; /* not reached within the grant window */
	uint64_t elapsed_us;
	bool dry_run;
	uint64_t driven_bytes; /* of @reclaimed_bytes, since it was driven */
	uint64_t refused_bytes; /* asked, and the guest would not */
	char refused_reason[32]; /* "exhausted", "pressure", ... */
	struct ebb_msg_held held; /* what holds its memory, if it gave no more */
	uint64_t balloon_held_bytes; /* what its balloon holds for Ebb then */
	char ended[32]; /* ebb_reclaim_end_name() */
	char uncompacted_reason[32]; /* why it was not, if it drained */
	char note[EBB_TEXT_BYTES_MAX]; /* what a person should know, or empty */
};

/* One line of the doctor. */
struct ebb_check {
	char name[48];
	char status[8]; /* "ok", "warn", "fail", "skip" */
	char text[EBB_TEXT_BYTES_MAX];
	char remedy[EBB_TEXT_BYTES_MAX];
	char xml[EBB_XML_BYTES_MAX];
};

/* Of a domain, or of the host: then @name is "host", and @rung "-". */
struct ebb_doctor {
	char name[EBB_NAME_BYTES_MAX];
	char rung[16];
	uint32_t check_count;
	struct ebb_check
		checks[48]; /* each reason may be one, and five are more */
};

/**
 * struct ebb_fix
 * @uri: of the libvirt that has the domain
 * @patch: of the XML that the domain is defined by; empty: it needs none
 */
struct ebb_fix {
	char uri[EBB_URI_BYTES_MAX];
	char name[EBB_NAME_BYTES_MAX];
	char patch[EBB_PATCH_BYTES_MAX];
};

extern const struct ebb_field ebb_daemon_status_fields[];
extern const struct ebb_field ebb_domain_status_fields[];
extern const struct ebb_field ebb_domain_request_fields[];
extern const struct ebb_field ebb_host_request_fields[];
extern const struct ebb_field ebb_reload_result_fields[];
extern const struct ebb_field ebb_set_request_fields[];
extern const struct ebb_field ebb_set_result_fields[];
extern const struct ebb_field ebb_deflate_result_fields[];
extern const struct ebb_field ebb_reclaim_request_fields[];
extern const struct ebb_field ebb_reclaim_progress_fields[];
extern const struct ebb_field ebb_reclaim_result_fields[];
extern const struct ebb_field ebb_doctor_fields[];
extern const struct ebb_field ebb_fix_fields[];

/*
 * {"domains": [...]} to a list and back. Decoding returns as ebb_msg_decode()
 * does; the caller frees @domains. Encoding returns NULL without memory.
 */
int ebb_status_list_decode(const struct json_object *object,
			   struct ebb_status_list *ret_list,
			   struct ebb_msg_error *ret_error);
struct json_object *ebb_status_list_encode(const struct ebb_status_list *list);

#endif /* EBB_HOST_STATUS_H */
