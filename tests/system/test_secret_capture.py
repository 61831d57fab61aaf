# SPDX-License-Identifier: BSD-2-Clause
"""Does a capture fit our layout of the authentication field? The day somebody records a RouterOS network whose secret he knows, this says
whether our guess was right:

    ROMON_CAPTURE=file.pcapng ROMON_CAPTURE_SECRET=thesecret python3 -m pytest -s tests/system/test_secret_capture.py

Several secrets are separated by newlines. Without these variables the test makes a capture of its own by romond --pcap, which must
verify, and must not under another secret. docs/interop.md says what a capture should hold."""
import os
from collections import Counter

import pytest
import romon_scapy as rs
from hashed import configs
from lab import wait
from scapy.utils import rdpcap

CAPTURE = os.environ.get("ROMON_CAPTURE")
NAMES = {1: "Discover", 2: "DiscoverResp", 3: "Data", 4: "SeqErr", 5: "Hello"}


def frames_of(path):
    """The RoMON frames of a pcap or pcapng file, as bytes."""
    return [data for data in map(bytes, rdpcap(str(path))) if data[12:14] == rs.ETHERTYPE.to_bytes(2, "big")]


def verdicts(frames, secrets):
    """For each frame a line of text, and "unhashed", "fits" or "does not fit"."""
    for number, frame in enumerate(frames, 1):
        fitting = [n for n, secret in enumerate(secrets) if rs.fits(secret, frame)]
        verdict = "unhashed" if not rs.is_hashed(frame) else "fits" if fitting else "does not fit"
        mark, kind = rs.mark(frame), NAMES.get(frame[14], f"type {frame[14]}")
        line = f"{number:5} {frame[6:12].hex(':')} > {frame[:6].hex(':')} {kind:12} {verdict}"
        if fitting:
            line += f" secret {fitting[0]}, index {mark.index:08x}, counter {mark.counter}"
        elif verdict == "does not fit":
            line += f", authentication {frame[18:42].hex()}"
        yield line, verdict


def examine(path, secrets):
    """Prints a line for each frame, and how many there are of each type and verdict, which it returns."""
    counted = Counter()
    for frame, (line, verdict) in zip(frames_of(path), verdicts(frames_of(path), secrets)):
        print(line)
        counted[NAMES.get(frame[14]), verdict] += 1
    for (kind, verdict), count in sorted(counted.items(), key=str):
        print(f"{count:6} {kind}: {verdict}")
    return counted


@pytest.fixture
def own(lab):
    """A capture of our own, made at the middle one of three routers."""
    a, b, c = nodes = lab.line(3)
    texts = configs(nodes, "thesecret")
    file = b.folder / "frames.pcapng"
    for node in nodes:
        node.start(texts[node.name], pcap=file if node is b else None)
    wait(lambda: len(a.discover("200ms")) == 2, "all are found")
    assert a.ping(c.id, count=2, interval="10ms")[1]["received"] == 2
    b.stop()
    return file


def test_a_capture_of_our_own(own):
    counted = examine(own, [b"thesecret"])
    assert {verdict for _, verdict in counted} == {"fits"}
    assert {kind for kind, _ in counted} >= {"Discover", "DiscoverResp", "Data", "Hello"}
    assert {verdict for _, verdict in examine(own, [b"anothersecret"])} == {"does not fit"}
    assert {verdict for _, verdict in examine(own, [b"anothersecret", b"thesecret"])} == {"fits"}


def test_unhashed_frames_are_told_apart(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    a.start(pcap=a.folder / "frames.pcapng")
    b.start()
    assert list(a.discover()) == [b.id]
    a.stop()
    assert {verdict for _, verdict in examine(a.folder / "frames.pcapng", [b"thesecret"])} == {"unhashed"}


if CAPTURE:  # not collected otherwise: without a capture there is nothing to skip
    def test_the_given_capture():
        counted = examine(CAPTURE, os.environ["ROMON_CAPTURE_SECRET"].encode().split(b"\n"))
        assert any(verdict != "unhashed" for _, verdict in counted), "there is no hashed frame in it"
        assert not any(verdict == "does not fit" for _, verdict in counted), "our layout is not the one of this capture"
