/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Questions about this router. An account that may discover and no more learns the ID from romond's map of the network, which begins there.
 */
#include "agent/settings.h"

#include <stdlib.h>

#include "agent/agent.h"
#include "agent/call.h"
#include "agent/session.h"
#include "winbox/fields.h"
#include "winbox/users.h"

#define QUESTIONS_MAX 8 /* of one session at a time */

struct question {
	struct question *next;
	struct session *session;
	struct call *call;
	bool check; /* only whether it runs */
	struct reply_to reply;
};

static void question_free(struct question *question)
{
	struct question **at = session_questions(question->session);

	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
	call_free(question->call);
	free(question);
}

/* running: romond takes part; id: "", if no interface does. */
static void answer(struct question *question, bool running, const char *id)
{
	struct session *session = question->session;
	struct m2_writer writer;
	uint8_t bytes[USERS_ID];

	if (question->check && !running) {
		reply_error(session, &question->reply, M2_ERROR_FAILED, REPLY_NOT_RUNNING);
		return;
	}
	writer = reply_begin(&question->reply);
	if (!question->check) {
		m2_put_bool(&writer, SETTINGS_ENABLED, running);
		if (running && users_id_parse(id, bytes))
			m2_put_bytes(&writer, SETTINGS_CURRENT_ID, M2_RAW, bytes, sizeof(bytes));
	}
	reply_send(session, &question->reply, &writer);
}

static void told(void *ctx, const struct message_reply *reply)
{
	struct question *question = ctx;
	const char *id = reply != NULL ? json_string_value(json_object_get(reply->parameters, "id")) : NULL;

	/* Another error than that: it runs, but has no ID yet. */
	answer(question, reply != NULL && !call_failed_with(reply, "NotRunning"), id != NULL ? id : "");
	question_free(question);
}

static void ask(struct session *session, const struct request *request, bool check)
{
	struct agent *agent = session_agent(session);
	struct question **list = session_questions(session), *question = *list;
	size_t count = 0;

	for (; question != NULL; question = question->next)
		count++;
	question = count < QUESTIONS_MAX ? calloc(1, sizeof(*question)) : NULL;
	if (question == NULL) {
		reply_error(session, &request->reply, M2_ERROR_BUSY, NULL);
		return;
	}
	*question = (struct question){.next = *list, .session = session, .check = check, .reply = request->reply};
	*list = question;
	question->call = call_new(
		agent->base, agent->socket_path, "Map", json_pack("{sf}", "duration", 0.0), MESSAGE_ONCE, told, question);
	if (question->call == NULL) {
		answer(question, false, "");
		question_free(question);
	}
}

void settings_check(struct session *session, const struct request *request)
{
	ask(session, request, true);
}

void settings_get(struct session *session, const struct request *request)
{
	ask(session, request, false);
}

void questions_end(struct session *session)
{
	while (*session_questions(session) != NULL)
		question_free(*session_questions(session));
}
