# SPDX-License-Identifier: BSD-2-Clause
"""Hostile load on a daemon, from a switch that it shares with a real router: as many strangers as frames, and frames that are none. At
full length (ROMON_SOAK=1) a million strangers, and 300,000 invalid frames a second for a minute."""
import json
import os
import subprocess

import pytest
from hashed import neighbors
from lab import BUILD, conf, sanitized, status, wait

SOAK = "ROMON_SOAK" in os.environ
FLOOD = BUILD / "tests/flood/flood"
MIB = 1024  # in kB


class Besieged:
    """The daemon v: a switch with b and the flooder at its eth0, which has no secret, and a at its eth1, which has one."""

    def __init__(self, lab):
        self.v, self.a, self.b, self.outside = (lab.node(name) for name in ("v", "a", "b", "outside"))
        switch = lab.segment("switch", (self.v, "eth0"), (self.b, "eth0"), (self.outside, "w0"))
        switch.ip("link", "set", "dev", "p2", "type", "bridge_slave", "learning", "off")  # a million MACs are not for its table
        lab.connect(self.v, "eth1", self.a, "eth0")
        lab.start(self.v, self.a, self.b, configs={
            "v": conf("identity=v", "add interface=eth0\nadd interface=eth1 secrets=hush\n"),
            "a": conf("identity=a secrets=hush"), "b": conf("identity=b")})
        self.lab = lab
        self.ids = {node.name: node.id for node in (self.v, self.a, self.b)}
        wait(lambda: set(self.v.discover()) == {self.ids["a"], self.ids["b"]} and self.proven(), "v knows both")

    def flood(self, kind, count, rate):
        """Starts it; .communicate() awaits its end."""
        line = ["ip", "netns", "exec", self.outside.netns, FLOOD, "w0", kind, str(count), str(rate), self.v.mac("eth0"), self.ids["v"],
                str(self.v.index("eth0"))]
        process = subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lab.processes.append(process)
        return process

    def proven(self):
        """Is a a neighbour of v that has proven the secret?"""
        found = neighbors(self.v).get(("eth1", self.a.mac("eth0")))
        return found is not None and found["proven"] == [0]

    def memory(self, what):
        """Of both processes together, in kB: VmRSS, or VmHWM for the most that it ever was."""
        return sum(int(status(pid)[what].split()[0]) for pid in self.v.daemon.pids())


@pytest.fixture
def besieged(lab):
    return Besieged(lab)


def finished(process, count):
    """What the flooder says in the end."""
    said, error = process.communicate(timeout=900)
    assert process.returncode == 0, error
    done = json.loads(said)
    assert done["sent"] == count
    return done


def test_strangers(besieged):
    """Whoever comes: the memory is bounded, no authenticated neighbour is pushed out, and real routers find and reach each other."""
    count, rate = (1000000, 20000) if SOAK else (40000, 10000)
    v, a, b = besieged.v, besieged.a, besieged.b
    process, rounds = besieged.flood("strangers", count, rate), 0
    while process.poll() is None or rounds == 0:
        seen = v.discover()
        assert {besieged.ids["a"], besieged.ids["b"]} <= {address for address, router in seen.items() if router["active"]}
        assert len(seen) > 100, "strangers are seen, too: the flood arrives"
        assert {besieged.ids["v"], besieged.ids["b"]} <= set(a.discover()), "a finds the others through v"
        for target in ("a", "b"):
            assert v.ping(besieged.ids[target], count=3, interval="50ms")[1]["received"] >= 2
        assert a.ping(besieged.ids["v"], count=3, interval="50ms")[1]["received"] >= 2
        assert a.ping(besieged.ids["b"], count=3, interval="50ms")[1]["received"] >= 2
        assert besieged.proven()
        rounds += 1
    done = finished(process, count)
    print(f"{count} strangers in {done['seconds']} s, {rounds} rounds, at most {besieged.memory('VmHWM')} kB resident")
    assert v.drops("table-full") > 0 and v.drops("answer-limit") > 0
    if not sanitized():
        assert besieged.memory("VmHWM") <= 64 * MIB


def test_invalid(besieged):
    """Frames that are none cost no memory, and a ping every 10 ms from the same switch gets through."""
    rate, seconds = (300000, 60) if SOAK else (20000, 3)
    v, b = besieged.v, besieged.b
    finished(besieged.flood("invalid", rate // 10, rate), rate // 10)
    before, drops = besieged.memory("VmRSS"), v.drops()
    process = besieged.flood("invalid", rate * seconds, rate)
    ping = b.background("ping", besieged.ids["v"], f"count={seconds * 100}", "interval=10ms")
    totals = json.loads(ping.communicate(timeout=300)[0].splitlines()[-1])
    done = finished(process, rate * seconds)
    heard = v.drops() - drops
    print(f"{done['sent']} invalid frames in {done['seconds']} s, {heard} heard; {totals['received']} of {totals['sent']} pings "
          f"answered; {before} kB before, {besieged.memory('VmRSS')} after")
    assert heard > rate * seconds / 10
    if not sanitized():
        assert besieged.memory("VmRSS") <= before + 256
    if done["seconds"] > seconds * 1.05:
        pytest.skip(f"this machine, or what else runs on it, is too slow to send {rate} frames a second beside the daemon: "
                    f"{totals['received']} of {totals['sent']} pings were answered at {int(rate * seconds / done['seconds'])}")
    assert totals["received"] >= totals["sent"] * 0.999
