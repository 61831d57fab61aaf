/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests and answers. The order of the fields is that of real agents, as far as it is known; it means nothing.
 */
#include "agent/request.h"

#include <string.h>

#include "agent/agent.h"
#include "agent/session.h"

static uint8_t answer[CIPHER_MESSAGE_MAX];

void request_read(struct request *request, const uint8_t *message, size_t len)
{
	struct reply_to *reply = &request->reply;
	struct m2_field field;
	size_t at = M2_MARK;

	memset(request, 0, sizeof(*request));
	request->message = message;
	request->len = len;
	request->answer = m2_u32(message, len, M2_TYPE, 0) == M2_TYPE_REPLY;
	request->command = m2_u32(message, len, M2_COMMAND, 0);
	reply->wanted = !request->answer && m2_bool(message, len, M2_REPLY, false);
	reply->has_id = m2_find(message, len, M2_REQUEST, M2_U32, &field);
	reply->id = reply->has_id ? (uint32_t)field.number : 0;
	reply->path_count = m2_u32s(message, len, M2_TO, reply->path, REQUEST_PATH_MAX);
	if (reply->path_count > REQUEST_PATH_MAX)
		reply->path_count = REQUEST_PATH_MAX;
	/* Whatever its kind, it goes back as it came [P]. */
	while (m2_next(message, len, &at, &field)) {
		struct m2_writer writer;

		if (field.key != M2_FROM)
			continue;
		writer = m2_writer_make(reply->sender, sizeof(reply->sender));
		m2_put_field(&writer, M2_TO, message, &field);
		reply->sender_len = writer.failed ? 0 : writer.len;
		break;
	}
}

static struct m2_writer begin(const struct reply_to *to, size_t path_count)
{
	static const char trace[] = "msg-proxy-" AGENT_ROUTEROS;
	struct m2_writer writer = m2_writer_make(answer, sizeof(answer));

	if (to->sender_len > 0) {
		memcpy(answer, to->sender, to->sender_len);
		writer.len = to->sender_len;
	}
	if (path_count > 0)
		m2_put_u32s(&writer, M2_FROM, to->path, path_count);
	m2_put_array(&writer, M2_TRACE, M2_STRINGS, 1);
	m2_put_element_bytes(&writer, trace, strlen(trace));
	m2_put_u32(&writer, M2_TYPE, M2_TYPE_REPLY);
	if (to->has_id)
		m2_put_u32(&writer, M2_REQUEST, to->id);
	return writer;
}

struct m2_writer reply_begin(const struct reply_to *to)
{
	return begin(to, to->path_count);
}

void reply_send(struct session *session, const struct reply_to *to, struct m2_writer *writer)
{
	if (!to->wanted)
		return;
	if (writer->failed)
		reply_error(session, to, M2_ERROR_TOO_BIG, NULL);
	else
		session_send(session, writer->data, writer->len);
}

void reply_done(struct session *session, const struct reply_to *to)
{
	struct m2_writer writer = reply_begin(to);

	reply_send(session, to, &writer);
}

static void send_error(struct session *session, const struct reply_to *to, size_t path_count, uint32_t error, const char *text)
{
	struct m2_writer writer = begin(to, path_count);

	m2_put_u32(&writer, M2_STATUS, M2_STATUS_ERROR);
	m2_put_u32(&writer, M2_ERROR, error);
	if (text != NULL)
		m2_put_text(&writer, M2_ERROR_TEXT, text);
	reply_send(session, to, &writer);
}

void reply_error(struct session *session, const struct reply_to *to, uint32_t error, const char *text)
{
	send_error(session, to, to->path_count, error, text);
}

void reply_no_path(struct session *session, const struct reply_to *to, size_t path_count)
{
	send_error(session, to, path_count, M2_ERROR_PATH, NULL);
}
