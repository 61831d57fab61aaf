# SPDX-License-Identifier: BSD-2-Clause
"""A running network moves to a secret, to another one, and back to none, by the procedure of MikroTik's page, and loses no frame: router
by router in random order, while pings and a discovery run. A step begins when `romon neighbors` shows that the one before is done, as
romon(8) tells an administrator to do it. ROMON_SOAK=1 makes it long; ROMON_SEED repeats an order."""
import json
import os
import random
import signal
import subprocess
import time

import pytest
from hashed import auth_drops, neighbors, set_secrets
from lab import EVERY_PID, sanitized, wait

ROTATIONS = 50 if os.environ.get("ROMON_SOAK") else 1 if sanitized() else 5
SEED = int(os.environ.get("ROMON_SEED", time.time_ns() % 1_000_000))
# One rotation: none, to a first secret, to a second one, to none. Each step with the entry that must be proven after it.
STEPS = [('"",{a}', 1), ('{a},""', 0), ("{a}", 0), ("{a},{b}", 1), ("{b},{a}", 0), ("{b}", 0), ('{b},""', 0), ('"",{b}', 1), ('""', None)]


@pytest.fixture
def network(lab):
    """A ring of six, and a line of ten on it. Returns (ring, line)."""
    ring = [lab.node(f"r{number}") for number in range(6)]
    for left, right in zip(ring, ring[1:] + ring[:1]):
        lab.connect(left, "eth1", right, "eth0")
    line = [lab.node(f"l{number}") for number in range(10)]
    lab.connect(ring[0], "eth2", line[0], "eth0")
    for left, right in zip(line, line[1:]):
        lab.connect(left, "eth1", right, "eth0")
    lab.start(*ring, *line)
    return ring, line


class Pinger:
    """A ping that runs until stopped; its replies go to a file, so that nobody has to read along."""

    def __init__(self, node, target, interval="10ms"):
        self.name, self.path = f"{node.name}->{target.name}", node.folder / f"ping-{target.name}"
        with self.path.open("wb") as stream:
            self.process = subprocess.Popen(node.romon_line("--json", "ping", target.id, f"interval={interval}"), stdin=subprocess.DEVNULL,
                                            stdout=stream, stderr=subprocess.STDOUT)
        node.lab.processes.append(self.process)
        EVERY_PID.add(self.process.pid)

    def told(self):
        """Grows with every reply."""
        return self.path.stat().st_size

    def stop(self):
        """Ends it. Returns the sequence numbers that got no answer, and the totals."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        told = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [reply["seq"] for reply in told[:-1] if reply["status"] != "ok"], told[-1]


def rotate(nodes, chance, first, second, pingers):
    """One rotation. The page's steps, each router by router; whatever lists meet after each change, every ping has crossed them."""
    for words, entry in STEPS:
        for node in chance.sample(nodes, len(nodes)):
            set_secrets(node, words.format(a=first, b=second))
            before = [pinger.told() for pinger in pingers]
            wait(lambda: all(p.told() > old for p, old in zip(pingers, before)), f"{words}: pings go on after {node.name}")
        if entry is not None:
            for node in nodes:
                wait(lambda: lacking(node, entry) == [], f"{words}: everybody has proven entry {entry} to {node.name}")


def lacking(node, entry):
    """The neighbours, one for each of its ports, that have not proven the entry."""
    known = neighbors(node)
    heard = {interface for interface, _ in known}
    return [key for key, n in known.items() if entry not in n["proven"]] + sorted(set(node.states()) - heard)


def test_rotations_lose_nothing(network):
    ring, line = network
    nodes, chance = ring + line, random.Random(SEED)
    print(f"ROMON_SEED={SEED}, {ROTATIONS} rotations of {len(nodes)} routers")
    wait(lambda: len(ring[3].discover("500ms")) == 15, "all know each other", 15)
    asking = ring[2].background("discover", "duration=1h")
    pairs = [(ring[3], line[9]), (line[9], ring[0]), (ring[1], ring[4]), (line[0], line[5])]
    for node, target in pairs:
        assert node.ping(target.id, count=3, interval="10ms")[1]["received"], "there is a path before the counting begins"
    pingers = [Pinger(node, target) for node, target in pairs]
    begin = time.monotonic()
    for number in range(ROTATIONS):
        rotate(nodes, chance, f"first{number}", f"second{number}", pingers)
    took = time.monotonic() - begin
    results = {pinger.name: pinger.stop() for pinger in pingers}
    assert {name: lost for name, (lost, _) in results.items() if lost} == {}
    # Those that were on their way at the end are neither.
    for name, (_, totals) in results.items():
        assert totals["sent"] - totals["received"] <= 2 and totals["sent"] > took * 100 * 0.5, (name, totals)
    bad = {node.name: auth_drops(node) for node in nodes}
    assert all(not {"replayed", "unknown-index", "hash-limit"} & set(drops) for drops in bad.values()), bad
    assert asking.poll() is None
    assert len(ring[2].discover()) == 15 and all(r["active"] for r in ring[2].discover().values())
    print(f"{sum(t['sent'] for _, t in results.values())} pings in {took:.1f} s, 0 lost")


def test_neighbors_tell_who_lacks_the_new_secret(lab):
    """A middle router, at each step of the page: which of the two on one wire has not got the new secret yet."""
    middle, left, right = lab.node("m"), lab.node("a"), lab.node("b")
    lab.segment("switch", (middle, "eth0"), (left, "eth0"), (right, "eth0"))
    lab.start(middle, left, right)
    macs = [node.mac("eth0") for node in (left, right)]
    wait(lambda: len(middle.discover("200ms")) == 2 and len(neighbors(middle)) == 2, "both are heard")

    def told():
        """Whether hashed, by which entry, and what is proven, of a and b; their last frame is an answer to a discovery."""
        middle.discover("50ms")
        known = {n["mac"].lower(): n for n in middle.json("neighbors")["neighbors"]}
        return [(known[mac]["hashed"], known[mac]["secret"], known[mac]["proven"]) for mac in macs]

    def becomes(*expected):
        wait(lambda: told() == list(expected), f"neighbors tell {expected}")
    assert told() == [(False, None, [])] * 2
    set_secrets(middle, '"",one')
    becomes((False, None, []), (False, None, []))
    set_secrets(left, '"",one')
    becomes((False, None, [1]), (False, None, []))  # b lacks it
    set_secrets(right, '"",one')
    becomes((False, None, [1]), (False, None, [1]))
    set_secrets(middle, 'one,""')
    set_secrets(left, 'one,""')
    becomes((True, 0, [0]), (False, None, [0]))  # b has it, but does not use it yet
    set_secrets(right, 'one,""')
    for node in (right, middle, left):
        set_secrets(node, "one")
    becomes((True, 0, [0]), (True, 0, [0]))
    set_secrets(middle, "one,two")
    set_secrets(right, "one,two")
    becomes((True, 0, [0]), (True, 0, [0, 1]))  # a lacks the second one
    set_secrets(right, "two,one")
    set_secrets(left, "one,two")
    becomes((True, 0, [0, 1]), (True, 1, [0, 1]))
    for node in (left, middle):
        set_secrets(node, "two,one")
    for node in (left, middle, right):
        set_secrets(node, "two")
    becomes((True, 0, [0]), (True, 0, [0]))
    assert [auth_drops(node).get("unknown-index", 0) for node in (left, middle, right)] == [0, 0, 0]
