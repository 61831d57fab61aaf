/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the program in the kernel tells romond by its ring besides frames, what happens when that is full, and whom it wakes.
 */
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "both.h"

/* Gives the frame again and again until that many neighbours have been told in all. */
static void give_until(struct both *both, const struct craft *craft, uint64_t neighbors)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; both->neighbors < neighbors && i < 1000; i++) {
		both_give(both, IN, craft->data, craft->len);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(both->neighbors, neighbors);
}

/* romond hears once in a while who its neighbours are. */
static void neighbors_are_told(void **state)
{
	struct both *both = *state;
	struct craft craft;

	both_transit(&craft, OUT, 1, 3, 64);
	for (int i = 0; i < 3; i++)
		both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->neighbors, 1);
	craft.data[11]++;
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->neighbors, 2);
	/* One that shares its place in the table: both are told in the end, but not one after the other as often as they please. */
	craft.data[9] ^= 1;
	craft.data[11] ^= 1;
	give_until(both, &craft, 3);
	/* The engine has forgotten them. */
	xdp_set_port(both->xdp, IN,
		&(struct xdp_port){
			.mac = craft_address(ports[IN].mac), .mtu = ports[IN].mtu, .flags = ports[IN].flags, .epoch = 2});
	give_until(both, &craft, 4);
	for (int i = 0; i < 100; i++) {
		craft.data[9] ^= 1;
		craft.data[11] ^= 1;
		both_give(both, IN, craft.data, craft.len);
	}
	assert_in_range(both->neighbors, 4, 90); /* 104, were there no pause; it takes no second */
	assert_true(both->passed > 100 && both->refused == 0);
}

/* What comes while the ring is full is lost, and counted; what was in it is not. */
static void the_ring_is_full(void **state)
{
	struct both *both = *state;
	struct craft craft;
	struct xdp_md context = {.ingress_ifindex = ports[IN].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = craft.data, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = 10000);
	struct xdp_batch batch;
	uint64_t taken = 0;

	both_transit(&craft, OUT, 2, 3, 64); /* the end of its route */
	options.data_size_in = context.data_end = (uint32_t)craft.len;
	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	do {
		xdp_receive(both->xdp, &batch);
		taken += batch.frame_count;
	} while (batch.frame_count > 0);
	assert_in_range(taken, 1000, 9000);
	assert_int_equal(xdp_counts(both->xdp, IN).lost, 10000 - taken);
	both_give(both, IN, craft.data, craft.len);
}

/* Is somebody woken for this frame, within so long? */
static bool wakes(struct both *both, int waiting, struct craft *craft, int ms)
{
	struct xdp_md context = {.data_end = (uint32_t)craft->len, .ingress_ifindex = ports[IN].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = craft->data, .data_size_in = (uint32_t)craft->len, .ctx_in = &context,
		.ctx_size_in = sizeof(context), .repeat = 1);
	static struct xdp_batch batch;
	struct epoll_event event;
	bool woken;

	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	woken = epoll_wait(waiting, &event, 1, ms) == 1;
	xdp_receive(both->xdp, &batch);
	assert_int_equal(batch.frame_count, 1);
	assert_memory_equal(batch.frames[0].data, craft->data, craft->len);
	return woken;
}

/* Who holds the ring is not woken, gets every frame once all the same, and can go on so for ever. */
static void holding(void **state)
{
	struct both *both = *state;
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int waiting = epoll_create1(EPOLL_CLOEXEC);
	struct craft craft;

	assert_int_equal(epoll_ctl(waiting, EPOLL_CTL_ADD, xdp_fd(both->xdp), &event), 0);
	both_transit(&craft, OUT, 2, 3, 1000); /* the end of its route */
	assert_true(wakes(both, waiting, &craft, 5000));
	xdp_hold(both->xdp, true);
	wakes(both, waiting, &craft, 0); /* the first one still may */
	for (int i = 0; i < 20; i++)
		assert_false(wakes(both, waiting, &craft, 2));
	for (int i = 0; i < 3000; i++)
		both_give(both, IN, craft.data, craft.len); /* asserts that romond gets it, and nothing else */
	xdp_hold(both->xdp, false);
	while (epoll_wait(waiting, &event, 1, 0) > 0)
		continue;
	assert_true(wakes(both, waiting, &craft, 5000));
	close(waiting);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_both(neighbors_are_told),
		with_both(the_ring_is_full),
		with_both(holding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
