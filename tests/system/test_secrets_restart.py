# SPDX-License-Identifier: BSD-2-Clause
"""Restarts in a network with a secret. Nothing about sequences is stored, so whoever starts anew has to prove itself, and its
neighbours to it: within a second, whoever else starts with it. ROMON_SOAK=1 makes it long."""
import json
import os
import shutil
import signal
import threading
import time

import pytest
from hashed import auth_drops, neighbors, proven
from lab import Control, conf, sanitized, status, wait

RESTARTS = 200 if os.environ.get("ROMON_SOAK") else 20
TOGETHER = RESTARTS // 4
LIMIT = 3.0 if sanitized() else 1.0  # seconds; the sanitizers' start alone takes long


def ids(nodes):
    """Configurations with an ID each, so that the state folder has nothing to keep."""
    return {node.name: conf(f"identity={node.name} id=02:1d:00:00:00:{number:02x} secrets=mysecret")
            for number, node in enumerate(nodes, 1)}


def kill(*nodes):
    """kill -9 of both processes of each, all at once. No state folder survives."""
    pids = [(node, pid) for node in nodes for pid in node.daemon.pids()]
    for node, pid in pids:
        node.daemon.kill(pid, signal.SIGKILL)
    wait(lambda: not any(running(pid) for _, pid in pids), "all are gone")
    for node in nodes:
        node.stop()
        assert {path.name for path in (node.folder / "state").iterdir()} <= {"id"}
        shutil.rmtree(node.folder / "state")


def running(pid):
    try:
        return status(pid)["State"][0] != "Z"
    except FileNotFoundError:
        return False


def start(*nodes):
    """All at once, and waits until they answer. Returns the moment before."""
    before = time.monotonic()
    for node in nodes:
        node.start(expect=False)
    for node in nodes:
        wait(node.answers, f"{node.name} answers", 15)
    return before


class Replies:
    """The replies of a ping that runs until the lab is closed, each with the moment it came."""

    def __init__(self, node, target):
        self.process = node.background("ping", target, "interval=10ms")
        self.good = []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            if json.loads(line).get("status") == "ok":
                self.good.append(time.monotonic())

    def after(self, moment):
        """The first reply that came later, or None."""
        return next((at for at in reversed(self.good[-1:]) if at > moment), None)


def goes_through_again(replies, since):
    first = wait(lambda: replies.after(since), "a reply after the restart", 10)
    return first - since


@pytest.fixture
def line(lab):
    nodes = lab.line(3)
    lab.start(*nodes, configs=ids(nodes))
    wait(lambda: len(nodes[0].discover("200ms")) == 2, "all are found")
    return nodes


def test_a_router_on_the_way_is_killed_again_and_again(line):
    left, middle, right = line
    replies = Replies(left, right.id)
    wait(lambda: replies.good, "pings go through")
    took = []
    for _ in range(RESTARTS):
        kill(middle)
        took.append(goes_through_again(replies, start(middle)))
    print(f"{RESTARTS} restarts, {max(took):.3f} s at worst")
    assert max(took) < LIMIT
    assert not any({"replayed", "bad-digest", "no-secret"} & set(auth_drops(node)) for node in line)


def test_the_end_of_the_way_is_killed_again_and_again(line):
    left, _, right = line
    replies = Replies(left, right.id)
    wait(lambda: replies.good, "pings go through")
    took = []
    for _ in range(TOGETHER):
        kill(right)
        took.append(goes_through_again(replies, start(right)))
    assert max(took) < LIMIT


def test_both_ends_of_a_link_are_restarted_together(line):
    """Neither may wait for the other to be believed first."""
    left, middle, right = line
    replies = Replies(left, right.id)
    wait(lambda: replies.good, "pings go through")
    took = []
    for _ in range(TOGETHER):
        kill(middle, right)
        took.append(goes_through_again(replies, start(middle, right)))
    assert max(took) < LIMIT


def test_a_whole_segment_is_restarted_together(lab):
    """Six routers on one switch: within a second of the last one's start all believe all others, and the discovery of each is complete.
    (A discovery asks once a second. So it begins when all have proven themselves; how soon that is, is measured.)"""
    nodes = [lab.node(f"n{number}") for number in range(6)]
    lab.segment("switch", *((node, "eth0") for node in nodes))
    lab.start(*nodes, configs=ids(nodes))
    took = []
    for _ in range(TOGETHER):
        kill(*nodes)
        start(*nodes)
        began = time.monotonic()
        wait(lambda: all(len(neighbors(node)) == 5 and proven(node, 0) for node in nodes), "all have proven themselves to all")
        took.append(time.monotonic() - began)
        assert [len(found) for found in discoveries(nodes, 0.1)] == [5] * 6
        for node in nodes:
            assert {"replayed", "bad-digest", "no-secret"} & set(auth_drops(node)) == set()
    print(f"{TOGETHER} restarts of all, {max(took):.3f} s at worst until all are believed")
    assert max(took) + 0.1 < LIMIT


def discoveries(nodes, seconds):
    """What each finds, all asking at the same time."""
    clients = [Control(node.socket) for node in nodes]
    for client in clients:
        client.send("Discover", duration=seconds)
    found = [client.receive()["parameters"]["routers"] for client in clients]
    for client in clients:
        client.close()
    return found
