/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: the decoder of frames, and those of the payloads of pings and streams. What it takes it has understood: encoded again and
 * decoded again, it is the same. The input is a whole Ethernet frame.
 */
#include <string.h>

#include "core/wire.h"
#include "fuzz.h"

/* Everything but the authentication and pointers, as text of a fixed form would be: bytes that can be compared. */
static size_t encode(const struct wire_message *message, uint8_t *frame, size_t cap)
{
	size_t len = wire_encode(message, frame, cap);

	must(len == wire_encoded_length(message));
	must(len == wire_frame_length(frame));
	return len;
}

static void payloads(const struct wire_message *message)
{
	struct wire_stream segment;
	struct wire_ping ping;
	uint8_t again[WIRE_LENGTH_MAX];
	size_t len;

	if (wire_ping_decode(message->payload, message->payload_len, &ping)) {
		wire_ping_encode(&ping, again, message->payload_len);
		must(memcmp(again, message->payload, 4) == 0);
	}
	if (wire_stream_decode(message->payload, message->payload_len, &segment)) {
		len = wire_stream_encode(&segment, again, sizeof(again));
		must(segment.type == WIRE_STREAM_ACK ? len <= message->payload_len : len == message->payload_len);
		must(memcmp(again, message->payload, len) == 0); /* what is no block is left off behind an ack */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t first[WIRE_LENGTH_MAX], second[WIRE_LENGTH_MAX];
	struct wire_message message, again;
	enum romon_drop why = ROMON_DROP_COUNT;
	size_t len;

	if (!wire_decode(data, size, &message, &why)) {
		must(why < ROMON_DROP_COUNT);
		return 0;
	}
	must(message.type >= WIRE_DISCOVER && message.type <= WIRE_HELLO);
	must(wire_frame_length(data) <= size);
	len = encode(&message, first, sizeof(first));
	must(len <= wire_frame_length(data)); /* unknown TLVs are gone, and so is what stands behind SeqErr and Hello */
	must(wire_decode(first, len, &again, &why));
	must(encode(&again, second, sizeof(second)) == len && memcmp(first, second, len) == 0);
	must(wire_hashed(&again) == wire_hashed(&message));
	if (message.type == WIRE_DATA)
		payloads(&message);
	return 0;
}
