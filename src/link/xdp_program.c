/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Loading and attaching by libbpf. The program is part of the binary (the skeleton that bpftool makes of it). It is attached by bpf_link,
 * without a pin: nothing outlives the process that holds the descriptors.
 */
#include "link/xdp_program.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include "romon.skel.h"
#pragma GCC diagnostic pop

struct xdp_program {
	struct romon_bpf *skeleton;
};

/* What libbpf has to say is for who debugs the program; the errno is enough for a log. */
static int say_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

struct xdp_program *xdp_program_load(void)
{
	struct xdp_program *program = malloc(sizeof *program);
	int error;

	if (!program) {
		return NULL;
	}
	libbpf_set_print(say_nothing);
	program->skeleton = romon_bpf__open();
	error = program->skeleton ? -romon_bpf__load(program->skeleton) : errno;
	if (error) {
		romon_bpf__destroy(program->skeleton);
		free(program);
		errno = error;
		return NULL;
	}
	return program;
}

void xdp_program_free(struct xdp_program *program)
{
	if (program) {
		romon_bpf__destroy(program->skeleton);
	}
	free(program);
}

int xdp_program_fd(const struct xdp_program *program)
{
	return bpf_program__fd(program->skeleton->progs.romon);
}

int xdp_program_map(const struct xdp_program *program, enum xdp_map map)
{
	switch (map) {
	case XDP_MAP_PORTS:
		return bpf_map__fd(program->skeleton->maps.ports);
	case XDP_MAP_COUNTERS:
		return bpf_map__fd(program->skeleton->maps.counters);
	case XDP_MAP_ANSWERS:
		return bpf_map__fd(program->skeleton->maps.answers);
	default:
		return bpf_map__fd(program->skeleton->maps.ring);
	}
}

int xdp_program_set_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot)
{
	/* The target first: whoever finds the slot finds where it leads. */
	if (bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.targets), &slot, &ifindex, BPF_ANY) < 0 ||
		bpf_map_update_elem(bpf_map__fd(program->skeleton->maps.slots), &ifindex, &slot, BPF_ANY) < 0) {
		return -errno;
	}
	return 0;
}

/* What is not there needs no removing: an interface that has gone is no target any more. */
void xdp_program_clear_slot(struct xdp_program *program, uint32_t ifindex, uint32_t slot)
{
	bpf_map_delete_elem(bpf_map__fd(program->skeleton->maps.slots), &ifindex);
	bpf_map_delete_elem(bpf_map__fd(program->skeleton->maps.targets), &slot);
}

int xdp_program_attach(struct xdp_program *program, uint32_t ifindex, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, options, .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(xdp_program_fd(program), (int)ifindex, BPF_XDP, &options);

	return fd < 0 ? -errno : fd;
}

bool xdp_program_attached(int fd)
{
	struct bpf_link_info info = {.type = BPF_LINK_TYPE_UNSPEC};
	uint32_t size = sizeof info;

	return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.xdp.ifindex != 0;
}
