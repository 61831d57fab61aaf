/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Choosing a data path. Pure functions.
 */
#include "link/datapath.h"

#include <stddef.h>

const char *datapath_want_name(enum datapath_want want)
{
	static const char *const names[] = {
		[DATAPATH_WANT_DEFAULT] = "default",
		[DATAPATH_WANT_AUTO] = "auto",
		[DATAPATH_WANT_XDP] = "xdp",
		[DATAPATH_WANT_PACKET] = "packet",
	};

	return names[want];
}

const char *datapath_name(enum datapath_path path)
{
	switch (path) {
	case DATAPATH_NATIVE:
		return "xdp";
	case DATAPATH_GENERIC:
		return "xdp-generic";
	case DATAPATH_PACKET:
		return "packet";
	default:
		return "none";
	}
}

const char *datapath_why_text(enum datapath_why why)
{
	static const char *const texts[DATAPATH_WHYS] = {
		[DATAPATH_WHY_SET] = "datapath=packet is set",
		[DATAPATH_WHY_NOT_BUILT] = "romond was built without XDP",
		[DATAPATH_WHY_KERNEL] = "the kernel does not load the program (Linux 5.19 with BPF is needed)",
		[DATAPATH_WHY_VLANS] = "the card takes VLAN tags out of the frames (rx-vlan-offload), and VLANs are in use",
		[DATAPATH_WHY_OTHER] = "another XDP program runs on it, or on an interface above it",
		[DATAPATH_WHY_REFUSED] = "the kernel runs no XDP program on it",
		[DATAPATH_WHY_DRIVER] = "its driver runs no XDP program that redirects",
		[DATAPATH_WHY_NOT_TOLD] = "the kernel does not tell which interfaces take redirected frames (Linux 6.3 does)",
		[DATAPATH_WHY_NOT_NATIVE] = "its driver refuses the program, as it is set now",
	};

	return why < DATAPATH_WHYS ? texts[why] : NULL;
}

enum datapath_path datapath_without_xdp(enum datapath_want want)
{
	return want == DATAPATH_WANT_XDP ? DATAPATH_NONE : DATAPATH_PACKET;
}

/* Where the kernel does not tell what takes redirected frames, native mode could pass on nothing: from generic mode every interface can
 * be reached. */
enum datapath_path datapath_choose(const struct datapath_facts *facts, enum datapath_why *why)
{
	*why = DATAPATH_WHY_BEST;
	if (facts->want == DATAPATH_WANT_PACKET)
		*why = DATAPATH_WHY_SET;
	else if (facts->hidden_vlans)
		*why = DATAPATH_WHY_VLANS;
	if (*why != DATAPATH_WHY_BEST)
		return datapath_without_xdp(facts->want);
	if (!facts->told)
		*why = DATAPATH_WHY_NOT_TOLD;
	else if (!facts->native)
		*why = DATAPATH_WHY_DRIVER;
	return *why == DATAPATH_WHY_BEST ? DATAPATH_NATIVE : DATAPATH_GENERIC;
}
