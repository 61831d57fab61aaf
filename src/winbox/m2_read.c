/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading M2. Every length is checked against what encloses it before a byte behind it is looked at.
 */
#include "winbox/m2.h"

#include <string.h>

#define KIND_SHORT 1 /* flags of the type byte: lengths and counts, or a u32, in one byte; in four */
#define KIND_LONG 2
#define KIND_ARRAY 16

struct view {
	const uint8_t *data;
	size_t len, at;
	bool failed;
};

static const uint8_t *take(struct view *view, size_t len)
{
	const uint8_t *at = view->data + view->at;

	if (view->failed || len > view->len - view->at) {
		view->failed = true;
		return NULL;
	}
	view->at += len;
	return at;
}

static uint64_t number(struct view *view, size_t bytes)
{
	const uint8_t *at = take(view, bytes);
	uint64_t value = 0;

	for (size_t i = bytes; at != NULL && i > 0; i--)
		value = value << 8 | at[i - 1];
	return value;
}

/* Elements of these arrays have one size; the others' have their own, each. */
static size_t element_size(enum m2_kind kind)
{
	switch (kind) {
	case M2_BOOLS:
		return 1;
	case M2_U32S:
		return 4;
	case M2_U64S:
		return 8;
	case M2_IPV6S:
		return 16;
	default:
		return 0;
	}
}

/* Passes over an array's elements, which field->data then spans. */
static void take_array(struct view *view, struct m2_field *field)
{
	size_t size = element_size(field->kind), begin = view->at;

	field->data = view->data + begin;
	if (size != 0) {
		/* A count of four bytes times sixteen fits into 64 bits; take() compares before it adds. */
		take(view, field->count <= view->len / size ? field->count * size : SIZE_MAX);
	} else {
		for (size_t i = 0; i < field->count && !view->failed; i++)
			take(view, (size_t)number(view, field->width));
	}
	field->len = view->at - begin;
}

static bool known(unsigned kind, unsigned flags)
{
	switch (kind) {
	case M2_BOOL:
	case M2_U32:
		return flags <= KIND_SHORT;
	case M2_U64:
	case M2_IPV6:
		return flags == 0;
	default:
		return flags <= KIND_LONG && ((kind >= M2_STRING && kind <= M2_RAW) || (kind >= M2_BOOLS && kind <= M2_RAWS));
	}
}

static void take_value(struct view *view, struct m2_field *field, unsigned flags)
{
	field->width = flags == KIND_SHORT ? 1 : flags == KIND_LONG ? 4 : 2;
	switch (field->kind) {
	case M2_BOOL:
		field->number = flags;
		break;
	case M2_U32:
		field->number = number(view, flags == KIND_SHORT ? 1 : 4);
		break;
	case M2_U64:
		field->number = number(view, 8);
		break;
	case M2_IPV6:
		field->len = 16;
		field->data = take(view, field->len);
		break;
	case M2_STRING:
	case M2_MESSAGE:
	case M2_RAW:
		field->len = (size_t)number(view, field->width);
		field->data = take(view, field->len);
		break;
	default:
		field->count = (size_t)number(view, field->width);
		take_array(view, field);
	}
}

bool m2_next(const uint8_t *message, size_t len, size_t *at, struct m2_field *field)
{
	struct view view = {.data = message, .len = len, .at = *at};
	unsigned type;

	if (*at >= len)
		return false;
	memset(field, 0, sizeof(*field));
	field->begin = *at;
	field->key = (uint32_t)number(&view, 3);
	type = (unsigned)number(&view, 1);
	if (view.failed || !known(type >> 3, type & 7))
		return false;
	field->kind = (enum m2_kind)(type >> 3);
	take_value(&view, field, type & 7);
	if (view.failed)
		return false;
	field->end = view.at;
	*at = view.at;
	return true;
}

bool m2_element(const struct m2_field *array, size_t *at, struct m2_field *element)
{
	struct view view = {.data = array->data, .len = array->len, .at = *at};
	size_t size = element_size(array->kind);

	if (*at >= array->len)
		return false;
	memset(element, 0, sizeof(*element));
	element->key = array->key;
	element->kind = (enum m2_kind)(array->kind - KIND_ARRAY);
	if (size != 0 && size <= 8) {
		element->number = number(&view, size);
	} else {
		element->len = size != 0 ? size : (size_t)number(&view, array->width);
		element->data = take(&view, element->len);
	}
	*at = view.at;
	return !view.failed;
}

static bool valid(const uint8_t *message, size_t len, unsigned depth);

/* Is every message within this field one? */
static bool valid_inside(const struct m2_field *field, unsigned depth)
{
	struct m2_field element;
	size_t at = 0;

	if (field->kind == M2_MESSAGE)
		return valid(field->data, field->len, depth + 1);
	if (field->kind != M2_MESSAGES)
		return true;
	while (m2_element(field, &at, &element))
		if (!valid(element.data, element.len, depth + 1))
			return false;
	return true;
}

static bool valid(const uint8_t *message, size_t len, unsigned depth)
{
	struct m2_field field;
	size_t at = M2_MARK;

	if (depth > M2_DEPTH || len < M2_MARK || message[0] != 'M' || message[1] != '2')
		return false;
	while (m2_next(message, len, &at, &field))
		if (!valid_inside(&field, depth))
			return false;
	return at == len;
}

bool m2_valid(const uint8_t *message, size_t len)
{
	return valid(message, len, 0);
}

bool m2_find(const uint8_t *message, size_t len, uint32_t key, enum m2_kind kind, struct m2_field *field)
{
	size_t at = M2_MARK;

	while (m2_next(message, len, &at, field))
		if (field->key == key)
			return field->kind == kind;
	return false;
}

uint32_t m2_u32(const uint8_t *message, size_t len, uint32_t key, uint32_t absent)
{
	struct m2_field field;

	return m2_find(message, len, key, M2_U32, &field) ? (uint32_t)field.number : absent;
}

bool m2_bool(const uint8_t *message, size_t len, uint32_t key, bool absent)
{
	struct m2_field field;

	return m2_find(message, len, key, M2_BOOL, &field) ? field.number != 0 : absent;
}

size_t m2_u32s(const uint8_t *message, size_t len, uint32_t key, uint32_t *numbers, size_t max)
{
	struct m2_field field, element;
	size_t at = 0, count = 0;

	if (!m2_find(message, len, key, M2_U32S, &field))
		return 0;
	while (count < max && m2_element(&field, &at, &element))
		numbers[count++] = (uint32_t)element.number;
	return field.count;
}
