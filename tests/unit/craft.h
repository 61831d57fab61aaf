/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames made byte by byte after docs/protocol.md, without the code under test. A MAC address or RoMON ID is written as a number:
 * 0x020000000102 is 02:00:00:00:01:02.
 */
#ifndef TEST_CRAFT_H
#define TEST_CRAFT_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define CRAFT_GROUP 0x0180c20088bfULL
#define CRAFT_ALL 0xffffffffffffULL
#define CRAFT_BODY 54 /* where the message goes on behind Ethernet and common header */

enum { CRAFT_DISCOVER = 1, CRAFT_ANSWER, CRAFT_DATA, CRAFT_SEQ_ERR, CRAFT_HELLO };

struct craft {
	uint8_t data[10000];
	size_t len;
};

struct craft_hop {
	uint32_t link;
	uint64_t mac;
};

struct craft_end {
	uint32_t link;
	uint16_t l2mtu, cost;
	uint64_t mac;
};

struct craft_route {
	uint64_t id;
	struct craft_end in, out;
};

struct romon_mac craft_address(uint64_t number);
uint64_t craft_number(const uint8_t *at, size_t bytes); /* big-endian */

void craft_u8(struct craft *craft, unsigned value);
void craft_u16(struct craft *craft, unsigned value);
void craft_u32(struct craft *craft, uint32_t value);
void craft_mac(struct craft *craft, uint64_t value);
void craft_bytes(struct craft *craft, const void *bytes, size_t len);
void craft_zero(struct craft *craft, size_t len);
void craft_tlv(struct craft *craft, unsigned tag, const void *value, size_t len);
void craft_route_tlv(struct craft *craft, const struct craft_route *route);
/* Ethernet and common header of a new frame. */
void craft_begin(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, unsigned type, uint64_t src, uint64_t dst);
/* Count, pointer, the zero bytes of the type, hops. */
void craft_hops(struct craft *craft, unsigned pointer, const struct craft_hop *hops, unsigned count);
/* Fills the length field in. Call it again after every addition. */
void craft_end(struct craft *craft);

/* Whole frames. */
void craft_discover(struct craft *craft, uint64_t eth_src, uint64_t asker, const struct craft_hop *hops, unsigned count,
	const struct craft_route *parent);
void craft_answer(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t asker, unsigned pointer,
	const struct craft_hop *hops, unsigned count, const struct craft_route *parent, const struct craft_route *child);
struct craft_data {
	uint64_t eth_dst, eth_src, src, dst;
	unsigned pointer, count;
	const struct craft_hop *hops;
	unsigned src_port, dst_port;
	size_t size; /* of the payload: a sequence number of 7 and zeros; cut if smaller than 4 */
};
void craft_data(struct craft *craft, const struct craft_data *data);

#endif
