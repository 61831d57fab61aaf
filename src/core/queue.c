/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The frames that wait to be sent: one run of bytes and a list of where each frame lies in it. Both start over when all is sent.
 */
#include "core/queue.h"

#include <stdlib.h>

#define BYTES_MIN 2048
#define ENTRIES_MIN 16
#define KEEP_BYTES (256 * 1024) /* an empty queue gives back what is above this; streams fill it by batches that are smaller */

void queue_free(struct queue *queue)
{
	free(queue->bytes);
	free(queue->entries);
	*queue = (struct queue){0};
}

size_t queue_waiting(const struct queue *queue)
{
	return queue->count - queue->head;
}

size_t queue_bytes(const struct queue *queue)
{
	return queue->head == queue->count ? 0 : queue->bytes_len;
}

/* Memory for need items of size bytes, by doubling from min. NULL: over max or no memory, and nothing changed. */
static void *grow(void *memory, size_t *cap, size_t need, size_t size, size_t min, size_t max)
{
	size_t new_cap = *cap != 0 ? *cap : min;
	void *grown;

	if (need <= *cap)
		return memory;
	if (need > max)
		return NULL;
	while (new_cap < need)
		new_cap *= 2;
	grown = realloc(memory, new_cap * size);
	if (grown != NULL)
		*cap = new_cap;
	return grown;
}

static void start_over(struct queue *queue)
{
	queue->head = queue->count = queue->bytes_len = 0;
	if (queue->bytes_cap > KEEP_BYTES) {
		free(queue->bytes);
		queue->bytes = NULL;
		queue->bytes_cap = 0;
	}
}

uint8_t *queue_push(struct queue *queue, uint32_t link, size_t len, uint32_t serial)
{
	struct queue_entry *entries;
	uint8_t *bytes;

	if (queue->head == queue->count)
		start_over(queue);
	entries = grow(queue->entries, &queue->entries_cap, queue->count + 1, sizeof(*entries), ENTRIES_MIN, QUEUE_FRAMES_MAX);
	if (entries == NULL)
		return NULL;
	queue->entries = entries;
	bytes = grow(queue->bytes, &queue->bytes_cap, queue->bytes_len + len, 1, BYTES_MIN, QUEUE_BYTES_MAX);
	if (bytes == NULL)
		return NULL;
	queue->bytes = bytes;
	queue->entries[queue->count++] = (struct queue_entry){
		.link = link, .serial = serial, .len = (uint32_t)len, .at = queue->bytes_len};
	queue->bytes_len += len;
	return queue->bytes + queue->bytes_len - len;
}

bool queue_pop(struct queue *queue, struct romon_frame *frame, uint32_t *serial)
{
	while (queue->head < queue->count) {
		const struct queue_entry *entry = &queue->entries[queue->head++];

		if (entry->link == 0)
			continue;
		*frame = (struct romon_frame){.link = entry->link, .len = entry->len, .data = queue->bytes + entry->at};
		*serial = entry->serial;
		return true;
	}
	return false;
}

void queue_forget(struct queue *queue, uint32_t link)
{
	for (size_t i = queue->head; i < queue->count; i++)
		if (queue->entries[i].link == link)
			queue->entries[i].link = 0;
}
