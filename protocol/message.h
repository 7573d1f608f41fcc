/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Typed messages of the QEMU guest agent protocol, by table.
 *
 * Theory of operation
 * ===================
 *
 * Both ends speak JSON lines (frame.h). A line from the other end is hostile:
 * it is bounded before it is parsed (EBB_MESSAGE_BYTES_MAX, _DEPTH_MAX), and
 * each field is checked by a table before any code sees it. So there is one
 * place where a wrong type, a missing field, a number out of range or a string
 * that is too long is found, and it names the field.
 *
 *   request   {"execute": NAME, "arguments": {...}, "id": ANY}
 *   reply     {"return": {...}, "id": ANY}
 *   error     {"error": {"class": CLASS, "desc": TEXT}, "id": ANY}
 *   event     {"event": NAME, "data": {...}}
 *
 * Unknown members are ignored, as the protocol asks (qemu-ga-ref), so that
 * either end may be newer.
 *
 * Commands of ebb-agent
 *
 *   ebb-info             -> struct ebb_msg_info
 *   ebb-facts            -> struct ebb_msg_facts
 *   ebb-challenge        struct ebb_msg_challenge      -> {}
 *   ebb-session-start    struct ebb_msg_session_start  -> {}
 *   ebb-session-stop     -> {}
 *   ebb-target           struct ebb_msg_target         -> struct ebb_msg_target_state
 *   ebb-compact          {}                            -> struct ebb_msg_compact_state
 *   guest-sync, guest-sync-delimited, guest-ping, guest-info
 *                        as in qemu-ga-ref
 *
 * Events of ebb-agent, only on its own channel (libvirt drops events on
 * org.qemu.guest_agent.0)
 *
 *   EBB_AGENT_READY      {} the agent opened the channel, or the module came
 *                        or went: ask ebb-info again
 *   EBB_TARGET_CHANGED   struct ebb_msg_target_state: the guest keeps less
 *                        free than it was asked to, or more again, and why
 *
 * Error classes: CommandNotFound, GenericError, and DeviceNotFound where the
 * module is needed and not loaded. A GenericError of a failed ioctl carries
 * "errno" beside "class" and "desc", a positive number.
 *
 * Nonces and boot ids are 32 lower case hex digits. Sizes are bytes, as JSON
 * integers.
 *
 * Pure: bytes in, structs out. json-c does the JSON.
 */
#ifndef EBB_PROTOCOL_MESSAGE_H
#define EBB_PROTOCOL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "limits.h"
#include "ring.h"
#include "uapi.h"

#define EBB_CHANNEL_NAME "org.ebb.agent.0"
#define QGA_CHANNEL_NAME "org.qemu.guest_agent.0"

/**
 * enum ebb_field_type - how a JSON member maps to a C field
 *
 * @EBB_FIELD_U32, @EBB_FIELD_U64: JSON integer; C uint32_t, uint64_t. A u64
 *	is at most INT64_MAX on the wire.
 * @EBB_FIELD_BOOL: C bool
 * @EBB_FIELD_STRING: C char[capacity], NUL-terminated; too long is an error
 * @EBB_FIELD_HEX: lower case hex string of exactly 2 * capacity digits;
 *	C uint8_t[capacity]
 * @EBB_FIELD_U64_ARRAY: C uint64_t[capacity], count in a uint32_t
 * @EBB_FIELD_STRUCT: JSON object; C struct, described by @sub
 * @EBB_FIELD_STRUCT_ARRAY: JSON array of objects; C array of structs, count in
 *	a uint32_t
 */
enum ebb_field_type {
	EBB_FIELD_U32,
	EBB_FIELD_U64,
	EBB_FIELD_BOOL,
	EBB_FIELD_STRING,
	EBB_FIELD_HEX,
	EBB_FIELD_U64_ARRAY,
	EBB_FIELD_STRUCT,
	EBB_FIELD_STRUCT_ARRAY,
};

/**
 * struct ebb_field - one row of a message's table
 * @name: JSON member
 * @type: as above
 * @optional: on decoding, absent is not an error and leaves the field zero; on
 *	encoding, a zero, empty or false value is left out
 * @later: it came after its message did, so a peer that is older does not send it:
 *	likewise on decoding; on encoding, it is always there
 * @offset: of the C field in its struct
 * @count_offset: of the uint32_t count, for arrays
 * @capacity: bytes of a string or hex field, elements of an array
 * @max: largest integer that is accepted, 0 for the type's own
 * @sub: fields of a struct or of an array's element, ended by a NULL name
 * @sub_bytes: sizeof the struct or of the array's element
 */
struct ebb_field {
	const char *name;
	enum ebb_field_type type;
	bool optional;
	bool later;
	size_t offset;
	size_t count_offset;
	size_t capacity;
	uint64_t max;
	const struct ebb_field *sub;
	size_t sub_bytes;
};

/* What went wrong, for the person who reads the log: names the field. */
struct ebb_msg_error {
	char text[EBB_STRING_BYTES_MAX];
};

/**
 * ebb_msg_decode - JSON object to C struct
 * @object: a json object; NULL counts as {}
 * @fields: table, ended by a NULL name
 * @ret_message: struct of @message_bytes; written only on success
 * @message_bytes: its size
 * @ret_error: filled on failure, may be NULL
 *
 * Returns 0, -EINVAL (wrong type, missing field, bad hex, not an object),
 * -ERANGE (integer or length out of bounds) or -ENOMEM.
 */
int ebb_msg_decode(const struct json_object *object,
		   const struct ebb_field *fields, void *ret_message,
		   size_t message_bytes, struct ebb_msg_error *ret_error);

/* Likewise, but @message is written on failure, too, and is of no use then. */
int ebb_msg_decode_in_place(const struct json_object *object,
			    const struct ebb_field *fields, void *message,
			    size_t message_bytes,
			    struct ebb_msg_error *ret_error);

/**
 * ebb_msg_encode - C struct to JSON object
 * @fields: table, ended by a NULL name
 * @message: the struct
 *
 * Returns a new object, which the caller owns, or NULL without memory.
 */
struct json_object *ebb_msg_encode(const struct ebb_field *fields,
				   const void *message);

/* A line that was parsed: exactly one of the kinds of the head comment. */
enum ebb_msg_kind {
	EBB_MSG_REQUEST,
	EBB_MSG_REPLY,
	EBB_MSG_ERROR,
	EBB_MSG_EVENT,
};

/**
 * struct ebb_msg - an envelope
 * @kind: which of the four
 * @name: command or event; empty else
 * @body: arguments, return value, error or data; NULL if absent. Owned by
 *	@root.
 * @id: the id, NULL if absent. Owned by @root.
 * @error_class, @error_desc: of an error, cut to fit
 * @error_errno: of an error that carries one, positive; else 0
 * @root: the parsed line; free with ebb_msg_clear()
 */
struct ebb_msg {
	enum ebb_msg_kind kind;
	char name[64];
	struct json_object *body;
	struct json_object *id;
	char error_class[64];
	char error_desc[EBB_STRING_BYTES_MAX];
	int error_errno;
	struct json_object *root;
};

/**
 * ebb_msg_parse - one line to an envelope
 * @line: bytes, without the newline; need not be terminated
 * @line_bytes: at most EBB_MESSAGE_BYTES_MAX
 * @ret_msg: written only on success; free with ebb_msg_clear()
 * @ret_error: filled on failure, may be NULL
 *
 * Returns 0, -EBADMSG (not JSON, too deep, trailing bytes, no known kind),
 * -EMSGSIZE or -ENOMEM.
 */
int ebb_msg_parse(const char *line, size_t line_bytes, struct ebb_msg *ret_msg,
		  struct ebb_msg_error *ret_error);

/* Frees what the envelope owns. A cleared or zeroed one is fine. */
void ebb_msg_clear(struct ebb_msg *msg);

/*
 * Makers of lines. Each takes ownership of the body that it is given (NULL:
 * {} or none), shares @id, and returns a malloc()ed line that ends with '\n',
 * or NULL without memory.
 */
char *ebb_msg_request(const char *command, struct json_object *arguments,
		      struct json_object *id);
char *ebb_msg_reply(struct json_object *value, struct json_object *id);
char *ebb_msg_error(const char *error_class, const char *desc, int error_errno,
		    struct json_object *id);
char *ebb_msg_event(const char *name, struct json_object *data);

/* ebb-info. @module_loaded false: only @module_reason and the versions count. */
struct ebb_msg_segment {
	uint64_t gpa;
	uint64_t bytes;
	uint32_t node;
	uint32_t canary_count;
	uint64_t canary_gpas[EBB_CANARY_PER_SEGMENT];
};

struct ebb_msg_info {
	char agent_version[32];
	char kernel[96]; /* uname -r */
	bool module_loaded;
	char module_reason[EBB_STRING_BYTES_MAX]; /* why not, with the remedy */
	uint32_t uapi_version;
	uint8_t boot_id[EBB_BOOT_ID_BYTES];
	uint64_t ring_gpa;
	uint32_t ring_bytes;
	uint32_t lease_order;
	bool page_poisoning;
	bool reporting_busy;
	uint32_t segment_count;
	struct ebb_msg_segment segments[EBB_SEGMENT_MAX];
};
extern const struct ebb_field ebb_msg_info_fields[];

/*
 * What holds the guest's memory. A page may be counted twice, as one that is shared and
 * locked. Without @known the agent is an older one: the first four may be 0 as it does
 * not tell them, and the others are.
 */
struct ebb_msg_held {
	bool known;
	uint64_t anonymous_bytes; /* of programs */
	uint64_t shared_bytes; /* tmpfs and shared memory */
	uint64_t locked_bytes; /* mlock(2), ramfs, and what else is unevictable */
	uint64_t huge_pool_bytes; /* the guest's own pools of huge pages */
	uint64_t page_cache_bytes; /* of files, without what is shared or locked */
	uint64_t slab_bytes; /* the kernel's own objects */
	uint64_t page_tables_bytes;
	uint64_t fragments_bytes; /* free, and in no huge range */
};

/* ebb-facts: what the agent knows without the module. */
struct ebb_msg_facts {
	uint64_t total_bytes; /* MemTotal */
	uint64_t free_bytes; /* MemFree */
	uint64_t available_bytes; /* MemAvailable */
	uint64_t free_huge_bytes; /* /proc/buddyinfo, orders of 2 MiB and more */
	uint64_t psi_some_us; /* /proc/pressure/memory, total; 0 if absent */
	uint64_t psi_full_us;
	uint64_t allocstall; /* /proc/vmstat, all zones */
	uint64_t refault; /* /proc/vmstat workingset_refault_*, pages */
	/* What the guest's programs need, as it seems; 0 if not known. */
	uint64_t working_set_bytes;
	char working_set_source[16]; /* "mglru" or "refault" */
	struct ebb_msg_held held;
};
extern const struct ebb_field ebb_msg_facts_fields[];

struct ebb_msg_challenge {
	uint8_t nonce[EBB_NONCE_BYTES];
};
extern const struct ebb_field ebb_msg_challenge_fields[];

struct ebb_msg_session_start {
	uint64_t session_id;
	uint32_t timeout_ms;
	bool rearm; /* EBB_SESSION_FLAG_REARM */
	bool gentle; /* EBB_SESSION_FLAG_GENTLE, where the module knows it */
};
extern const struct ebb_field ebb_msg_session_start_fields[];

/*
 * ebb-target: a free target, in place of the one before, for @timeout_ms.
 * What is to be kept free is @bytes over all nodes; or @node_bytes, by node, if
 * it is there; or, with @automatic, what the guest's working set leaves over.
 * None of them: no target.
 */
struct ebb_msg_target {
	uint64_t bytes;
	bool automatic;
	uint32_t node_count;
	uint64_t node_bytes[EBB_NODE_MAX];
	uint32_t timeout_ms; /* 1 to EBB_TARGET_LEASE_MS */
	bool retry; /* somebody asks now: forget what was in vain before */
	bool urgent; /* somebody waits: EBB_TARGET_URGENT */
};
extern const struct ebb_field ebb_msg_target_fields[];

/* What became of a target: answer of ebb-target, data of EBB_TARGET_CHANGED. */
struct ebb_msg_target_state {
	uint64_t asked_bytes; /* by the host; with "auto" by the working set */
	uint64_t effective_bytes; /* what the guest keeps free of it */
	char mechanism[16]; /* "module", "knobs", "none" */
	char state[16]; /* ebb_threshold_state_name() */
	/* Why it is less: "" or "pressure", "allocstall", "oom", ... */
	char reason[32];
	/* What a free target does not take, however much it asks. */
	struct ebb_msg_held held;
};
extern const struct ebb_field ebb_msg_target_state_fields[];

/*
 * ebb-compact: make contiguous what is free. Answered at once: what began goes
 * on, and asking again tells whether it has ended.
 */
struct ebb_msg_compact_state {
	bool running;
	/* Why not: "", "nothing" (to be won), "too-soon", "failed" */
	char reason[16];
};
extern const struct ebb_field ebb_msg_compact_state_fields[];

#endif /* EBB_PROTOCOL_MESSAGE_H */
