/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random bytes of the kernel.
 */
#ifndef AGENT_RANDOM_H
#define AGENT_RANDOM_H

#include <stddef.h>

/* Fills buf; ends the program if the kernel has none, which it does not do. */
void random_fill(void *buf, size_t len);

#endif
