/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Discovery. romond tells the table whenever it has changed; a poll is answered from what was told last, the whole set every time, in pages
 * where it does not fit into one message [I].
 */
#include "agent/discovery.h"

#include <string.h>

#include "agent/agent.h"
#include "agent/call.h"
#include "agent/rows.h"
#include "agent/session.h"

#define PAGE_MAX 60000    /* bytes of records in one answer */
#define RECORD_MAX 4096   /* of one: 255 IDs on the way, and three texts */
#define NUMBERS_MAX 65536 /* routers that come and go while somebody looks */

/* Gives every router of the table a number that it keeps. */
static void number_all(struct discovery *discovery)
{
	size_t i;
	json_t *router;

	if (json_object_size(discovery->numbers) > NUMBERS_MAX)
		json_object_clear(discovery->numbers);
	json_array_foreach(discovery->routers, i, router)
	{
		const char *address = json_string_value(json_object_get(router, "address"));

		if (address != NULL && json_object_get(discovery->numbers, address) == NULL)
			json_object_set_new(discovery->numbers, address, json_integer(++discovery->last_number));
	}
}

/* Answers the queries that waited for it to begin. */
static void answer_starts(struct agent *agent)
{
	struct discovery *discovery = &agent->discovery;

	for (struct session *session = agent->sessions; session != NULL; session = session_next(session)) {
		struct query *queries = session_queries(session);

		for (size_t i = 0; i < QUERIES_MAX; i++) {
			struct query *query = &queries[i];

			if (query->id == 0 || !query->starting)
				continue;
			query->starting = false;
			if (discovery->failed) {
				query->id = 0;
				discovery->queries--;
				reply_error(session, &query->start, M2_ERROR_FAILED, REPLY_NOT_RUNNING);
			} else {
				struct m2_writer writer = reply_begin(&query->start);

				m2_put_u32(&writer, M2_ID, query->id);
				reply_send(session, &query->start, &writer);
			}
		}
	}
}

/* romond says no, or nothing any more. */
static void fail(struct agent *agent)
{
	struct discovery *discovery = &agent->discovery;

	call_free(discovery->call);
	discovery->call = NULL;
	discovery->told = false;
	discovery->failed = true;
	answer_starts(agent);
}

static void told(void *ctx, const struct message_reply *reply)
{
	struct agent *agent = ctx;
	struct discovery *discovery = &agent->discovery;
	json_t *routers = reply != NULL ? json_object_get(reply->parameters, "routers") : NULL;

	if (!json_is_array(routers) || reply->error != NULL) {
		fail(agent);
		return;
	}
	json_decref(discovery->routers);
	discovery->routers = json_incref(routers);
	discovery->told = true;
	discovery->failed = false;
	number_all(discovery);
	answer_starts(agent);
}

static void begin(struct agent *agent)
{
	struct discovery *discovery = &agent->discovery;

	if (discovery->numbers == NULL)
		discovery->numbers = json_object();
	discovery->call = call_new(agent->base, agent->socket_path, "Discover", NULL, MESSAGE_MORE, told, agent);
	if (discovery->call == NULL)
		fail(agent);
}

/* The last query ended. */
static void leave(struct agent *agent)
{
	struct discovery *discovery = &agent->discovery;

	if (--discovery->queries > 0)
		return;
	call_free(discovery->call);
	json_decref(discovery->routers);
	json_decref(discovery->numbers);
	memset(discovery, 0, sizeof(*discovery));
}

static struct query *find(struct session *session, uint32_t id)
{
	struct query *queries = session_queries(session);

	for (size_t i = 0; i < QUERIES_MAX; i++)
		if (queries[i].id == id)
			return &queries[i];
	return NULL;
}

void query_start(struct session *session, const struct request *request)
{
	struct agent *agent = session_agent(session);
	struct query *query = find(session, 0);

	if (query == NULL) {
		reply_error(session, &request->reply, M2_ERROR_BUSY, NULL);
		return;
	}
	*query = (struct query){.id = session_number(session), .starting = true, .start = request->reply};
	agent->discovery.queries++;
	if (agent->discovery.told)
		answer_starts(agent);
	else if (agent->discovery.call == NULL)
		begin(agent);
}

/* Writes records from number first on; returns the number of the next one, which found no place. */
static size_t put_page(const struct discovery *discovery, size_t first, struct m2_writer *writer)
{
	static uint8_t page[PAGE_MAX], record[RECORD_MAX];
	struct m2_writer elements = {.data = page, .max = sizeof(page)};
	size_t i = first, count = 0, total = json_array_size(discovery->routers);

	for (; i < total; i++) {
		const json_t *router = json_array_get(discovery->routers, i);
		const char *address = json_string_value(json_object_get(router, "address"));
		const json_t *number = address != NULL ? json_object_get(discovery->numbers, address) : NULL;
		struct m2_writer one = m2_writer_make(record, sizeof(record));

		rows_router(&one, (uint32_t)json_integer_value(number), router);
		if (one.failed || number == NULL)
			continue;
		if (elements.len + 2 + one.len > sizeof(page))
			break;
		m2_put_element_bytes(&elements, record, one.len);
		count++;
	}
	if (count > 0)
		m2_put_elements(writer, M2_RECORDS, M2_MESSAGES, count, page, elements.len);
	return i;
}

void query_poll(struct session *session, const struct request *request)
{
	struct agent *agent = session_agent(session);
	const struct discovery *discovery = &agent->discovery;
	uint32_t id = m2_u32(request->message, request->len, M2_ID, 0), from = m2_u32(request->message, request->len, M2_NEXT, 0);
	const struct query *query = id != 0 ? find(session, id) : NULL;
	struct m2_writer writer;
	size_t next;

	if (query == NULL) {
		reply_error(session, &request->reply, M2_ERROR_ID, NULL);
	} else if (discovery->failed) {
		/* The window stays open and asks on: once RoMON runs again it has its rows again. */
		reply_error(session, &request->reply, M2_ERROR_FAILED, REPLY_NOT_RUNNING);
		if (discovery->call == NULL)
			begin(agent);
	} else {
		writer = reply_begin(&request->reply);
		next = put_page(discovery, from, &writer);
		if (next < json_array_size(discovery->routers))
			m2_put_u32(&writer, M2_NEXT, (uint32_t)next);
		reply_send(session, &request->reply, &writer);
	}
}

void query_cancel(struct session *session, const struct request *request)
{
	uint32_t id = m2_u32(request->message, request->len, M2_ID, 0);
	struct query *query = id != 0 ? find(session, id) : NULL;

	if (query == NULL) {
		reply_error(session, &request->reply, M2_ERROR_ID, NULL);
		return;
	}
	query->id = 0;
	leave(session_agent(session));
	reply_done(session, &request->reply);
}

void queries_end(struct session *session)
{
	struct query *queries = session_queries(session);

	for (size_t i = 0; i < QUERIES_MAX; i++) {
		if (queries[i].id == 0)
			continue;
		queries[i].id = 0;
		leave(session_agent(session));
	}
}
