/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration file: loaded, and replaced by what a sealed memfd holds.
 */
#ifndef ROMON_STORE_H
#define ROMON_STORE_H

#include "daemon/config.h"

/* Loads the file; where there is none, the defaults. NULL, with *error filled, if it cannot be read or does not parse. */
struct config *store_load(const char *path, struct config_error *error);
/* The same of an open file. */
struct config *store_load_fd(int fd, struct config_error *error);
/* Replaces the file by the content of memfd, which must be sealed against every change, no longer than a configuration may be,
 * and a configuration that parses. Its services must be kept from present (see config_services_kept(); NULL: the defaults), or the
 * result is EPERM. 0 or an errno. */
int store_replace(const char *path, int memfd, const struct config *present);

#endif
