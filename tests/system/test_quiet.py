# SPDX-License-Identifier: BSD-2-Clause
"""What a router costs that nobody asks: no frames, no wake-ups, little memory."""
import json
import time
from pathlib import Path

import pytest
import romon_scapy as rs
from lab import sanitized, switches
from model import Port, Router
from test_second_reading import Player

KNOWN = 64
PSS_MAX = 6 * 1024  # kB
IDLE = 30           # seconds


@pytest.mark.resting
def test_an_idle_router_sends_nothing_and_does_not_wake(resting):
    """Three routers that have discovered and pinged each other, so that there is something to forget, and then were let alone."""
    nodes, wires, since = resting
    pids = [pid for node in nodes for pid in node.daemon.pids()]
    assert len(pids) == 6
    time.sleep(max(0, since.time + IDLE - time.monotonic()))
    assert switches(pids) == since.switches
    assert [wire.sent() for wire in wires] == [[], [], [], []]
    # They are asleep, not dead; and the counters that showed nothing do count.
    assert len(nodes[0].discover()) == 2 and wires[0].sent()
    worker = nodes[0].daemon.worker()
    assert switches([worker])[worker] > since.switches[worker]


def pss(pid):
    """Proportional set size in kB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


@pytest.mark.skipif(sanitized(), reason="AddressSanitizer needs memory of its own")
def test_memory_with_64_routers_known(lab):
    """One romond alone, so that its share of the libraries is the largest possible; the 64 others are played, in a line."""
    node, outside = lab.node("a"), lab.node("played")
    lab.connect(node, "eth0", outside, "w0")
    node.start()
    wire, node_mac = outside.wire("w0"), node.mac("eth0")
    routers = [Router(f"02:ee:00:00:01:{n:02x}", [Port(1, f"02:ee:00:00:02:{n:02x}"), Port(2, f"02:ee:00:00:03:{n:02x}")],
                      b"a router with an identity of some length", b"and a board") for n in range(KNOWN)]

    class Line:
        """The whole line, seen from its first wire: what comes back over it for a question."""
        @staticmethod
        def receive(link, frame):
            back = []
            for router in routers:
                (_, reply), (_, frame) = router.receive(1, frame)
                message = rs.decode(reply[14:])
                message[rs.DiscoverResp].p = 0
                back.append((1, rs.frame(node_mac, wire.mac, message)))
            return back

    process = node.background("discover", "duration=3s")
    found = json.loads(Player(Line, {1: wire}).during(process))["routers"]
    assert len(found) == KNOWN and max(r["hops"] for r in found) == KNOWN
    sizes = {pid: pss(pid) for pid in node.daemon.pids()}
    assert len(sizes) == 2 and sum(sizes.values()) <= PSS_MAX, f"PSS in kB: {sizes}"
