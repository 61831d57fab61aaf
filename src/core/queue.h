/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The frames that wait to be sent, in order. Memory grows with what waits, up to a capacity, and is given back when it has been large.
 */
#ifndef ROMON_QUEUE_H
#define ROMON_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define QUEUE_BYTES_MAX (1024 * 1024)
#define QUEUE_FRAMES_MAX 4096

struct queue_entry {
	uint32_t link;   /* 0: forgotten */
	uint32_t serial; /* of the secret to sign it with; 0: by the rules of the port */
	uint32_t len;
	size_t at; /* offset into bytes */
};

struct queue {
	uint8_t *bytes;
	size_t bytes_len, bytes_cap;
	struct queue_entry *entries;
	size_t head, count, entries_cap; /* entries[head .. count) wait */
};

void queue_free(struct queue *queue);
/* How many frames wait; and the bytes that those take which must go before it starts over. */
size_t queue_waiting(const struct queue *queue);
size_t queue_bytes(const struct queue *queue);
/* Room for a frame of len bytes that leaves by this link, to be filled at once; NULL if the queue or memory is full. */
uint8_t *queue_push(struct queue *queue, uint32_t link, size_t len, uint32_t serial);
/* Takes the next frame out and gives its secret in *serial; its bytes are valid until the next push. False: the queue is empty. */
bool queue_pop(struct queue *queue, struct romon_frame *frame, uint32_t *serial);
/* Frames for this link are forgotten. */
void queue_forget(struct queue *queue, uint32_t link);

#endif
