# SPDX-License-Identifier: BSD-2-Clause
"""Wires that lose and delay: the emulator of tests/emulator between two nodes of a lab. lab.connect(…, wire=Emulated(loss=0.01)) gives a
Cable, which can be changed, cut and healed while it works.

One process carries all cables of a lab, in a namespace of its own. What a cable does to its frames depends on a seed: 1, unless
ROMON_SEED is another number."""
import contextlib
import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from wire import namespace

BUILD = Path(os.environ.get("ROMON_BUILD", Path(__file__).resolve().parents[2] / "build")).resolve()
EMULATOR = BUILD / "tests/emulator/emulator"
SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, STSO, SGSO, SGRO: what a kernel leaves to its card, which an emulated wire has not.
OFFLOADS = (0x17, 0x1f, 0x24, 0x2c)


@dataclass
class Emulated:
    """What a wire does. Shares are 0 to 1, times seconds; rate is in bits a second (0: none), limit the bytes that may wait for it; mtu 0:
    any. A reordered frame is overtaken by 1 to depth others."""
    loss: float = 0
    duplicate: float = 0
    corrupt: float = 0
    reorder: float = 0
    depth: int = 3
    delay: float = 0
    jitter: float = 0
    rate: float = 0
    limit: int = 256 * 1024
    mtu: int = 0

    def words(self):
        return " ".join(f"{key}={value:.9f}s" if key in ("delay", "jitter") else f"{key}={value:.9g}"
                        for key, value in asdict(self).items())


def offloads(netns, interface, on):
    """Lets the kernel leave checksums and segmentation to that card, or not."""
    with namespace(netns), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in OFFLOADS:
            value = (ctypes.c_uint32 * 2)(command, on)
            fcntl.ioctl(sock, SIOCETHTOOL, struct.pack("16sP16x", interface.encode(), ctypes.addressof(value)))


class Cable:
    """A wire from node a to node b."""

    def __init__(self, emulator, name, wire):
        self.emulator, self.name, self.wire = emulator, name, wire

    def set(self, way="", **changes):
        """Changes what it does, on both ways, or on ">" (from a to b) or "<"."""
        self.wire = Emulated(**{**asdict(self.wire), **changes})
        self.emulator.tell(f"set {self.name}{way} {self.wire.words()}")

    def cut(self, way=""):
        """From now on nothing gets through, and neither end notices."""
        self.emulator.tell(f"cut {self.name}{way}")

    def heal(self, way=""):
        self.emulator.tell(f"heal {self.name}{way}")

    def counters(self):
        """{">": {"frames":…, "lost":…, …}, "<": {…}, "cut": …}"""
        return self.emulator.counters()[self.name]


class Emulator:
    """The process, and the namespace in which the far ends of its veth pairs are."""

    def __init__(self, node):
        self.node, self.cables = node, 0
        self.seed = int(os.environ.get("ROMON_SEED", "1"))
        self.lock = threading.Lock()  # a test may cut cables in the background
        self.process = subprocess.Popen(node.command(EMULATOR, f"seed={self.seed}"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)

    def ask(self, line):
        with self.lock:
            self.process.stdin.write(line + "\n")
            return self.process.stdout.readline()

    def tell(self, line):
        answer = self.ask(line)
        assert answer == "ok\n", f"{line}: {answer}"

    def counters(self):
        return json.loads(self.ask("count"))["wires"]

    def cable(self, one, other, wire):
        """Joins two interfaces of the namespace."""
        name = f"c{self.cables}"
        self.cables += 1
        self.tell(f"wire {name} {one} {other} {wire.words()}")
        return Cable(self, name, wire)

    def close(self):
        """Returns what was wrong with its life: a list of lines."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.process.stdout.close()
        return [] if status == 0 else [f"the emulator ended with status {status}"]
