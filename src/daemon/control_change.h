/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What all methods that change the configuration have in common: they work on a copy, and all of a call's values are taken or
 * none.
 */
#ifndef ROMON_CONTROL_CHANGE_H
#define ROMON_CONTROL_CHANGE_H

#include "daemon/client.h"

/* A list of secrets as an array of text. */
json_t *secrets_json(const struct config_secrets *secrets);
/* True if the call asks for secrets and may see them. Answers with an error, and sets *refused, if it may not. */
bool secrets_wanted(struct client *client, struct args *args, bool *refused);

/* A copy of the running configuration to work on. NULL: no memory, and the call is answered. */
struct config *change_begin(struct client *client);
/* Saves the copy, which it takes over, and makes it the running configuration; then answers with reply, which it takes over too.
 * If that fails, answers with the reason. */
void change_commit(struct client *client, struct config *config, json_t *reply);
/* Gives the copy up, and answers with the reason. */
void change_refuse(struct client *client, struct config *config, const struct config_error *error);

/* One of the configuration's lists (ports, services), as its methods change it. commit ends a change like change_commit(). */
struct change_list {
	bool (*add)(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
		struct config_error *error);
	bool (*set)(struct config *config, size_t number, const char *name, const char *value, struct config_error *error);
	bool (*remove)(struct config *config, size_t number, struct config_error *error);
	void (*commit)(struct client *client, struct config *config, json_t *reply);
};

/* The whole of a call that adds an entry of its values, changes entry number by them, or removes it; they answer it. */
void change_add(struct client *client, struct args *args, const struct change_list *list);
void change_set(struct client *client, struct args *args, const struct change_list *list, size_t number);
void change_remove(struct client *client, const struct change_list *list, size_t number);

#endif
