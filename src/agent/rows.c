/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of the agent's tables.
 */
#include "agent/rows.h"

#include <stdio.h>
#include <string.h>

#include "winbox/fields.h"
#include "winbox/users.h"

static bool id_of(const json_t *value, uint8_t id[USERS_ID])
{
	const char *text = json_string_value(value);

	return text != NULL && users_id_parse(text, id);
}

static void put_ids(struct m2_writer *record, uint32_t key, const json_t *list)
{
	uint8_t id[USERS_ID];

	m2_put_array(record, key, M2_RAWS, json_array_size(list));
	for (size_t i = 0; i < json_array_size(list); i++) {
		if (!id_of(json_array_get(list, i), id))
			record->failed = true;
		m2_put_element_bytes(record, id, sizeof(id));
	}
}

/* What is unknown is left out. */
static void put_value(struct m2_writer *record, uint32_t key, enum m2_kind kind, const json_t *value)
{
	uint8_t id[USERS_ID];

	if (kind == M2_RAW && id_of(value, id))
		m2_put_bytes(record, key, M2_RAW, id, sizeof(id));
	else if (kind == M2_RAWS)
		put_ids(record, key, value);
	else if (kind == M2_U32 && json_is_integer(value))
		m2_put_u32(record, key, (uint32_t)json_integer_value(value));
	else if (kind == M2_STRING && json_is_string(value))
		m2_put_text(record, key, json_string_value(value));
	else if (kind == M2_BOOL && json_is_boolean(value))
		m2_put_bool(record, key, json_is_true(value));
}

void rows_router(struct m2_writer *record, uint32_t number, const json_t *router)
{
	m2_put_u32(record, M2_ID, number);
	for (size_t i = 0; i < FIELDS_ROUTER; i++)
		put_value(record, fields_router[i].key, fields_router[i].kind, json_object_get(router, fields_router[i].name));
}

void rows_echo(struct m2_writer *record, const struct rows_echo *echo)
{
	char bar[64];

	snprintf(bar, sizeof(bar), "%u of %u packets received", (unsigned)echo->received, (unsigned)echo->sent);
	m2_put_bytes(record, PING_TARGET, M2_RAW, echo->id, sizeof(echo->id));
	if (echo->answered)
		m2_put_u32(record, PING_TIME, echo->milliseconds);
	else
		m2_put_text(record, PING_STATUS, "timeout");
	m2_put_u32(record, PING_SENT, echo->sent);
	m2_put_u32(record, PING_RECEIVED, echo->received);
	m2_put_u32(
		record, PING_LOSS, echo->sent == 0 ? 0 : (uint32_t)((uint64_t)(echo->sent - echo->received) * 100 / echo->sent));
	m2_put_text(record, PING_BAR, bar);
	m2_put_u32(record, PING_SEQ, echo->seq);
}
