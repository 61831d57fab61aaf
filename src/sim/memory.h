/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory of the simulator itself, which ends if there is none.
 */
#ifndef ROMON_SIM_MEMORY_H
#define ROMON_SIM_MEMORY_H

#include <stddef.h>

/* Zeroed. */
void *memory_new(size_t count, size_t size);
/* The array with room for need items, grown by doubling. */
void *memory_room(void *array, size_t *cap, size_t need, size_t size);

#endif
