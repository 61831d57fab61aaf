# SPDX-License-Identifier: BSD-2-Clause
"""romond --pcap: a file that others read."""
import json
import resource
import subprocess

import romon_scapy as rs
from lab import conf, wait
from scapy.utils import rdpcap


def test_the_capture_is_readable_and_complete(lab):
    """Between start and end the file holds every frame of both ports, in both directions, and nothing else."""
    a, b, c = lab.line(3)
    file = b.folder / "frames.pcapng"
    a.start()
    c.start(conf("datapath=packet identity=c board=lab"))  # what XDP answers no wire here sees leave
    b.start(pcap=file)
    wires = [a.wire("eth1"), b.wire("eth0"), b.wire("eth1"), c.wire("eth0")]
    assert len(a.discover()) == 2 and a.ping(c.id)[1]["received"] == 1
    b.stop()
    crossed = sorted(frame.data for wire in wires for frame in wire.sent())
    packets = rdpcap(str(file))
    assert sorted(rs.raw(p) for p in packets) == crossed and crossed
    assert {rs.decode(rs.raw(p)[14:]).type for p in packets} == {1, 2, 3}
    assert not [p for p in packets if "Raw" in rs.decode(rs.raw(p)[14:]) and rs.decode(rs.raw(p)[14:]).type != 3]
    shown = subprocess.run(["tshark", "-r", file, "-T", "json", "-e", "eth.type", "-e", "frame.interface_name", "-e",
                            "frame.packet_flags_direction", "-e", "frame.time_epoch"], capture_output=True, text=True, check=True)
    layers = [packet["_source"]["layers"] for packet in json.loads(shown.stdout)]
    assert len(layers) == len(crossed) and {x["eth.type"][0] for x in layers} == {"0x88bf"}
    assert {x["frame.interface_name"][0] for x in layers} == {"eth0", "eth1"}
    assert len({x["frame.packet_flags_direction"][0] for x in layers}) == 2, "in and out are told apart"
    times = [x["frame.time_epoch"][0] for x in layers]
    assert times == sorted(times)


def test_a_file_that_cannot_grow_ends_the_capture_alone(lab):
    """A limit stands in for a full disk."""
    a, b = lab.line(2)
    a.start()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, hard))
    try:
        b.start(pcap=b.folder / "frames.pcapng")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    a.ping(b.id, count=20, size=1000, interval="10ms")
    wait(lambda: "the capture ends: " in b.daemon.log, "it is said")
    b.wait_active("eth0")
    assert a.ping(b.id)[1]["received"] == 1 and b.daemon.alive()
