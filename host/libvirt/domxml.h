/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a domain's live XML says about its memory. Pure: text in, struct out.
 */
#ifndef EBB_HOST_DOMXML_H
#define EBB_HOST_DOMXML_H

#include <stdbool.h>
#include <stdint.h>

#include "host/interface/reason.h"
#include "host/libvirt/balloon.h"
#include "host/libvirt/metadata.h"

enum {
	EBB_MEMORY_PART_MAX = 64,
	/* Room for all elements. */
	EBB_RESERVED_TEXT_BYTES = 192,
};

/**
 * struct ebb_domxml - the parts that Ebb needs
 * @bound_bytes: all parts together, where they are too many to be kept apart; else 0
 * @cell_count, @cell_bytes: boot memory by NUMA cell, in the order in which
 *	QEMU lays it out; one cell if the domain has no NUMA
 * @device_count, @devices: dimm and virtio-mem devices with their address; 0
 *	where libvirt does not say it; what of it is plugged, or all of it while
 *	that changes or is not said; and what the sizes that libvirt tells of a
 *	balloon do not count, as it is of virtio-mem
 * @balloon_known, @balloon_bytes: what a balloon holds of all that, 0 without one, by
 *	the guest's word
 * @balloon_deflates: by itself, when the guest runs short
 * @balloon_device: there is one, of virtio
 * @balloon_period_s: of its statistics; 0: there are none
 * @balloon_record: what Ebb keeps with the domain of what it holds by it
 * @balloon_asked_known, @balloon_asked_bytes: what it is defined to hold: see
 *	ebb_domxml_take_definition()
 * @shared: <access mode='shared'/>, of the domain or of a cell
 * @of_files: it is, and libvirt makes files for it where it is configured to, on a disk
 *	or not: neither memfd nor hugetlbfs is its source
 * @own_channel: it has EBB_CHANNEL_NAME on a unix socket
 * @qga_channel: it has QGA_CHANNEL_NAME
 * @own_closed, @qga_closed: libvirt says that nobody in the guest has it open
 * @vhost_user: it has a device that virtiofsd or passt serves
 * @free_page_reporting: virtio-balloon has it on
 * @reserved: the elements by which its owner reserved memory or processors for it, as
 *	"<nosharepages/>, <vcpupin>"; or empty
 * @metadata: what Ebb keeps with it
 * @next_known, @next: what of that its definition has, for its next start: see
 *	ebb_domxml_take_definition()
 */
struct ebb_domxml {
	uint64_t bound_bytes;
	uint32_t cell_count;
	uint64_t cell_bytes[EBB_MEMORY_PART_MAX];
	uint32_t device_count;
	struct {
		uint64_t base_gpa;
		uint64_t bytes;
		uint64_t plugged_bytes;
		bool virtio_mem;
	} devices[EBB_MEMORY_PART_MAX];
	bool balloon_known;
	uint64_t balloon_bytes;
	bool balloon_deflates;
	bool balloon_device;
	uint32_t balloon_period_s;
	struct ebb_balloon_record balloon_record;
	bool balloon_asked_known;
	uint64_t balloon_asked_bytes;
	bool shared;
	bool of_files;
	bool own_channel;
	bool qga_channel;
	bool own_closed;
	bool qga_closed;
	bool vhost_user;
	bool free_page_reporting;
	char reserved[EBB_RESERVED_TEXT_BYTES];
	struct ebb_metadata metadata;
	bool next_known;
	struct ebb_metadata next;
};

/* All parts together, also where they are too many to be kept apart. */
uint64_t ebb_domxml_memory_bytes(const struct ebb_domxml *domxml);

/* What of its memory devices is not plugged: it is not there. */
uint64_t ebb_domxml_unplugged_bytes(const struct ebb_domxml *domxml);

/*
 * What a balloon holds of it where @left_bytes are left to the guest, by libvirt's
 * event, which does not count virtio-mem.
 */
uint64_t ebb_domxml_balloon_bytes(const struct ebb_domxml *domxml,
				  uint64_t left_bytes);

/* Whether some of its memory is of virtio-mem, which is resized by itself. */
bool ebb_domxml_has_virtio_mem(const struct ebb_domxml *domxml);

/**
 * ebb_domxml_take_definition - what the host asks the balloon to hold, and what Ebb
 *	keeps for the next start
 * @domxml: of the live XML, whose figure is the guest's word
 * @xml: the domain is defined by it: what its <currentMemory> leaves to the guest is
 *	what libvirt asks for when it starts
 *
 * A definition may have been edited since the domain started, so the caller keeps the
 * least that it found (host/domain/vm_balloon.c).
 *
 * What cannot be understood asks for nothing, nor does the definition of a balloon that
 * deflates by itself. A size that was asked for since, with virsh setmem --live, is in
 * no XML: it is not known.
 */
void ebb_domxml_take_definition(struct ebb_domxml *domxml, const char *xml);

/**
 * ebb_domxml_parse - read the XML of virDomainGetXMLDesc()
 * @xml: the text
 * @ret_domxml: written only on success; with -E2BIG @bound_bytes is all that is in it
 * @reasons: devices and settings that forbid discarding are added
 *
 * Returns 0, -EBADMSG (not a domain's XML), -E2BIG (more cells or memory
 * devices than EBB_MEMORY_PART_MAX) or -ENOMEM.
 */
int ebb_domxml_parse(const char *xml, struct ebb_domxml *ret_domxml,
		     struct ebb_reason_list *reasons);

#endif /* EBB_HOST_DOMXML_H */
