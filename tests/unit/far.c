/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The far end of a port of a lone engine.
 */
#include "far.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void far_give(struct far *far, struct craft *craft)
{
	if (far->signer.secret != NULL)
		signer_sign(&far->signer, craft);
	lone_give(far->lone, far->link, craft);
}

void far_ping_make(const struct far *far, struct craft *craft)
{
	struct craft_hop hop = {77, far->near_mac};

	craft_data(craft, &(struct craft_data){.eth_dst = far->near_mac,
				  .eth_src = far->mac,
				  .src = far->id,
				  .dst = far->near_id,
				  .count = 1,
				  .hops = &hop,
				  .src_port = 2000,
				  .dst_port = 1,
				  .size = 32});
}

bool far_ping(struct far *far)
{
	size_t before = far->lone->count, data = lone_count(far->lone, far->link, CRAFT_DATA);
	struct craft craft;

	far_ping_make(far, &craft);
	far_give(far, &craft);
	return far->lone->count == before + 1 && lone_count(far->lone, far->link, CRAFT_DATA) == data + 1;
}

void far_seq_err(struct far *far, uint64_t nonce)
{
	struct craft craft;

	signer_seq_err(&craft, far->near_mac, far->mac, far->id, far->near_mac, nonce);
	far_give(far, &craft);
}

void far_hello(struct far *far, uint64_t returned, uint64_t challenge)
{
	struct craft craft;

	signer_hello(&craft, far->near_mac, far->mac, far->id, far->near_mac, returned, challenge);
	far_give(far, &craft);
}

void far_hello_all(struct far *far, uint64_t challenge)
{
	struct craft craft;

	signer_hello(&craft, CRAFT_GROUP, far->mac, far->id, 0, 0, challenge);
	far_give(far, &craft);
}

void far_prove(struct far *far)
{
	const struct lone_sent *sent;

	lone_forget(far->lone);
	far_hello(far, 0, 0xc0ffee00 + far->signer.counter);
	sent = lone_only(far->lone, far->link, CRAFT_HELLO);
	far_hello(far, signer_returned(sent->data) != 0 ? signer_challenge(sent->data) : 0, 0);
	lone_forget(far->lone);
}
