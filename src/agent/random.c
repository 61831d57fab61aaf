/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random bytes of the kernel, which waits until it has some.
 */
#include "agent/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/types.h>

void random_fill(void *buf, size_t len)
{
	char *at = buf;

	while (len > 0) {
		ssize_t got = getrandom(at, len, 0);

		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
}
