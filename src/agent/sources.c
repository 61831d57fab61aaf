/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sources. Every one has a place while it has anything open, and afterwards as long as nobody else needs it: of those that have nothing
 * open, the one that was seen longest ago makes room. So who floods from many addresses forgets himself, not others' sessions.
 */
#include "agent/sources.h"

#include <string.h>
#include <sys/socket.h>

#define TOLD_NS 60000000000LL

/* The source that an address belongs to. */
static struct address source_of(const struct address *address)
{
	struct address source = *address;

	if (source.family == AF_INET6)
		memset(source.bytes + 8, 0, 8);
	return source;
}

static void refill(struct source *source, int64_t now)
{
	int64_t earned = (now - source->seen) / SOURCES_ATTEMPT_NS;

	if (earned <= 0)
		return;
	source->attempts = earned >= SOURCES_ATTEMPTS - source->attempts ? SOURCES_ATTEMPTS : source->attempts + (int)earned;
	source->seen += earned * SOURCES_ATTEMPT_NS;
}

/* The place of this source, or a new one for it. NULL: all are in use. */
static struct source *place(struct sources *sources, const struct address *address, int64_t now)
{
	struct address wanted = source_of(address);
	struct source *oldest = NULL;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct source *source = &sources->list[i];

		if (source->address.family == wanted.family &&
			memcmp(source->address.bytes, wanted.bytes, sizeof(wanted.bytes)) == 0)
			return source;
		if (source->open == 0 && source->sessions == 0 &&
			(oldest == NULL || source->address.family == 0 ||
				(oldest->address.family != 0 && source->seen < oldest->seen)))
			oldest = source;
	}
	if (oldest != NULL)
		*oldest = (struct source){.address = wanted, .attempts = SOURCES_ATTEMPTS, .seen = now};
	return oldest;
}

enum sources_verdict sources_open(struct sources *sources, const struct address *address, int64_t now, struct source **source)
{
	struct source *found = place(sources, address, now);

	*source = found;
	if (found == NULL)
		return SOURCES_FULL;
	refill(found, now);
	if (found->attempts <= 0)
		return SOURCES_BLOCKED;
	if (found->open >= SOURCES_OPEN_MAX || found->sessions >= SOURCES_SESSIONS_MAX)
		return SOURCES_BUSY;
	found->open++;
	return SOURCES_WELCOME;
}

bool sources_tell(struct source *source, int64_t now)
{
	bool time = source->told == 0 || now - source->told >= TOLD_NS;

	if (time)
		source->told = now;
	return time;
}

void sources_attempt(struct source *source)
{
	source->attempts -= SOURCES_ATTEMPT_COST;
}

void sources_login(struct source *source)
{
	source->open--;
	source->sessions++;
}

void sources_refused(struct source *source)
{
	source->attempts -= SOURCES_FAILURE_COST;
}

void sources_close(struct source *source, bool session)
{
	if (session)
		source->sessions--;
	else
		source->open--;
}
