/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Takes a domain's obstacles to rung lease out of the XML that it is defined by, as a
 * patch. Pure: text in, text out.
 *
 * Theory of operation
 * ===================
 *
 * An operator wants to see a change before it is made, and to have it made by tools that
 * he knows: patch(1) and virsh. So the lines of the definition stay as libvirt prints
 * them, but for those that change (edits.h). libxml2 finds the elements that have to
 * change, and their lines; to print the whole document with it would change the quotes of
 * each attribute.
 *
 * That takes for granted that an element which changes begins on a line of its own, as
 * libvirt writes it. That it was so is proven: the edited text is parsed again, and must
 * lack nothing. Else there is no patch.
 *
 * The owner chose what to reserve (locked memory, pinned processors, passed-through
 * devices): that is left alone.
 */
#ifndef EBB_HOST_MEND_H
#define EBB_HOST_MEND_H

#include <stddef.h>

/**
 * ebb_mend_definition - make the patch
 * @xml: of virDomainGetXMLDesc() with VIR_DOMAIN_XML_INACTIVE
 * @name: of the file in the patch
 * @ret_patch: a unified diff; written only on success
 *
 * Returns 0; -EALREADY: it lacks nothing of that; -EBADMSG: no domain's XML; -ENOTSUP: it
 * is not laid out as libvirt does; -ENOBUFS: it does not fit; or -ENOMEM.
 */
int ebb_mend_definition(const char *xml, const char *name, char *ret_patch,
			size_t patch_bytes);

#endif /* EBB_HOST_MEND_H */
