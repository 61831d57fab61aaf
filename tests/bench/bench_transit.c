/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How many frames a second get from one end of a line to the other, whatever carries them: copies of one frame are sent on an interface of
 * one network namespace and counted on one of another. Never more are under way than a window, so that no queue overflows and what is
 * measured is what arrives.
 *
 * HOW is `card`: the kernel makes the copies and hands them to the first router as the driver of a card would, in batches, before anything
 * else has touched them (BPF_F_TEST_XDP_LIVE_FRAMES); the first router's interface has to poll. Or `socket`: they come from a packet
 * socket, each by itself. With a secret each copy is signed before the clock runs, by the core's own code, after the first router has
 * been told who we are; then it is `socket`.
 *
 *     bench_transit HOW NEAR-NETNS NEAR-IF FAR-NETNS FAR-IF SECONDS FRAME-IN-HEX PROCESSES [SECRET]
 *
 * Prints the number of frames a second, how many nanoseconds of its own and of the given processes (by number, with commas between) each of
 * them took, and how many were lost. The given processes have to run where this one does, so that none of them runs while it looks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/engine.h"

enum {
	WINDOW = 256,
	CARD = 4096,
	BATCH = 64,
	FRAMES = 16384, /* made before each run of the clock */
	ETHERTYPE_AT = 12,
	FRAME_SIZE = 2048,
	LINK = 1,
	PATIENCE_MS = 200, /* what has not come after so long is lost */
	NAP_NS = 20000,
	BUFFER = 16 << 20,
	RESTORED = 192, /* bytes of a copy that are written anew each time: routers change them */
};

struct line {
	int near, far;
	int card; /* a program that sends by the near interface; -1: the socket does */
	int near_if;
	struct romon_engine *engine; /* NULL: nothing is signed */
	struct romon_mac mac;        /* of the near end */
	size_t len;
	uint8_t frame[FRAME_SIZE];
	uint8_t *made; /* FRAMES of FRAME_SIZE each */
	uint64_t arrived, lost;
	char *processes;
};

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bench_transit: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static struct romon_time clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct romon_time){now.tv_sec * ROMON_SECOND + now.tv_nsec};
}

/* Nanoseconds that the processor has worked for us and for the others. */
static int64_t worked(const struct line *line)
{
	struct timespec own;
	int64_t sum;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
	sum = own.tv_sec * ROMON_SECOND + own.tv_nsec;
	for (const char *at = line->processes; at != NULL && *at != '\0'; at = strchr(at, ',') ? strchr(at, ',') + 1 : "") {
		char path[64];
		int64_t ran = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/schedstat", atoi(at));
		file = fopen(path, "r");
		if (file == NULL || fscanf(file, "%" SCNd64, &ran) != 1)
			fail(path);
		fclose(file);
		sum += ran;
	}
	return sum;
}

static uint64_t random_number(void *ctx)
{
	uint64_t *state = ctx;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state;
}

static void log_nothing(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

/* A packet socket on the interface, for frames with this EtherType in network byte order. The process stays in the namespace. */
static int open_socket(const char *netns, const char *interface, uint16_t ethertype)
{
	char path[256];
	int on = 1, size = BUFFER, home, fd;
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = ethertype};

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	home = open(path, O_RDONLY | O_CLOEXEC);
	if (home < 0 || setns(home, CLONE_NEWNET) < 0)
		fail(path);
	close(home);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	at.sll_ifindex = (int)if_nametoindex(interface);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on));
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		fail(interface);
	return fd;
}

/* A program that makes of a frame what was to be sent, and sends it by the interface that it seems to have come in by. */
static int open_card(const struct line *line)
{
	struct bpf_insn program[RESTORED / 4 + 8];
	size_t restored = (line->len < RESTORED ? line->len : RESTORED) / 4, n = 0;
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_XDP};
	int fd;

	program[n++] = (struct bpf_insn){
		.code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = 2, .src_reg = 1, .off = offsetof(struct xdp_md, data)};
	program[n++] = (struct bpf_insn){
		.code = BPF_LDX | BPF_W | BPF_MEM, .dst_reg = 3, .src_reg = 1, .off = offsetof(struct xdp_md, data_end)};
	program[n++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 2};
	program[n++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 4, .imm = (int)restored * 4};
	program[n++] = (struct bpf_insn){.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 4, .src_reg = 3, .off = (short)restored};
	for (size_t i = 0; i < restored; i++, n++) {
		program[n] = (struct bpf_insn){.code = BPF_ST | BPF_W | BPF_MEM, .dst_reg = 2, .off = (short)(i * 4)};
		memcpy(&program[n].imm, line->frame + i * 4, 4);
	}
	program[n++] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_TX};
	program[n++] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = (unsigned)n;
	attr.license = (uintptr_t) "BSD";
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0)
		fail("the program");
	return fd;
}

/* Has the kernel send so many copies. */
static size_t send_by_card(const struct line *line, size_t count)
{
	struct xdp_md context = {.data_end = (unsigned)line->len, .ingress_ifindex = (unsigned)line->near_if};
	union bpf_attr attr = {0};

	attr.test.prog_fd = (unsigned)line->card;
	attr.test.data_in = (uintptr_t)line->frame;
	attr.test.data_size_in = (unsigned)line->len;
	attr.test.ctx_in = (uintptr_t)&context;
	attr.test.ctx_size_in = sizeof(context);
	attr.test.repeat = (unsigned)count;
	attr.test.batch_size = BATCH;
	attr.test.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &attr, sizeof(attr)) < 0)
		fail("sending as a card does");
	return count;
}

static void read_hex(struct line *line, const char *hex)
{
	for (line->len = 0; hex[0] != '\0' && hex[1] != '\0' && line->len < FRAME_SIZE; hex += 2)
		if (sscanf(hex, "%2hhx", &line->frame[line->len++]) != 1)
			fail("the frame");
	memcpy(line->mac.b, line->frame + ROMON_MAC_LEN, ROMON_MAC_LEN);
}

static struct romon_engine *router_new(struct romon_mac mac, const char *secret)
{
	static uint64_t state;
	struct romon_env env = {.ctx = &state, .random = random_number, .log = log_nothing};
	struct romon_router router = {.id = mac, .identity = "bench", .board = "bench", .unicast = true};
	struct romon_port port = {.link = LINK, .mac = mac, .mtu = 1500, .cost = 100};
	struct romon_secret list = {.len = (uint8_t)strlen(secret)};
	struct romon_engine *engine;

	state = (uint64_t)clock_now().ns;
	memcpy(list.bytes, secret, strlen(secret));
	engine = romon_engine_new(&env, &router);
	if (engine == NULL || !romon_engine_set_port(engine, &port, clock_now()) ||
		!romon_engine_set_secrets(engine, LINK, &list, 1, clock_now()))
		fail("the router");
	return engine;
}

/* Says and hears what proves our sequence to the first router. */
static void introduce(struct line *line)
{
	uint8_t bytes[FRAME_SIZE];
	struct romon_frame frame = {.link = LINK, .data = bytes};
	ssize_t got;

	if (line->engine == NULL)
		return;
	while ((got = recv(line->near, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0) {
		frame.len = (size_t)got;
		romon_engine_receive(line->engine, &frame, 1, clock_now());
	}
	while (romon_engine_send(line->engine, &frame, 1, clock_now()) > 0)
		if (send(line->near, frame.data, frame.len, 0) < 0)
			fail("send");
}

static void make(struct line *line, size_t count)
{
	struct auth_batch batch;

	auth_batch_init(&batch);
	for (size_t i = 0; i < count; i++) {
		uint8_t *frame = line->made + i * FRAME_SIZE;

		memcpy(frame, line->frame, line->len);
		if (line->engine != NULL && !auth_sign(engine_port(line->engine, LINK), frame, 0, &batch))
			fail("cannot sign");
	}
	auth_batch_sign(&batch);
}

static size_t send_some(struct line *line, size_t from, size_t count)
{
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int took;

	if (line->card >= 0)
		return send_by_card(line, count);
	if (count > BATCH)
		count = BATCH;
	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < count; i++) {
		parts[i] = (struct iovec){.iov_base = line->made + (from + i) * FRAME_SIZE, .iov_len = line->len};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	took = sendmmsg(line->near, messages, (unsigned)count, 0);
	if (took < 0 && errno != ENOBUFS)
		fail("sendmmsg");
	return took < 0 ? 0 : (size_t)took;
}

/* How many of ours have come; other frames are told by their length. */
static size_t count_some(struct line *line)
{
	static uint8_t bytes[BATCH][WIRE_ETHERNET_LEN];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	size_t count = 0;
	int got;

	memset(messages, 0, sizeof(messages));
	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof(bytes[i])};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	got = recvmmsg(line->far, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL);
	for (int i = 0; i < got; i++)
		count += messages[i].msg_len == line->len;
	return count;
}

/* Waits for a frame. By short sleeps: to be woken by each would cost those who pass them on more than the frame itself, and no wire does
 * that. */
static bool arrival(const struct line *line)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	struct pollfd ready = {.fd = line->far, .events = POLLIN};
	int64_t end = clock_now().ns + PATIENCE_MS * ROMON_MILLISECOND;

	while (poll(&ready, 1, 0) == 0) {
		if (clock_now().ns > end)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* Sends so many frames that were made, and waits for them. */
static void run(struct line *line, size_t count)
{
	size_t sent = 0, come = 0, window = line->card >= 0 ? count : WINDOW, some;

	while (come < count) {
		size_t room = window - (sent - come), left = count - sent;

		some = room < left ? room : left;
		if (some > 0)
			sent += send_some(line, sent, some);
		some = count_some(line);
		come += some;
		if (some == 0 && (sent == count || sent - come == window) && !arrival(line)) {
			line->lost += sent - come;
			break;
		}
	}
	line->arrived += come;
}

/* One frame after the other until one arrives: by then neighbours are known and sequences proven. */
static void warm_up(struct line *line)
{
	for (int i = 0; i < 50; i++) {
		introduce(line);
		make(line, 1);
		send_some(line, 0, 1);
		if (arrival(line)) {
			while (count_some(line) > 0 || arrival(line))
				introduce(line);
			return;
		}
	}
	errno = ETIMEDOUT;
	fail("no frame arrives");
}

int main(int argc, char **argv)
{
	struct line line = {0};
	int64_t taken = 0, work = 0, begin, before;
	uint16_t ethertype;

	prctl(PR_SET_TIMERSLACK, 1);
	if (argc < 9 || (line.made = malloc((size_t)FRAMES * FRAME_SIZE)) == NULL)
		return EXIT_FAILURE;
	read_hex(&line, argv[7]);
	memcpy(&ethertype, line.frame + ETHERTYPE_AT, sizeof(ethertype));
	line.far = open_socket(argv[4], argv[5], ethertype);
	line.near = open_socket(argv[2], argv[3], ethertype);
	line.processes = argv[8];
	line.near_if = (int)if_nametoindex(argv[3]);
	line.card = strcmp(argv[1], "card") == 0 ? open_card(&line) : -1;
	line.engine = argc > 9 ? router_new(line.mac, argv[9]) : NULL;
	warm_up(&line);
	for (double wanted = atof(argv[6]) * 1e9; (double)taken < wanted; taken += clock_now().ns - begin) {
		size_t count = line.card >= 0 ? CARD : FRAMES; /* the kernel makes its copies itself */

		make(&line, line.card >= 0 ? 0 : count);
		before = worked(&line);
		begin = clock_now().ns;
		run(&line, count);
		work += worked(&line) - before;
	}
	printf("{\"rate\":%.1f,\"work\":%.1f,\"arrived\":%" PRIu64 ",\"lost\":%" PRIu64 "}\n",
		(double)line.arrived * 1e9 / (double)taken, (double)work / (double)line.arrived, line.arrived, line.lost);
	romon_engine_free(line.engine);
	free(line.made);
	return EXIT_SUCCESS;
}
