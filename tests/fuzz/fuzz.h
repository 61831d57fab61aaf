/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every fuzz target has: the entry point that libFuzzer, AFL++ and driver.c call with one input, and a check that ends the program
 * with the place where it failed. A target keeps nothing from one input to the next.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn static inline void fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

#define must(what) ((what) ? (void)0 : fuzz_fail(#what, __FILE__, __LINE__))

#endif
