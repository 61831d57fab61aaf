/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The privileged half of the XDP data path: romon.bpf.c in the kernel, the interfaces that it runs on, and what only root may write
 * into its maps. The unprivileged half is xdp.h.
 */
#ifndef ROMON_XDP_PROGRAM_H
#define ROMON_XDP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct xdp_program;

/* The maps that the unprivileged half maps into its memory. */
enum xdp_map { XDP_MAP_PORTS, XDP_MAP_COUNTERS, XDP_MAP_ANSWERS, XDP_MAP_RING, XDP_MAPS };

/* Loads the program. It runs nowhere yet, and vanishes with this process if it is not freed before. NULL with errno: ENOSYS where romond
 * was built without it, else what the kernel says. */
struct xdp_program *xdp_program_load(void);
void xdp_program_free(struct xdp_program *program);

/* The descriptor of the program, to try it with, and of a map. They stay the program's. */
int xdp_program_fd(const struct xdp_program *program);
int xdp_program_map(const struct xdp_program *program, enum xdp_map map);
/* Gives the interface that slot, below ROMON_BPF_SLOTS: only then does the program take frames from it, or redirect frames to it. Returns 0
 * or a negative errno. */
int xdp_program_set_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot);
void xdp_program_clear_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot);

/* Lets the program run on the interface, in generic or in native mode. Returns a descriptor, or a negative errno: -EBUSY or -EEXIST if
 * another program is in the way. The program runs there as long as the descriptor is open. */
int xdp_program_attach(struct xdp_program *program, uint32_t ifindex, bool generic);
/* Does it still, or has the interface gone? */
bool xdp_program_attached(int fd);

#endif
