/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests to the monitor. The wait for an answer is short: the monitor serves one worker, and the slowest thing that it does is
 * to write a small file to the disk.
 */
#include "daemon/monitor_client.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

union fd_space {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

static bool send_request(struct monitor_client *client, const struct monitor_request *request, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)request, sizeof(*request)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	union fd_space control;

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	return sendmsg(client->fd, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(*request);
}

/* Receives one message; *fd is the descriptor that came along, or -1. False if there is none (waiting or not) or the monitor is
 * gone. */
static bool receive(struct monitor_client *client, struct monitor_answer *answer, int *fd, int flags)
{
	struct iovec iov = {answer, sizeof(*answer)};
	union fd_space control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg;
	ssize_t n;

	*fd = -1;
	do
		n = recvmsg(client->fd, &msg, flags | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*answer)) {
		if (n >= 0 || errno != EAGAIN)
			client->ended = true;
		return false;
	}
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return true;
}

/* Asks, and waits for the answer; a notice that comes before it is kept. Returns the answer's descriptor, else its status. */
static int call(struct monitor_client *client, const struct monitor_request *request, int pass, struct monitor_answer *answer)
{
	int fd;

	if (client->ended || !send_request(client, request, pass)) {
		client->ended = true;
		return -EPIPE;
	}
	do {
		if (!receive(client, answer, &fd, 0))
			return -EPIPE;
		if (answer->op == MONITOR_NOTICE_RELOAD)
			client->reload = true;
	} while (answer->op == MONITOR_NOTICE_RELOAD);
	return fd >= 0 ? fd : -answer->status;
}

int monitor_client_open_port(struct monitor_client *client, uint32_t ifindex)
{
	const struct monitor_request request = {.op = MONITOR_OPEN_PORT, .ifindex = ifindex};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_open_config(struct monitor_client *client)
{
	const struct monitor_request request = {.op = MONITOR_OPEN_CONFIG};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_replace_config(struct monitor_client *client, const char *text, size_t len)
{
	const struct monitor_request request = {.op = MONITOR_REPLACE_CONFIG};
	struct monitor_answer answer;
	int result, fd = memfd_create("romon.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
		result = -errno;
	else
		result = call(client, &request, fd, &answer);
	close(fd);
	return result;
}

int monitor_client_load_id(struct monitor_client *client, struct romon_mac *id)
{
	const struct monitor_request request = {.op = MONITOR_LOAD_ID};
	struct monitor_answer answer;
	int result = call(client, &request, -1, &answer);

	if (result == 0)
		*id = answer.id;
	return result;
}

int monitor_client_save_id(struct monitor_client *client, struct romon_mac id)
{
	const struct monitor_request request = {.op = MONITOR_SAVE_ID, .id = id};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_ready(struct monitor_client *client)
{
	const struct monitor_request request = {.op = MONITOR_READY};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_attach(struct monitor_client *client, uint32_t ifindex, struct monitor_answer *answer)
{
	const struct monitor_request request = {.op = MONITOR_ATTACH, .ifindex = ifindex};

	return call(client, &request, -1, answer);
}

int monitor_client_detach(struct monitor_client *client, uint32_t ifindex)
{
	const struct monitor_request request = {.op = MONITOR_DETACH, .ifindex = ifindex};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_map(struct monitor_client *client, enum xdp_map map)
{
	const struct monitor_request request = {.op = MONITOR_MAP, .port = (uint16_t)(map + 1)};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

int monitor_client_start_service(struct monitor_client *client, uint16_t port, struct romon_mac remote)
{
	const struct monitor_request request = {.op = MONITOR_START_SERVICE, .port = port, .id = remote};
	struct monitor_answer answer;

	return call(client, &request, -1, &answer);
}

void monitor_client_notice(struct monitor_client *client)
{
	struct monitor_answer answer;
	int fd;

	while (receive(client, &answer, &fd, MSG_DONTWAIT)) {
		if (answer.op == MONITOR_NOTICE_RELOAD)
			client->reload = true;
		if (fd >= 0)
			close(fd);
	}
}
