/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory of the simulator itself.
 */
#include "sim/memory.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *memory)
{
	if (memory == NULL) {
		fputs("romon-sim: not enough memory: simulate fewer routers\n", stderr);
		exit(2);
	}
	return memory;
}

void *memory_new(size_t count, size_t size)
{
	return checked(calloc(count > 0 ? count : 1, size));
}

void *memory_room(void *array, size_t *cap, size_t need, size_t size)
{
	if (need <= *cap)
		return array;
	while (*cap < need)
		*cap = *cap * 2 + 16;
	return checked(reallocarray(array, *cap, size));
}
