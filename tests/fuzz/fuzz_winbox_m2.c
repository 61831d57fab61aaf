/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: WinBox's messages. What is one is written anew and is the same then, whatever forms it was in; its path gets longer and
 * shorter again; and what the agent reads of a request is read of any bytes.
 */
#include <string.h>

#include "agent/request.h"
#include "fuzz.h"
#include "winbox/m2.h"

#define SIZE_MAX_IN 4096

static void write_array(struct m2_writer *writer, const struct m2_field *field)
{
	struct m2_field element;
	size_t at = 0, count = 0;

	m2_put_array(writer, field->key, field->kind, field->count);
	while (m2_element(field, &at, &element)) {
		if (field->kind == M2_IPV6S)
			m2_put_element_ipv6(writer, element.data);
		else if (field->kind <= M2_U64S)
			m2_put_element_number(writer, field->kind, element.number);
		else
			m2_put_element_bytes(writer, element.data, element.len);
		count++;
	}
	must(count == field->count && at == field->len);
}

static void write_field(struct m2_writer *writer, const struct m2_field *field)
{
	switch (field->kind) {
	case M2_BOOL:
		m2_put_bool(writer, field->key, field->number != 0);
		break;
	case M2_U32:
		m2_put_u32(writer, field->key, (uint32_t)field->number);
		break;
	case M2_U64:
		m2_put_u64(writer, field->key, field->number);
		break;
	case M2_IPV6:
		m2_put_ipv6(writer, field->key, field->data);
		break;
	case M2_STRING:
	case M2_MESSAGE:
	case M2_RAW:
		m2_put_bytes(writer, field->key, field->kind, field->data, field->len);
		break;
	default:
		write_array(writer, field);
	}
}

/* Writes a message anew, and returns its length then. */
static size_t rewrite(const uint8_t *message, size_t len, uint8_t *out, size_t max)
{
	struct m2_writer writer = m2_writer_make(out, max);
	struct m2_field field;
	size_t at = M2_MARK;

	while (m2_next(message, len, &at, &field)) {
		must(field.begin < field.end && field.end == at && at <= len);
		write_field(&writer, &field);
	}
	must(!writer.failed && writer.len <= max);
	return writer.len;
}

static void reroute(const uint8_t *message, size_t len)
{
	static uint8_t longer[2 * SIZE_MAX_IN], back[2 * SIZE_MAX_IN];
	const uint32_t prefix[] = {2, 205574};
	uint32_t path[2];
	size_t longer_len = m2_reroute(message, len, M2_TO, 0, prefix, 2, longer, sizeof(longer)), back_len;

	if (longer_len == 0)
		return;
	must(longer_len >= len + 8 - 2 && m2_valid(longer, longer_len));
	must(m2_u32s(longer, longer_len, M2_TO, path, 2) >= 2 && path[0] == 2 && path[1] == 205574);
	back_len = m2_reroute(longer, longer_len, M2_TO, 2, NULL, 0, back, sizeof(back));
	must(back_len > 0 && m2_valid(back, back_len));
	must(m2_u32s(back, back_len, M2_TO, path, 0) == m2_u32s(message, len, M2_TO, path, 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[2 * SIZE_MAX_IN], second[2 * SIZE_MAX_IN];
	struct request request;
	size_t len;

	if (size > SIZE_MAX_IN)
		return 0;
	request_read(&request, data, size);
	must(request.reply.path_count <= REQUEST_PATH_MAX && request.reply.sender_len <= REQUEST_SENDER_MAX);
	must(request.reply.sender_len == 0 ||
		m2_next(request.reply.sender, request.reply.sender_len, &(size_t){M2_MARK}, &(struct m2_field){0}));
	if (!m2_valid(data, size))
		return 0;
	len = rewrite(data, size, first, sizeof(first));
	must(m2_valid(first, len));
	must(rewrite(first, len, second, sizeof(second)) == len && memcmp(first, second, len) == 0);
	reroute(data, size);
	return 0;
}
