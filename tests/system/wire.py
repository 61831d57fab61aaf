# SPDX-License-Identifier: BSD-2-Clause
"""Raw frames in network namespaces: entering one, listening on an interface and sending on it.

A Wire keeps a packet socket with a large buffer. Nothing runs in the background: frames wait in the socket until they are read.
"""
import contextlib
import ctypes
import os
import select
import socket
import subprocess
import time

import romon_scapy as rs

CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE = 33
OUTGOING = 4            # sll_pkttype of a frame that this machine sent
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def namespace(name):
    """The calling thread is in the network namespace meanwhile."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        _setns(there)
        yield
    finally:
        _setns(home)
        os.close(home)
        os.close(there)


class Frame:
    """One captured frame. `sent` tells whether the interface itself sent it."""

    def __init__(self, data, sent):
        self.data, self.sent, self.message = data, sent, data[14:]
        self.dst, self.src = data[:6].hex(":"), data[6:12].hex(":")
        self.ethertype = int.from_bytes(data[12:14], "big")

    @property
    def packet(self):
        return rs.decode(self.message)

    @property
    def type(self):
        return self.message[0]

    def __repr__(self):
        return f"<{'sent' if self.sent else 'got'} {self.src} > {self.dst} {self.message.hex()}>"


class Wire:
    """A packet socket on one interface of a namespace: everything that crosses it, and a way to send."""

    def __init__(self, netns, interface):
        self.netns, self.interface = netns, interface
        self.name = f"{netns}/{interface}"
        with namespace(netns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.socket.setblocking(False)
            self.socket.bind((interface, 3))  # ETH_P_ALL
        self.mac = self.socket.getsockname()[4].hex(":")

    def close(self):
        self.socket.close()

    def send(self, data):
        """Puts a whole Ethernet frame on the wire."""
        self.socket.send(data)

    def inject(self, message, dst=rs.GROUP, src=None):
        """Sends a message (scapy's or bytes) from src, the interface's own MAC if not given."""
        self.send(rs.frame(dst, src or self.mac, message))

    def blind(self):
        """Does an XDP program take what comes in by the interface before this socket would see it?"""
        shown = subprocess.run(["ip", "-n", self.netns, "-json", "link", "show", "dev", self.interface], capture_output=True)
        return shown.returncode == 0 and b'"xdp"' in shown.stdout

    def sent(self):
        """Takes the RoMON frames that the interface itself has sent since the last call, but for those that passed by XDP."""
        return [f for f in self._take() if f.sent]

    def sent_within(self, seconds):
        """Everything that the interface itself sends within that time."""
        time.sleep(seconds)
        return self.sent()

    def frames(self):
        """Takes the RoMON frames that have come since the last call."""
        assert not self.blind(), f"{self.name} runs XDP, which hides what it receives: watch() the node before it starts"
        return self._take()

    def _take(self):
        taken = []
        while True:
            try:
                data, address = self.socket.recvfrom(65536)
            except BlockingIOError:
                return taken
            if address[1] == rs.ETHERTYPE:
                taken.append(Frame(data, address[2] == OUTGOING))

    def received(self):
        """Like frames(), but only what came in from the wire."""
        return [f for f in self.frames() if not f.sent]

    def collect(self, seconds):
        """Everything that comes in within that time: for showing that something does not come."""
        time.sleep(seconds)
        return self.received()

    def wait(self, wanted, timeout=3.0):
        """The first frame from the wire that `wanted` accepts. AssertionError with what came instead if there is none."""
        seen, end = [], time.monotonic() + timeout
        while True:
            for frame in self.received():
                if wanted(frame):
                    return frame
                seen.append(frame)
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{self.name}: the awaited frame did not come, but {seen}")
            select.select([self.socket], [], [], left)
