/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The RoMON ID that this machine chose, kept in the state folder so that it survives the card that it came from. It is bound to
 * the machine-id: a cloned disk image must not make two routers with one ID.
 */
#ifndef ROMON_KEPT_ID_H
#define ROMON_KEPT_ID_H

#include <romon/romon.h>

/* Both return 0 or an errno. Load: ENOENT if there is none, if it is another machine's, or if the file is damaged. */
int kept_id_load(const char *state_dir, struct romon_mac *id);
int kept_id_save(const char *state_dir, struct romon_mac id);

#endif
