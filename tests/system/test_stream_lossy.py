# SPDX-License-Identifier: BSD-2-Clause
"""Streams between real daemons over wires that lose, overtake, double and delay, and that are cut and healed at random: not one byte is
wrong or missing. Small amounts here; the full ones with ROMON_SOAK=1."""
import os

import pytest
from emulator import Emulated
from streams import CAT, DIGEST, MIB, SOAK, Scissors, connect, digest, line, ring

KIB = 1024
RAIN = Emulated(loss=0.01, reorder=0.05, duplicate=0.01, delay=0.005)
STORM = Emulated(loss=0.1, delay=0.02)
FAIR = Emulated(delay=0.001)
FILE = 2003  # the service that sends a file
TIMEOUT = 1800 if SOAK else 120


def amount(small, full):
    return os.urandom(full if SOAK else small)


@pytest.fixture
def data(lab, request):
    """Bytes of this test's amount, which routers also send as their service FILE."""
    made = amount(*request.param)
    (lab.folder / "much").write_bytes(made)
    return made


def weather(*cases):
    return pytest.mark.parametrize("wire, data", cases, indirect=["data"], ids=["rain", "storm", "fair"][:len(cases)])


def all_ways(lab, near, far, data):
    """To a program that digests, from one that sends, and to one that sends back what it gets: with an end of ours that is not its end."""
    for port, given, wanted in ((DIGEST, data, f"{digest(data)}  -\n".encode()), (FILE, b"", data), (CAT, data, data)):
        got, done = connect(near, far.id, port, given, TIMEOUT, tries=20)
        assert (done.returncode, done.stderr) == (0, b"")
        assert len(got) == len(wanted) and digest(got) == digest(wanted), f"port {port}: wrong bytes"
    counted = [cable.counters() for cable in lab.cables]
    assert all(way["overrun"] == way["refused"] == 0 for cable in counted for way in (cable[">"], cable["<"]))
    return counted


def file_service(lab):
    return f'add name=file port={FILE} to="exec:/bin/cat {lab.folder}/much" max-streams=1000\n'


@weather((RAIN, (512 * KIB, 32 * MIB)), (STORM, (32 * KIB, 256 * KIB)))
def test_three_hops_in_bad_weather(lab, wire, data):
    nodes = line(lab, 3, wire, file_service(lab))
    counted = all_ways(lab, nodes[0], nodes[-1], data)
    assert all(cable[way]["lost"] > 0 for cable in counted for way in "<>"), "the weather was bad"


@weather((RAIN, (256 * KIB, 32 * MIB)), (STORM, (4 * KIB, 256 * KIB)), (FAIR, (8 * MIB, 256 * MIB)))
def test_three_hops_cut_and_healed(lab, wire, data):
    """The only way is cut for a while, now here and now there. Nobody gives up, as none lasts 15 s."""
    nodes = line(lab, 3, wire, file_service(lab))
    pause = (1, 5) if SOAK else (0.1, 1.5)
    with Scissors(lab.cables, cut=(0.1, 1.0), pause=pause, seed=lab.emulator.seed) as scissors:
        all_ways(lab, nodes[0], nodes[-1], data)
    assert scissors.cuts > 0


@weather((RAIN, (256 * KIB, 8 * MIB)), (STORM, (16 * KIB, 256 * KIB)), (FAIR, (8 * MIB, 256 * MIB)))
def test_two_ways_cut_and_healed(lab, wire, data):
    """One way or the other is cut, for longer: streams move between them."""
    nodes = ring(lab, wire, file_service(lab))
    with Scissors(lab.cables, cut=(0.5, 4), pause=(0.1, 1), seed=lab.emulator.seed) as scissors:
        all_ways(lab, nodes[0], nodes[-1], data)
    assert scissors.cuts > 0
