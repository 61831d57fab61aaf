/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ways by which a port can receive: which of them a port gets, and the words for that.
 */
#ifndef ROMON_DATAPATH_H
#define ROMON_DATAPATH_H

#include <stdbool.h>

/* The setting `datapath`. */
enum datapath_want {
	DATAPATH_WANT_DEFAULT, /* of a port: as the settings say */
	DATAPATH_WANT_AUTO,    /* the best that works */
	DATAPATH_WANT_XDP,     /* XDP, or the port does not take part */
	DATAPATH_WANT_PACKET,  /* the packet socket alone */
};

const char *datapath_want_name(enum datapath_want want); /* as it is written: "auto" */

/* From the worst to the best. */
enum datapath_path {
	DATAPATH_NONE,    /* it should be XDP, and cannot be */
	DATAPATH_PACKET,  /* the packet socket */
	DATAPATH_GENERIC, /* XDP, run by the kernel on every frame that a driver has received */
	DATAPATH_NATIVE,  /* XDP, run by the driver */
};
const char *datapath_name(enum datapath_path path); /* "xdp", "xdp-generic", "packet", "none" */

/* Why it is not a better one. */
enum datapath_why {
	DATAPATH_WHY_BEST,       /* there is none */
	DATAPATH_WHY_SET,        /* datapath=packet */
	DATAPATH_WHY_NOT_BUILT,  /* romond has no program */
	DATAPATH_WHY_KERNEL,     /* the kernel does not load it */
	DATAPATH_WHY_VLANS,      /* the card hides VLAN tags, and there are VLANs */
	DATAPATH_WHY_OTHER,      /* another program is there */
	DATAPATH_WHY_REFUSED,    /* the kernel does not attach it, in whatever mode */
	DATAPATH_WHY_DRIVER,     /* not native: the driver cannot */
	DATAPATH_WHY_NOT_TOLD,   /* not native: the kernel does not tell which interfaces take redirected frames */
	DATAPATH_WHY_NOT_NATIVE, /* not native: the driver refuses, for what it is set to */
	DATAPATH_WHYS
};
/* The reason in words for people, or NULL for the best. */
const char *datapath_why_text(enum datapath_why why);

/* What is known of an interface before it is tried. */
struct datapath_facts {
	enum datapath_want want; /* not DATAPATH_WANT_DEFAULT */
	bool told;               /* the kernel tells what drivers can do (Linux 6.3) */
	bool native;             /* ... and this one can run the program */
	bool hidden_vlans;       /* a program could not see the tags of VLANs that are in use */
};
/* The best path that may be tried, and why no better one. */
enum datapath_path datapath_choose(const struct datapath_facts *facts, enum datapath_why *why);
/* What is left when XDP cannot be had. */
enum datapath_path datapath_without_xdp(enum datapath_want want);

#endif
