/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Captures of a link that is a table in memory, read back with tshark as the second opinion on the format.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "link/pcap.h"

#define BIG 65535

/* Hears what is put into it, takes what it is told to take. */
struct fake {
	struct link link; /* first */
	struct romon_frame heard[LINK_BATCH];
	int count;   /* frames to hear, or -1 */
	size_t room; /* frames that it will take */
	bool closed;
};

static int fake_receive(struct link *link, struct romon_frame *frames, size_t max)
{
	struct fake *fake = (struct fake *)link;

	if (fake->count < 0) {
		errno = ENETDOWN;
		return -1;
	}
	assert_true((size_t)fake->count <= max);
	memcpy(frames, fake->heard, (size_t)fake->count * sizeof *frames);
	return fake->count;
}

static int fake_send(struct link *link, const struct romon_frame *frames, size_t count)
{
	struct fake *fake = (struct fake *)link;

	(void)frames;
	errno = ENOBUFS;
	return (int)(count < fake->room ? count : fake->room);
}

static int fake_fd(const struct link *link)
{
	return (int)link->ifindex + 1000;
}

static void fake_close(struct link *link)
{
	((struct fake *)link)->closed = true;
}

static const struct link_ops fake_ops = {
	.name = "fake", .receive = fake_receive, .send = fake_send, .fd = fake_fd, .close = fake_close};

static struct fake fake_new(uint32_t ifindex)
{
	return (struct fake){.link = {.ops = &fake_ops, .ifindex = ifindex}, .room = SIZE_MAX};
}

static uint8_t bytes[BIG];

/* A frame of that many bytes, its last one told apart from padding. */
static struct romon_frame frame_make(size_t len)
{
	memset(bytes, 0xab, sizeof bytes);
	memcpy(bytes, romon_mac_group.b, ROMON_MAC_LEN);
	bytes[12] = ROMON_ETHERTYPE >> 8;
	bytes[13] = ROMON_ETHERTYPE & 0xff;
	return (struct romon_frame){.len = len, .data = bytes};
}

/* A file in memory, and the path by which another program reads it from its beginning. */
static int capture_file(char path[32])
{
	int fd = memfd_create("capture", MFD_CLOEXEC);

	assert_true(fd >= 0);
	snprintf(path, 32, "/proc/%d/fd/%d", (int)getpid(), fd);
	return fd;
}

/* What tshark reads from the file: one line a frame. To be freed. */
static char *capture_read(const char *path)
{
	char command[256];
	char *text = calloc(1, 65536);
	FILE *tshark;
	size_t len;

	assert_non_null(text);
	snprintf(command, sizeof command,
		"tshark -n -r %s -T fields -e frame.interface_name -e frame.packet_flags_direction -e frame.len -e eth.dst "
		"-e frame.time_epoch 2>/dev/null",
		path);
	tshark = popen(command, "r");
	assert_non_null(tshark);
	len = fread(text, 1, 65535, tshark);
	text[len] = '\0';
	assert_int_equal(pclose(tshark), 0);
	return text;
}

static void need_tshark(void)
{
	if (system("tshark --version >/dev/null 2>&1") != 0) {
		print_message("skipped: needs tshark\n");
		skip();
	}
}

/* Checks a line of capture_read() and steps over it. The direction is tshark's: 1 in, 2 out. */
static void line_check(char **text, const char *name, unsigned direction, size_t len, struct timespec after)
{
	char got_name[64], got_mac[18];
	unsigned got_direction;
	size_t got_len;
	long long seconds;
	long nanoseconds;
	int used = 0;

	assert_int_equal(sscanf(*text, "%63s %x %zu %17s %lld.%9ld\n%n", got_name, &got_direction, &got_len, got_mac, &seconds,
				 &nanoseconds, &used),
		6);
	assert_string_equal(got_name, name);
	assert_int_equal(got_direction, direction);
	assert_int_equal(got_len, len);
	assert_string_equal(got_mac, "01:80:c2:00:88:bf");
	assert_true(seconds > after.tv_sec || (seconds == after.tv_sec && nanoseconds >= after.tv_nsec));
	assert_true(seconds <= time(NULL));
	*text += used;
}

static void test_capture_reads_back(void **state)
{
	static const size_t sizes[] = {60, 61, 62, 63, BIG}; /* every padding */
	struct fake first = fake_new(3), second = fake_new(8);
	struct romon_frame frames[LINK_BATCH];
	struct timespec before;
	struct link *a, *b;
	struct pcap *pcap;
	char path[32], *text, *line;

	(void)state;
	need_tshark();
	clock_gettime(CLOCK_REALTIME, &before);
	pcap = pcap_new(capture_file(path));
	assert_non_null(pcap);
	a = pcap_link(pcap, &first.link, "eth0");
	assert_int_equal(a->ifindex, 3);
	assert_int_equal(a->ops->fd(a), 1003);
	assert_string_equal(a->ops->name, "fake");
	for (size_t i = 0; i < 5; i++) {
		first.heard[0] = frame_make(sizes[i]);
		first.count = 1;
		assert_int_equal(a->ops->receive(a, frames, LINK_BATCH), 1);
		assert_int_equal(frames[0].len, sizes[i]);
	}
	/* Another port comes later. */
	b = pcap_link(pcap, &second.link, "a-name-of-15-by");
	frames[0] = frame_make(100);
	assert_int_equal(b->ops->send(b, frames, 1), 1);
	assert_int_equal(a->ops->send(a, frames, 1), 1);

	/* Nothing waits to be written: read it while it is open. */
	line = text = capture_read(path);
	for (size_t i = 0; i < 5; i++) {
		line_check(&line, "eth0", 1, sizes[i], before);
	}
	line_check(&line, "a-name-of-15-by", 2, 100, before);
	line_check(&line, "eth0", 2, 100, before);
	assert_string_equal(line, "");
	free(text);
	a->ops->close(a);
	assert_true(first.closed);
	assert_false(second.closed);
	b->ops->close(b);
	assert_int_equal(pcap_error(pcap), 0);
	pcap_close(pcap);
}

static void test_capture_holds_what_was_sent(void **state)
{
	enum { COUNT = 3 * LINK_BATCH };
	struct fake fake = fake_new(3);
	struct romon_frame frames[COUNT];
	struct timespec before;
	struct pcap *pcap;
	struct link *link;
	char path[32], *text, *line;

	(void)state;
	need_tshark();
	clock_gettime(CLOCK_REALTIME, &before);
	pcap = pcap_new(capture_file(path));
	link = pcap_link(pcap, &fake.link, "eth0");
	for (size_t i = 0; i < COUNT; i++) {
		frames[i] = frame_make(60);
		frames[i].len += i;
	}
	fake.room = 150; /* more than one batch, less than all */
	errno = 0;
	assert_int_equal(link->ops->send(link, frames, COUNT), 150);
	assert_int_equal(errno, ENOBUFS);
	fake.room = 0;
	assert_int_equal(link->ops->send(link, frames, COUNT), 0);
	fake.count = 0;
	assert_int_equal(link->ops->receive(link, frames, COUNT), 0);
	fake.count = -1;
	assert_int_equal(link->ops->receive(link, frames, COUNT), -1);
	assert_int_equal(errno, ENETDOWN);
	line = text = capture_read(path);
	for (size_t i = 0; i < 150; i++) {
		line_check(&line, "eth0", 2, 60 + i, before);
	}
	assert_string_equal(line, "");
	free(text);
	link->ops->close(link);
	pcap_close(pcap);
}

/* A file that takes no more, as a full disk. */
static void test_full_disk_ends_the_capture_only(void **state)
{
	struct fake fake = fake_new(3);
	struct romon_frame frames[2] = {frame_make(60), frame_make(60)};
	int fd = memfd_create("capture", MFD_ALLOW_SEALING);
	struct pcap *pcap = pcap_new(fd);
	struct link *link;

	(void)state;
	assert_non_null(pcap);
	link = pcap_link(pcap, &fake.link, "eth0");
	assert_int_equal(link->ops->send(link, frames, 1), 1);
	assert_int_equal(pcap_error(pcap), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	fake.room = 1;
	assert_int_equal(link->ops->send(link, frames, 2), 1);
	assert_int_equal(errno, ENOBUFS); /* the link's reason, not the disk's */
	assert_int_equal(pcap_error(pcap), EPERM);
	/* Later ports go on without it. */
	link->ops->close(link);
	link = pcap_link(pcap, &fake.link, "eth1");
	assert_int_equal(link->ops->send(link, frames, 1), 1);
	link->ops->close(link);
	pcap_close(pcap);
}

static void test_torn_write_ends_the_capture(void **state)
{
	struct fake fake = fake_new(3);
	struct romon_frame frame = frame_make(BIG);
	struct pcap *pcap;
	struct link *link;
	char taken[4096];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_true(fcntl(ends[1], F_SETPIPE_SZ, 4096) >= 4096);
	pcap = pcap_new(ends[1]);
	assert_non_null(pcap);
	link = pcap_link(pcap, &fake.link, "eth0");
	assert_int_equal(link->ops->send(link, &frame, 1), 1);
	assert_int_equal(pcap_error(pcap), ENOSPC);
	/* Nothing is written behind the torn block when there is room again. */
	while (read(ends[0], taken, sizeof taken) > 0) {
	}
	frame.len = 60;
	assert_int_equal(link->ops->send(link, &frame, 1), 1);
	assert_int_equal(read(ends[0], taken, sizeof taken), -1);
	link->ops->close(link);
	pcap_close(pcap);
	close(ends[0]);
}

static void test_no_file_to_write(void **state)
{
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_null(pcap_new(fd));
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capture_reads_back),
		cmocka_unit_test(test_capture_holds_what_was_sent),
		cmocka_unit_test(test_full_disk_ends_the_capture_only),
		cmocka_unit_test(test_torn_write_ends_the_capture),
		cmocka_unit_test(test_no_file_to_write),
	};

	return cmocka_run_group_tests_name("pcap", tests, NULL, NULL);
}
