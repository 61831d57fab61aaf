/* SPDX-License-Identifier: BSD-2-Clause
 *
 * xdp_program.h where romond is built without the program: it cannot be loaded, so nothing else is ever called.
 */
#include "link/xdp_program.h"

#include <errno.h>
#include <stddef.h>

struct xdp_program *xdp_program_load(void)
{
	errno = ENOSYS;
	return NULL;
}

void xdp_program_free(struct xdp_program *program)
{
	(void)program;
}

int xdp_program_fd(const struct xdp_program *program)
{
	(void)program;
	return -1;
}

int xdp_program_map(const struct xdp_program *program, enum xdp_map map)
{
	(void)program;
	(void)map;
	return -1;
}

int xdp_program_set_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot)
{
	(void)program;
	(void)ifindex;
	(void)slot;
	return -ENOSYS;
}

void xdp_program_clear_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot)
{
	(void)program;
	(void)ifindex;
	(void)slot;
}

int xdp_program_attach(struct xdp_program *program, uint32_t ifindex, bool generic)
{
	(void)program;
	(void)ifindex;
	(void)generic;
	return -ENOSYS;
}

bool xdp_program_attached(int fd)
{
	(void)fd;
	return false;
}
