/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of the agent's tables.
 */
#include "agent/rows.h"

#include <stdio.h>
#include <string.h>

#include "winbox/users.h"

/* The table of routers. All keys are guesses [G]; a RoMON ID is raw of 6 wherever it is known [T], lists of addresses are raw[] in other
 * windows. A wrong one leaves a column of WinBox's empty, and nothing worse. */
static const struct {
	const char *name; /* in Discover's answer */
	uint32_t key;
	enum m2_kind kind;
} router_fields[] = {
	{"address", 0x1, M2_RAW},
	{"cost", 0x2, M2_U32},
	{"hops", 0x3, M2_U32},
	{"path", 0x4, M2_RAWS},
	{"l2mtu", 0x5, M2_U32},
	{"identity", 0x6, M2_STRING},
	{"version", 0x7, M2_STRING},
	{"board", 0x8, M2_STRING},
	{"uptime", 0x9, M2_U32},
	{"active", 0xa, M2_BOOL},
};

/* A ping's record. [T], but what is marked. */
enum {
	ECHO_HOST = ROWS_PING_ID,
	ECHO_TIME = 0x64,     /* u32 [I]: milliseconds */
	ECHO_STATUS = 0x65,   /* string */
	ECHO_SENT = 0x69,     /* u32 [I] */
	ECHO_RECEIVED = 0x6a, /* u32 [I] */
	ECHO_LOSS = 0x6b,     /* u32 [I]: percent */
	ECHO_BAR = 0x6c,      /* string */
	ECHO_SEQ = 0x6d,      /* u32 */
};

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
	for (size_t i = 0; i < sizeof(router_fields) / sizeof(*router_fields); i++)
		put_value(record, router_fields[i].key, router_fields[i].kind, json_object_get(router, router_fields[i].name));
}

void rows_echo(struct m2_writer *record, const struct rows_echo *echo)
{
	char bar[64];

	snprintf(bar, sizeof(bar), "%u of %u packets received", (unsigned)echo->received, (unsigned)echo->sent);
	m2_put_bytes(record, ECHO_HOST, M2_RAW, echo->id, sizeof(echo->id));
	if (echo->answered)
		m2_put_u32(record, ECHO_TIME, echo->milliseconds);
	else
		m2_put_text(record, ECHO_STATUS, "timeout");
	m2_put_u32(record, ECHO_SENT, echo->sent);
	m2_put_u32(record, ECHO_RECEIVED, echo->received);
	m2_put_u32(
		record, ECHO_LOSS, echo->sent == 0 ? 0 : (uint32_t)((uint64_t)(echo->sent - echo->received) * 100 / echo->sent));
	m2_put_text(record, ECHO_BAR, bar);
	m2_put_u32(record, ECHO_SEQ, echo->seq);
}
