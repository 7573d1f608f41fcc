/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/module.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

/* Linux, include/linux/module_signature.h: the end of a signed module. */
#define SIGNATURE "~Module signature appended~\n"

#define BUILD_LOG "/var/lib/dkms/ebb/*/build/make.log"

enum {
	/* A compiler that says nothing for longer is no more at work. */
	BUILD_QUIET_S = 120
};

static bool is_there(const char *root, const char *path)
{
	char whole[2 * EBB_SYSFILE_PATH_BYTES];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return access(whole, F_OK) == 0;
}

static bool has_source(const char *root)
{
	char pattern[EBB_SYSFILE_PATH_BYTES];
	glob_t found = { 0 };
	bool any;

	snprintf(pattern, sizeof(pattern), "%s/usr/src/ebb-*/dkms.conf", root);
	any = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	return any;
}

/* Fills @ret_path with the module of this kernel, if there is one. */
static bool find_built(const char *root, const char *release, char *ret_path,
		       size_t path_bytes)
{
	static const char *const places[] = { "extra",	   "updates/dkms",
					      "updates",   "weak-updates",
					      "extra/ebb", "kernel/extra" };
	static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };

	for (size_t i = 0; i < EBB_ARRAY_SIZE(places); i++) {
		for (size_t j = 0; j < EBB_ARRAY_SIZE(suffixes); j++) {
			snprintf(ret_path, path_bytes,
				 "/lib/modules/%s/%s/ebb.ko%s", release,
				 places[i], suffixes[j]);
			if (is_there(root, ret_path))
				return true;
		}
	}
	return false;
}

static bool has_headers(const char *root, const char *release)
{
	char path[EBB_SYSFILE_PATH_BYTES];

	snprintf(path, sizeof(path), "/lib/modules/%s/build/include", release);
	return is_there(root, path);
}

/* By the log of the build, which DKMS removes with all else once it is built. */
static enum ebb_module_state build_state(const char *root)
{
	enum ebb_module_state state = EBB_MODULE_NOT_BUILT;
	char pattern[EBB_SYSFILE_PATH_BYTES];
	glob_t found = { 0 };
	struct stat log;

	snprintf(pattern, sizeof(pattern), "%s" BUILD_LOG, root);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return state;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (stat(found.gl_pathv[i], &log) < 0)
			continue;
		state = EBB_MODULE_BUILD_FAILED;
		if (time(NULL) - log.st_mtime < BUILD_QUIET_S) {
			state = EBB_MODULE_BEING_BUILT;
			break;
		}
	}
	globfree(&found);
	return state;
}

/* The file marks the mode that is on: "none [integrity] confidentiality". */
static bool demands_signatures(const char *root)
{
	char text[64];

	if (ebb_sysfile_read(root, "/sys/module/module/parameters/sig_enforce",
			     text, sizeof(text)) == 0 &&
	    text[0] == 'Y')
		return true;
	return ebb_sysfile_read(root, "/sys/kernel/security/lockdown", text,
				sizeof(text)) == 0 &&
	       !strstr(text, "[none]");
}

/* The key that modules are signed with: Ubuntu's, else that of DKMS itself. */
static const char *signing_key(const char *root)
{
	static const char ubuntu[] = "/var/lib/shim-signed/mok/MOK.der";

	return is_there(root, ubuntu) ? ubuntu : "/var/lib/dkms/mok.pub";
}

/*
 * Of one that is compressed the end says nothing. DKMS's is signed where DKMS could
 * make a key, which takes openssl; any other counts as signed.
 */
static bool is_signed(const char *root, const char *path)
{
	char whole[2 * EBB_SYSFILE_PATH_BYTES];
	char end[sizeof(SIGNATURE) - 1] = "";
	FILE *file ebb_auto_fclose = NULL;

	if (strcmp(strrchr(path, '.'), ".ko") != 0)
		return !strstr(path, "/updates/dkms/") ||
		       is_there(root, signing_key(root));
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	file = fopen(whole, "re");
	return file && fseek(file, -(long)sizeof(end), SEEK_END) == 0 &&
	       fread(end, sizeof(end), 1, file) == 1 &&
	       memcmp(end, SIGNATURE, sizeof(end)) == 0;
}

enum ebb_module_state ebb_module_state(const char *root, const char *release)
{
	char path[EBB_SYSFILE_PATH_BYTES];

	if (find_built(root, release, path, sizeof(path))) {
		if (!demands_signatures(root))
			return EBB_MODULE_LOADABLE;
		return is_signed(root, path) ? EBB_MODULE_KEY_NEEDED
					     : EBB_MODULE_UNSIGNED;
	}
	if (!has_source(root))
		return EBB_MODULE_NOT_INSTALLED;
	return has_headers(root, release) ? build_state(root)
					  : EBB_MODULE_NO_HEADERS;
}

void ebb_module_explain(const char *root, const char *release, char *ret_text,
			size_t text_bytes)
{
	switch (ebb_module_state(root, release)) {
	case EBB_MODULE_NOT_INSTALLED:
		snprintf(ret_text, text_bytes,
			 "it is not installed for kernel %s: install ebb-dkms "
			 "and linux-headers-%s, or run make modules_install in "
			 "Ebb's source",
			 release, release);
		break;
	case EBB_MODULE_NO_HEADERS:
		snprintf(ret_text, text_bytes,
			 "it is not built for kernel %s, whose headers are "
			 "missing: install linux-headers-%s",
			 release, release);
		break;
	case EBB_MODULE_NOT_BUILT:
		snprintf(ret_text, text_bytes,
			 "it is not built for kernel %s yet: if nothing builds "
			 "it, run dkms autoinstall",
			 release);
		break;
	case EBB_MODULE_BEING_BUILT:
		snprintf(
			ret_text, text_bytes,
			"DKMS is building it: wait. If it is not there once " BUILD_LOG
			" has not changed for %d s, the build failed",
			BUILD_QUIET_S);
		break;
	case EBB_MODULE_BUILD_FAILED:
		snprintf(ret_text, text_bytes,
			 "it could not be built for kernel %s: see " BUILD_LOG
			 ", or install a newer ebb-dkms",
			 release);
		break;
	case EBB_MODULE_UNSIGNED:
		snprintf(ret_text, text_bytes,
			 "this kernel takes signed modules only (Secure Boot), "
			 "and it has no signature: install openssl, mokutil, "
			 "and ebb-dkms again, which signs it; mokutil --import "
			 "%s; restart and enrol the key",
			 signing_key(root));
		break;
	case EBB_MODULE_KEY_NEEDED:
		snprintf(
			ret_text, text_bytes,
			"it is built for kernel %s, which takes signed modules "
			"only (Secure Boot); if modprobe says that the key was "
			"rejected: mokutil --import %s, restart, enrol the "
			"key",
			release, signing_key(root));
		break;
	case EBB_MODULE_LOADABLE:
		snprintf(ret_text, text_bytes, "it is built for kernel %s",
			 release);
		break;
	}
}
