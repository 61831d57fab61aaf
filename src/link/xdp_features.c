/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The netdev family, by libmnl. Two sockets, as in ifaces.c: one hears what changes, the other asks. The numbers are those of
 * linux/netdev.h, which headers older than the kernel do not have.
 */
#include "link/xdp_features.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/ethtool.h>
#include <linux/genetlink.h>
#include <linux/sockios.h>

#define BUFFER_SIZE 8192
#define DEV_GET 1
#define ATTR_IFINDEX 1
#define ATTR_FEATURES 3
#define FEATURE_BASIC 1U
#define FEATURE_REDIRECT 2U
#define FEATURE_NDO_XMIT 4U
#define GROUP "mgmt"

struct xdp_features {
	struct mnl_socket *events;
	struct mnl_socket *asking;
	uint16_t family;
	uint32_t group;
	uint32_t sequence;
};

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		mnl_socket_close(socket);
		return NULL;
	}
	return socket;
}

/* Asks and reads the answer, which the kernel has ready when the question is sent. Returns 0, or -1 with errno. */
static int ask(struct xdp_features *self, struct nlmsghdr *request, mnl_attr_cb_t read_attribute, void *data)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	struct nlmsghdr *answer = (struct nlmsghdr *)buffer;
	ssize_t got;
	int error;

	request->nlmsg_flags = NLM_F_REQUEST;
	request->nlmsg_seq = ++self->sequence;
	if (mnl_socket_sendto(self->asking, request, request->nlmsg_len) < 0) {
		return -1;
	}
	do {
		got = mnl_socket_recvfrom(self->asking, buffer, sizeof buffer);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		return -1;
	}
	if (!mnl_nlmsg_ok(answer, (int)got) || !mnl_nlmsg_seq_ok(answer, self->sequence)) {
		errno = EPROTO;
		return -1;
	}
	if (answer->nlmsg_type == NLMSG_ERROR) {
		error = mnl_nlmsg_get_payload_len(answer) < sizeof error ? -EPROTO : *(const int *)mnl_nlmsg_get_payload(answer);
		errno = -error;
		return -1;
	}
	return mnl_attr_parse(answer, GENL_HDRLEN, read_attribute, data) < 0 ? -1 : 0;
}

static struct nlmsghdr *begin(char *buffer, uint16_t family, uint8_t command)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *head;

	message->nlmsg_type = family;
	head = mnl_nlmsg_put_extra_header(message, sizeof *head);
	head->cmd = command;
	head->version = 1;
	return message;
}

struct group {
	uint32_t id;
	bool wanted;
};

static int read_group(const struct nlattr *attr, void *data)
{
	struct group *group = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME && mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0) {
		group->wanted = strcmp(mnl_attr_get_str(attr), GROUP) == 0;
	} else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID && mnl_attr_validate(attr, MNL_TYPE_U32) == 0) {
		group->id = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int read_groups(const struct nlattr *attr, void *data)
{
	struct xdp_features *self = data;
	struct group group = {.wanted = false};

	mnl_attr_parse_nested(attr, read_group, &group);
	if (group.wanted) {
		self->group = group.id;
	}
	return MNL_CB_OK;
}

static int read_family(const struct nlattr *attr, void *data)
{
	struct xdp_features *self = data;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID && mnl_attr_validate(attr, MNL_TYPE_U16) == 0) {
		self->family = mnl_attr_get_u16(attr);
	} else if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS) {
		mnl_attr_parse_nested(attr, read_groups, self);
	}
	return MNL_CB_OK;
}

/* Finds the family and its group, and joins that. */
static int find_family(struct xdp_features *self)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *request = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);

	mnl_attr_put_strz(request, CTRL_ATTR_FAMILY_NAME, "netdev");
	if (ask(self, request, read_family, self) < 0) {
		errno = errno == ENOENT ? EOPNOTSUPP : errno;
		return -1;
	}
	if (!self->family || !self->group) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return mnl_socket_setsockopt(self->events, NETLINK_ADD_MEMBERSHIP, &self->group, sizeof self->group);
}

struct xdp_features *xdp_features_open(void)
{
	struct xdp_features *self = calloc(1, sizeof *self);

	if (!self) {
		return NULL;
	}
	self->events = open_socket();
	self->asking = open_socket();
	if (!self->events || !self->asking || find_family(self) < 0) {
		int error = errno;

		xdp_features_close(self);
		errno = error;
		return NULL;
	}
	return self;
}

void xdp_features_close(struct xdp_features *self)
{
	if (self->events) {
		mnl_socket_close(self->events);
	}
	if (self->asking) {
		mnl_socket_close(self->asking);
	}
	free(self);
}

int xdp_features_fd(const struct xdp_features *self)
{
	return mnl_socket_get_fd(self->events);
}

bool xdp_features_drain(struct xdp_features *self)
{
	char buffer[BUFFER_SIZE];

	for (;;) {
		ssize_t got = mnl_socket_recvfrom(self->events, buffer, sizeof buffer);

		/* What was lost does not matter: it was only the news that there are news. */
		if (got < 0 && errno != ENOBUFS && errno != EINTR) {
			return errno == EAGAIN || errno == EWOULDBLOCK;
		}
	}
}

static int read_features(const struct nlattr *attr, void *data)
{
	uint64_t *features = data;

	if (mnl_attr_get_type(attr) == ATTR_FEATURES && mnl_attr_validate(attr, MNL_TYPE_U64) == 0) {
		*features = mnl_attr_get_u64(attr);
	}
	return MNL_CB_OK;
}

bool xdp_features_get(struct xdp_features *self, uint32_t ifindex, struct xdp_abilities *abilities)
{
	const uint64_t native = FEATURE_BASIC | FEATURE_REDIRECT;
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *request = begin(buffer, self->family, DEV_GET);
	uint64_t features = 0;

	mnl_attr_put_u32(request, ATTR_IFINDEX, ifindex);
	if (ask(self, request, read_features, &features) < 0) {
		return false;
	}
	*abilities = (struct xdp_abilities){.native = (features & native) == native, .takes = features & FEATURE_NDO_XMIT};
	return true;
}

bool xdp_strips_vlans(uint32_t ifindex)
{
	struct ethtool_value flags = {.cmd = ETHTOOL_GFLAGS};
	struct ifreq request = {.ifr_data = (void *)&flags};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool strips;

	if (fd < 0) {
		return true; /* better no program than one that is wrong */
	}
	strips = if_indextoname(ifindex, request.ifr_name) && ioctl(fd, SIOCETHTOOL, &request) == 0 &&
		 (flags.data & ETH_FLAG_RXVLAN);
	close(fd);
	return strips;
}
