/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's balloon, through libvirt: its statistics, its size, and the record of what
 * Ebb put into it.
 *
 * Theory of operation
 * ===================
 *
 * Each call here is answered by the monitor of that QEMU, and one that hangs answers
 * never: one call for all domains would hang with it, and so would calls for others
 * that are made on the same connection (connection.h). So each domain whose balloon is
 * watched has a line, a connection of its own, which one thread at a time uses.
 *
 * The record is an element of its own in the metadata of the domain that runs, never in
 * its definition:
 *
 *   <ebb-balloon:held xmlns:ebb-balloon='urn:ebb:balloon:1' base='2097152'
 *	left='1048576' memory='2097152' period='10' start='31415'/>
 *
 * It goes where the guest goes: through a save, a restore, a migration, and a restart of
 * libvirtd or ebbd. Where somebody defines a domain by its live XML, it also comes back
 * with a QEMU that was started anew and holds nothing: so it says which one it is of. It is written before the balloon is inflated, so it may say more
 * than is held, and never less.
 *
 * The sizes of a balloon count all memory that is plugged. So the record says how much
 * that was, and its sizes move with it (ebb_hand_record_now()).
 */
#ifndef EBB_HOST_LIBVIRT_BALLOON_H
#define EBB_HOST_LIBVIRT_BALLOON_H

#include <stdbool.h>
#include <stdint.h>

#define EBB_BALLOON_URI "urn:ebb:balloon:1"
#define EBB_BALLOON_PREFIX "ebb-balloon"

struct _xmlNode;

/**
 * struct ebb_balloon_record - what Ebb holds of a guest by its balloon
 * @base_bytes: what the balloon left to the guest before that; 0: Ebb holds nothing
 * @left_bytes: what Ebb asked it to leave, at least
 * @memory_bytes: what the domain had then, without a balloon; 0: not known
 * @period_s: of the statistics, as it was before; 0: there were none
 * @start_ticks: when its QEMU was started (ebb_process_start_ticks()); 0: not known
 */
struct ebb_balloon_record {
	uint64_t base_bytes;
	uint64_t left_bytes;
	uint64_t memory_bytes;
	uint32_t period_s;
	uint64_t start_ticks;
};

/**
 * struct ebb_balloon_stats - what libvirt tells; what follows @memory_bytes is the guest's
 *	word
 * @resized: the balloon was asked to, whatever failed after that
 * @memory_bytes: what the domain has without a balloon
 * @actual_bytes: what the balloon leaves to the guest
 * @stamp_s: when the guest's driver answered last, by the host's CLOCK_REALTIME; 0: never
 * @total_bytes: what the guest takes for its memory; 0 where it does not say
 * @usable_known, @usable_bytes: what the guest can use without swapping (MemAvailable);
 *	of a driver that does not say it, what is free
 * @unused_known, @unused_bytes: what is free
 * @swapped_bytes: swapped in and out since it booted; 0 where it does not say
 * @major_faults: since it booted; likewise
 */
struct ebb_balloon_stats {
	bool resized;
	uint64_t memory_bytes;
	uint64_t actual_bytes;
	uint64_t stamp_s;
	uint64_t total_bytes;
	bool usable_known;
	uint64_t usable_bytes;
	bool unused_known;
	uint64_t unused_bytes;
	uint64_t swapped_bytes;
	uint64_t major_faults;
};

/**
 * struct ebb_balloon_act - what is done in one go, in this order
 * @write: the record becomes @record; with base_bytes 0 there is none then
 * @resize: the balloon is asked to leave @left_bytes to the guest, or all that there is
 * @set_period: the statistics get @period_s; that it fails is no failure
 *
 * A write comes before the resize where the record says that something is held, and
 * after it where it says no more so. The statistics are read at the end of it all.
 */
struct ebb_balloon_act {
	bool write;
	struct ebb_balloon_record record;
	bool resize;
	uint64_t left_bytes;
	bool set_period;
	uint32_t period_s;
};

enum {
	EBB_BALLOON_ERROR_BYTES = 256
};

struct ebb_balloon_line;

/* Not connected yet. Returns NULL without memory. */
struct ebb_balloon_line *ebb_balloon_line_new(const char *uri,
					      const char *uuid);

/* Closes the connection (blocks). NULL is fine. */
void ebb_balloon_line_free(struct ebb_balloon_line *line);

/**
 * ebb_balloon_line_act - connects if need be, and does it (blocks, maybe for ever)
 * @ret_stats: on a failure @resized alone
 * @ret_error: EBB_BALLOON_ERROR_BYTES, libvirt's words on a failure
 *
 * Returns 0, -ENOTCONN (no way to the domain), -ENODATA (it has no virtio balloon) or
 * -EIO (libvirt did not do it; what comes after that was not tried).
 */
int ebb_balloon_line_act(struct ebb_balloon_line *line,
			 const struct ebb_balloon_act *act,
			 struct ebb_balloon_stats *ret_stats, char *ret_error);

/* Pure. The element as libvirt takes it. @text: at least 160 bytes. Returns @text. */
const char *ebb_balloon_record_print(const struct ebb_balloon_record *record,
				     char *text);

/* Pure. Reads it; one that makes no sense is none. */
void ebb_balloon_record_take(const struct _xmlNode *element,
			     struct ebb_balloon_record *ret_record);

#endif /* EBB_HOST_LIBVIRT_BALLOON_H */
