#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Chaos on real daemons: `make chaos MINUTES=10 NODES=32`. Cuts cables, kills, freezes, reloads (half of it broken files), rotates secrets,
# lets interfaces come and go, and floods, while pings and checked streams run between random pairs. Then everything must heal, and every
# frame, descriptor, process and byte of memory is accounted for (accounts.py). Romond is best built with AddressSanitizer.
#
#     ROMON_BUILD=build-chaos chaos.py [--minutes M] [--nodes N] [--seed S]
#
# One seed is behind all that is decided; it is printed first. What the daemons make of it depends on the machine, too. The status is not
# zero if there was a fault, each of which stands in a line of its own.

import argparse
import heapq
import itertools
import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent)]

import accounts  # noqa: E402
from actors import ACTORS, REGULAR, SCALED, Actors  # noqa: E402
from traffic import Traffic  # noqa: E402
from world import World  # noqa: E402

from lab import Lab, sanitized  # noqa: E402


class Schedule:
    """What is to be done when."""

    def __init__(self):
        self.heap, self.order = [], itertools.count()

    def at(self, when, action):
        heapq.heappush(self.heap, (when, next(self.order), action))

    def later(self, seconds, action):
        self.at(time.monotonic() + seconds, action)

    def run_due(self):
        while self.heap and self.heap[0][0] <= time.monotonic():
            heapq.heappop(self.heap)[2]()

    def wait(self, most):
        due = self.heap[0][0] - time.monotonic() if self.heap else most
        time.sleep(max(0, min(due, most)))


def storm(world, actors, schedule, seconds):
    """So long, everything at once."""
    end = time.monotonic() + seconds

    def every(name, rate, method, due):
        if time.monotonic() < end:
            actors.act(name, method)
            due += 1 / rate if name in REGULAR else world.random.expovariate(rate)  # what comes late does not come less often
            schedule.at(due, lambda: every(name, rate, method, due))
    for name, rate, method in ACTORS:
        rate *= len(world.stations) / 8 if name in SCALED else 1
        first = time.monotonic() + world.random.uniform(0, 1 / rate)
        schedule.at(first, lambda args=(name, rate, method, first): every(*args))
    while time.monotonic() < end:
        schedule.run_due()
        world.traffic.look()
        for station in world.stations:
            station.check_alive()
        schedule.wait(0.05)


def run(seed, nodes, seconds):
    """Returns the faults."""
    print(f"chaos: seed {seed}, {nodes} routers, {seconds:g} s{'' if sanitized() else ', without a sanitizer'}", flush=True)
    dice = random.Random(seed)
    with Lab() as lab:
        world = World(lab, dice, nodes)
        traffic, schedule = Traffic(world), Schedule()
        actors = Actors(world, schedule.later)
        storm(world, actors, schedule, seconds)
        print("done: " + ", ".join(f"{name} {count}" for name, count in sorted(actors.done.items())), flush=True)
        world.heal()
        traffic.finish()
        print(f"{traffic.replies} of {traffic.requests} pings answered, {traffic.whole} streams whole, {traffic.broken} broken, "
              f"{traffic.carried} bytes", flush=True)
        if traffic.replies == 0 or traffic.whole == 0:
            world.fault("no ping or no stream got through: nothing was tried")
        accounts.settle(world)
        if world.faults:
            print(lab.logs())
        world.faults += lab.close()
    return world.faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    faults = run(options.seed, options.nodes, options.minutes * 60)
    for fault in faults:
        print(f"FAULT: {fault}")
    print(f"chaos: {len(faults)} faults" + (f"; again: --seed {options.seed}" if faults else ""))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
