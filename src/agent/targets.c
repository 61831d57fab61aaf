/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Targets of links.
 */
#include "agent/targets.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/call.h"
#include "agent/links.h"

struct target {
	struct target *next;
	struct agent *agent;
	uint8_t id[USERS_ID];
	size_t links;
	struct call *call;
	bool answers;  /* it has answered a ping */
	unsigned lost; /* echoes since it was heard of */
};

static void answered(void *ctx, const struct message_reply *reply)
{
	struct target *target = ctx;
	const json_t *echo = reply != NULL && reply->error == NULL ? json_object_get(reply->parameters, "reply") : NULL;
	const char *status = json_string_value(json_object_get(echo, "status"));

	if (status == NULL) {
		/* romond pings no more: the streams will tell. */
		call_free(target->call);
		target->call = NULL;
	} else if (strcmp(status, "ok") == 0) {
		target->answers = true;
		target->lost = 0;
	} else if (++target->lost >= TARGETS_LOST && target->answers) {
		target->lost = 0;
		links_lost(target->agent, target);
	}
}

struct target *target_join(struct agent *agent, const uint8_t id[USERS_ID])
{
	struct target *target = agent->targets;
	char text[USERS_ID_TEXT];

	while (target != NULL && memcmp(target->id, id, USERS_ID) != 0)
		target = target->next;
	if (target == NULL) {
		target = calloc(1, sizeof(*target));
		if (target == NULL)
			return NULL;
		target->agent = agent;
		memcpy(target->id, id, USERS_ID);
		target->next = agent->targets;
		agent->targets = target;
		target->call = call_new(agent->base, agent->socket_path, "Ping",
			json_pack("{ss sf}", "id", users_id_text(id, text), "interval", 1.0), MESSAGE_MORE, answered, target);
	}
	target->links++;
	return target;
}

void target_leave(struct agent *agent, struct target *target)
{
	struct target **at = &agent->targets;

	if (target == NULL || --target->links > 0)
		return;
	while (*at != target)
		at = &(*at)->next;
	*at = target->next;
	call_free(target->call);
	free(target);
}

void target_heard(struct target *target)
{
	if (target != NULL)
		target->lost = 0;
}
