# SPDX-License-Identifier: BSD-2-Clause
"""What is asked for when chaos is over: that the network heals, that everybody reaches everybody, and where every frame, process,
descriptor and stream has gone. Every byte of memory is asked for by LeakSanitizer, when the daemons end."""
import contextlib
import os
import time
from pathlib import Path

from lab import wait
from world import ECHO, descriptors, running

HEALED = 90  # seconds; it is a matter of three rounds of discovery, but of many sanitized daemons on few processors
PAIRS = 40   # that are pinged; every station has a stream


def sees_all(world, station):
    """Does its discovery find all others, active and with a path?"""
    with contextlib.suppress(AssertionError, OSError):
        seen = station.node.discover("1500ms")
        return all(s.address.upper() in {a.upper() for a, r in seen.items() if r["active"] and r["path"]}
                   for s in world.stations if s is not station)
    return False


def healed(world):
    """Everybody sees everybody, and is answered."""
    begin = time.monotonic()
    for station in world.stations:
        wait(lambda: sees_all(world, station), f"{station.node.name} sees all others", HEALED)
    for _ in range(PAIRS):
        a, b = world.random.sample(world.stations, 2)
        wait(lambda: a.node.ping(b.address)[1]["received"] == 1, f"{a.node.name} pings {b.node.name}", 20)
    print(f"healed within {time.monotonic() - begin:.0f} s")


def streams_work(world):
    """Each station has a stream to the next one that brings everything."""
    before = world.traffic.whole
    for a, b in zip(world.stations, world.stations[1:] + world.stations[:1]):
        world.traffic.stream(a, b, 100000, ECHO)
        world.traffic.finish()
    if world.traffic.whole - before != len(world.stations):
        world.fault(f"only {world.traffic.whole - before} of {len(world.stations)} streams in the healed network are whole")


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def nothing_left(world):
    """No stream, no program of a service, no process of a daemon that was killed, no descriptor more than at the beginning."""
    for station in world.stations:
        node, (monitor, worker) = station.node, station.pids()
        wait(lambda: node.varlink("GetStreams")["streams"] == [], f"{node.name} has no streams", 60)
        wait(lambda: children(monitor) == [worker], f"no program of {node.name} runs", 20)
        with contextlib.suppress(AssertionError):
            wait(lambda: descriptors(station) == station.descriptors, "as many descriptors as at the beginning", 20)
        if descriptors(station) != station.descriptors:
            world.fault(f"{node.name} had {station.descriptors} descriptors, and has {descriptors(station)}: {names(station)}")
        if any(running(pid) for pid in station.old if pid not in (monitor, worker)):
            world.fault(f"{node.name}: a killed process is still there")


def names(station):
    """What the descriptors of the two processes are."""
    return [sorted(os.readlink(path) for path in Path(f"/proc/{pid}/fd").iterdir()) for pid in station.pids()]


def counters(station):
    return {name: (port["tx"], port["rx"]) for name, port in station.node.stats().items()}


def still(world):
    """The counters of all stations when they have not moved for a second."""
    seen = None
    for _ in range(60):
        before, seen = seen, [counters(station) for station in world.stations]
        if before == seen:
            return seen
        time.sleep(1)
    world.fault("the network does not come to rest")
    return seen


def frames_add_up(world):
    """Over every wire: what one end sends is what the other end hears, and every frame that is heard was taken or dropped for a reason."""
    before = still(world)
    for station in world.random.sample(world.stations, min(4, len(world.stations))):
        station.node.discover("400ms")
        station.node.ping(world.random.choice([s for s in world.stations if s is not station]).address, count=5, interval="20ms")
    after, crossed = still(world), 0
    number = {id(station): n for n, station in enumerate(world.stations)}
    for a, a_if, b, b_if in world.wires:
        for (one, one_if), (other, other_if) in (((a, a_if), (b, b_if)), ((b, b_if), (a, a_if))):
            sent = after[number[id(one)]][one_if][0] - before[number[id(one)]][one_if][0]
            heard = after[number[id(other)]][other_if][1] - before[number[id(other)]][other_if][1]
            crossed += heard
            if sent != heard:
                world.fault(f"{one.node.name} {one_if} sent {sent}, {other.node.name} {other_if} heard {heard}")
    if crossed == 0:
        world.fault("no frame crossed a wire: nothing was counted")
    print(f"{crossed} frames crossed {len(world.wires)} wires, and all of them arrived")


def settle(world):
    """All accounts. What is missing is a fault."""
    for account in (healed, streams_work, nothing_left, frames_add_up):
        try:
            account(world)
        except AssertionError as error:
            world.fault(f"{account.__name__}: {error}")
