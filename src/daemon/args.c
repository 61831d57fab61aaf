/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading the parameters of a call.
 */
#include "daemon/args.h"

#include <stddef.h>
#include <string.h>

static void complain(struct args *args, const char *name)
{
	if (args->bad == NULL)
		args->bad = name;
}

/* The parameter, or NULL where there is none or null. */
static const json_t *get(const struct args *args, const char *name)
{
	const json_t *value = json_object_get(args->object, name);

	return json_is_null(value) ? NULL : value;
}

void args_known(struct args *args, const char *const *names)
{
	void *iter = json_object_iter((json_t *)(uintptr_t)args->object);

	for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)args->object, iter)) {
		const char *key = json_object_iter_key(iter);
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] == NULL)
			complain(args, key);
	}
}

const char *args_optional_text(struct args *args, const char *name)
{
	const json_t *value = get(args, name);

	if (value != NULL && !json_is_string(value))
		complain(args, name);
	return json_string_value(value);
}

const char *args_text(struct args *args, const char *name)
{
	const char *text = args_optional_text(args, name);

	if (text != NULL)
		return text;
	complain(args, name);
	return "";
}

bool args_flag(struct args *args, const char *name)
{
	const json_t *value = get(args, name);

	if (value != NULL && !json_is_boolean(value))
		complain(args, name);
	return json_is_true(value);
}

bool args_integer(struct args *args, const char *name, int64_t min, int64_t max, int64_t *value)
{
	const json_t *number = get(args, name);

	if (number == NULL)
		return false;
	if (!json_is_integer(number) || json_integer_value(number) < min || json_integer_value(number) > max) {
		complain(args, name);
		return false;
	}
	*value = json_integer_value(number);
	return true;
}

bool args_time(struct args *args, const char *name, int64_t min, int64_t max, int64_t *ns)
{
	const json_t *number = get(args, name);
	double value;

	if (number == NULL)
		return false;
	value = json_number_value(number) * 1e9;
	if (!json_is_number(number) || !(value >= (double)min && value <= (double)max)) {
		complain(args, name);
		return false;
	}
	*ns = (int64_t)value;
	return true;
}

const json_t *args_texts(struct args *args, const char *name)
{
	const json_t *object = get(args, name);
	void *iter;

	if (!json_is_object(object)) {
		complain(args, name);
		return NULL;
	}
	iter = json_object_iter((json_t *)(uintptr_t)object);
	for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
		if (!json_is_string(json_object_iter_value(iter)))
			complain(args, name);
	}
	return object;
}
