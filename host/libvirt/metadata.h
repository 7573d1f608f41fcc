/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Ebb keeps with a domain: one element in the domain's metadata,
 *
 *   <ebb:policy xmlns:ebb='urn:ebb:domain:1' free-target='40%' mode='density'
 *	min='2G' max='8G' shares='2000' rungs='lease,report' reserved='share'/>
 *
 * Each attribute may be absent. Whoever may define domains may write anything there,
 * and an error there is one of that domain alone, and is told. Pure: text in, struct
 * out.
 */
#ifndef EBB_HOST_METADATA_H
#define EBB_HOST_METADATA_H

#include <stdbool.h>
#include <stddef.h>

#include "host/interface/settings.h"
#include "host/interface/target.h"

#define EBB_METADATA_URI "urn:ebb:domain:1"
#define EBB_METADATA_PREFIX "ebb"
#define EBB_METADATA_TARGET "free-target"

struct _xmlNode;

/**
 * struct ebb_metadata - the element, read
 * @target: the free target; none if it has none, or one that is not understood
 * @odd_target: why that is not understood, else empty
 * @settings: a layer, whose settings come from "domain"
 * @odd_settings: why not all are understood: then @settings has those that are
 */
struct ebb_metadata {
	struct ebb_target_setting target;
	struct ebb_msg_error odd_target;
	struct ebb_settings settings;
	struct ebb_msg_error odd_settings;
};

/* There is more than one element, so none is used. */
void ebb_metadata_take_none(struct ebb_metadata *ret_metadata);

/* Reads the element of an XML document. Returns 0 or -ENOMEM. */
int ebb_metadata_take(const struct _xmlNode *element,
		      struct ebb_metadata *ret_metadata);

/**
 * ebb_metadata_parse - read the element
 * @element: its text, as libvirt gives it; NULL: there is none
 *
 * Returns 0, -EBADMSG (no XML) or -ENOMEM.
 */
int ebb_metadata_parse(const char *element, struct ebb_metadata *ret_metadata);

enum {
	EBB_METADATA_CHANGES_MAX = EBB_SETTING_COUNT + 1
};

/* An attribute is to be @value, or, if that is empty, not there. */
struct ebb_metadata_change {
	const char *name;
	char value[EBB_SETTING_TEXT_BYTES];
};

_Static_assert((int)EBB_SETTING_TEXT_BYTES >= (int)EBB_TARGET_TEXT_BYTES,
	       "a value of each kind fits");

/**
 * ebb_metadata_edit - change attributes, and leave the others as they are
 * @element: its text, or NULL: there is none yet
 * @ret_element: malloc()ed, without prefix and namespace, which libvirt adds; NULL if
 *	no attribute is left
 *
 * Returns 0, -EBADMSG (@element is no XML) or -ENOMEM.
 */
int ebb_metadata_edit(const char *element,
		      const struct ebb_metadata_change *changes, size_t count,
		      char **ret_element);

#endif /* EBB_HOST_METADATA_H */
