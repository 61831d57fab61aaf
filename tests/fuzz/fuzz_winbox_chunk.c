/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: WinBox's chunks and frames. The first byte says whether it is a session, or a message that is to be sealed and damaged; the
 * second how the bytes are cut into portions: however they are, the frames in them are the same.
 */
#include <string.h>

#include "fuzz.h"
#include "winbox/chunk.h"
#include "winbox/cipher.h"

#define FRAMES_MAX 64

struct found {
	size_t count;
	size_t lengths[FRAMES_MAX];
	uint32_t sums[FRAMES_MAX];
	bool bad;
};

static uint32_t sum(const uint8_t *data, size_t len)
{
	uint32_t value = 1;

	for (size_t i = 0; i < len; i++)
		value = value * 31 + data[i];
	return value;
}

/* All frames of the bytes, read in portions. */
static struct found read_all(const uint8_t *data, size_t size, bool session, size_t portion)
{
	struct chunk_reader reader = {.session = session};
	struct found found = {0};
	size_t at = 0, used;

	while (at < size && !found.bad) {
		enum chunk_result result = chunk_read(&reader, data + at, size - at < portion ? size - at : portion, &used);

		at += used;
		must(used > 0 || result == CHUNK_BAD);
		must(reader.len <= CIPHER_FRAME_MAX && reader.size <= CIPHER_FRAME_MAX);
		must(session || reader.size <= CHUNK_MAX);
		found.bad = result == CHUNK_BAD;
		if (result == CHUNK_FRAME && found.count < FRAMES_MAX) {
			must(!session || cipher_declared_len(reader.frame) == reader.len);
			found.lengths[found.count] = reader.len;
			found.sums[found.count++] = sum(reader.frame, reader.len);
		}
	}
	must(!found.bad || chunk_read(&reader, data, size, &used) == CHUNK_BAD);
	chunk_reader_free(&reader);
	return found;
}

/* What was sealed is opened; once a bit of it is changed it is not, or is a message of the same length at least. */
static void sealed(const uint8_t *data, size_t size)
{
	static uint8_t message[CIPHER_MESSAGE_MAX], frame[CIPHER_FRAME_MAX], wire[2 * CIPHER_FRAME_MAX];
	static const uint8_t secret[CIPHER_SECRET] = "a secret", iv[CIPHER_BLOCK];
	struct cipher mine, theirs;
	struct chunk_reader reader = {.session = true};
	size_t used, len, bit = size > 2 ? (size_t)(data[0] << 8 | data[1]) : 0, wire_len;
	uint8_t *opened;

	memcpy(message, CIPHER_MARK, 2);
	memcpy(message + 2, data, size);
	cipher_init(secret, &mine, &theirs);
	cipher_seal(&mine, iv, message, size + 2, frame);
	chunk_write(frame, cipher_frame_len(size + 2), wire);
	wire_len = chunk_wire_len(cipher_frame_len(size + 2));
	must(chunk_read(&reader, wire, wire_len, &used) == CHUNK_FRAME && used == wire_len);
	opened = cipher_open(&mine, reader.frame, reader.len, &len);
	must(opened != NULL && len == size + 2 && memcmp(opened, message, len) == 0);
	frame[bit / 8 % cipher_frame_len(size + 2)] ^= (uint8_t)(1 << bit % 8);
	opened = cipher_open(&mine, frame, cipher_frame_len(size + 2), &len);
	must(opened == NULL || (len == size + 2 && memcmp(opened, message, len) == 0)); /* padding that means nothing */
	chunk_reader_free(&reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct found whole, cut;

	if (size < 2 || size > CIPHER_MESSAGE_MAX)
		return 0;
	if (data[0] & 2) {
		sealed(data + 1, size - 1);
		return 0;
	}
	whole = read_all(data + 2, size - 2, data[0] & 1, size);
	cut = read_all(data + 2, size - 2, data[0] & 1, (size_t)data[1] + 1);
	must(whole.count == cut.count && whole.bad == cut.bad);
	must(memcmp(whole.lengths, cut.lengths, sizeof(cut.lengths)) == 0 && memcmp(whole.sums, cut.sums, sizeof(cut.sums)) == 0);
	return 0;
}
