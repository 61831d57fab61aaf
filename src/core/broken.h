/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Faults that the tests of the simulator build in, each to show that one of its checks is alive. There are none in any other build: without
 * ROMON_BROKEN, every BROKEN() is false, and the compiler leaves it out.
 */
#ifndef ROMON_BROKEN_H
#define ROMON_BROKEN_H

enum broken {
	BROKEN_NOTHING,
	BROKEN_ROUTE,    /* Data is passed on without the way back */
	BROKEN_HOPS,     /* Data goes back to where it came from, with the pointer as it was */
	BROKEN_ANSWER,   /* whoever hears an answer answers, too */
	BROKEN_WRONG_ID, /* Data for another ID is taken */
	BROKEN_TWICE,    /* an answer to a ping counts again */
	BROKEN_CONTENT,  /* bytes that came early are not kept, but count as kept */
	BROKEN_TABLE,    /* tables have no capacity */
	BROKEN_SECRET,   /* unhashed frames are taken whatever the list says */
	BROKEN_REPLAY,   /* counters that were seen are taken again */
	BROKEN_SIGN,     /* frames leave unsigned */
	BROKEN_BOUND,    /* every copy of a Discover is passed on */
	BROKEN_SILENCE,  /* discovery goes on when nobody wants it */
	BROKEN_CONVERGE, /* costs do not count */
	BROKEN_FINISH,   /* a stream has no timer */
};

#ifdef ROMON_BROKEN
extern enum broken romon_broken;
#define BROKEN(what) (romon_broken == BROKEN_##what)
#else
#define BROKEN(what) 0
#endif

#endif
