# SPDX-License-Identifier: BSD-2-Clause
"""The scapy layer itself, against captured frames: only a format that reads and writes real ones may judge the daemon's."""
import pytest
import vectors
from romon_scapy import (GROUP, ZERO, Board, Data, Discover, DiscoverResp, Hop, Identity, Malformed, Ping, RoMON, Route, Stream,
                         Version, check, decode, frame, normalise, raw, rebuilt)
from scapy.layers.l2 import Ether

ALL = [(name, frames) for name, frames in vectors.sets().items()]
EVERY_FRAME = [pytest.param(message, id=f"{name}-{key}") for name, frames in ALL for key, message in frames.items()]
EVERY_SET = [pytest.param(frames, id=name) for name, frames in ALL]


@pytest.mark.parametrize("message", EVERY_FRAME)
def test_frame_decodes_and_encodes_back(message):
    packet = decode(message)
    assert rebuilt(packet) == message
    assert not any(packet.auth)
    assert packet.payload.name != "Raw" and "Padding" not in packet


@pytest.mark.parametrize("message", EVERY_FRAME)
def test_padding_is_not_content(message):
    whole = frame(GROUP, "02:00:00:00:00:01", message) + b"padding"
    assert rebuilt(Ether(whole)[RoMON].__class__(check(whole[14:]))) == message
    assert len(frame(GROUP, ZERO, message)) >= 60


@pytest.mark.parametrize("message", EVERY_FRAME)
def test_every_truncation_is_malformed(message):
    for size in range(len(message)):
        with pytest.raises(Malformed):
            check(message[:size])


@pytest.mark.parametrize("frames", EVERY_SET)
def test_answer_holds_the_question(frames):
    question, answer = decode(frames["discover-probe"]), decode(frames["discover-reply-direct"])
    assert answer.src == question.src and answer.dst not in (question.dst, question.src)
    parent, own = answer[DiscoverResp].tlv(Route)
    assert raw(parent) == raw(question[Discover].tlv(Route)[0])
    assert own.id == answer.dst and own.inlink.link and not any(raw(own.outlink))
    assert [type(t) for t in answer[DiscoverResp].tlvs] == [Route, Route, Identity, Version, Board]


@pytest.mark.parametrize("frames", EVERY_SET)
def test_fields_of_the_forwarded_frames(frames):
    once, twice = decode(frames["discover-forwarded-once"])[Discover], decode(frames["discover-forwarded-twice"])[Discover]
    assert (once.n, once.p, twice.n, twice.p) == (1, 1, 2, 2)
    assert once.hops[0].link == once.tlvs[0].inlink.link
    assert raw(once.tlvs[0]) == raw(twice.tlvs[0])
    request, reply = decode(frames["ping-request"]), decode(frames["ping-reply"])
    assert (request[Data].n, request[Data].p, request[Data].dport) == (3, 0, 1)
    assert (reply[Data].n, reply[Data].p, reply[Data].sport) == (3, 2, 1)
    assert raw(request[Ping]) == raw(reply[Ping]) and len(raw(request[Ping])) == 32
    assert decode(frames["ssh-accept"])[Stream].ack == decode(frames["ssh-connect"])[Stream].seq
    assert decode(frames["ssh-data"])[Stream].payload.load.startswith(b"SSH-2.0-")


@pytest.mark.skipif(not vectors.CAPTURED.exists(), reason="shared vectors absent")
def test_captured_values():
    frames = vectors.load(vectors.CAPTURED)
    probe = decode(frames["discover-probe"])
    assert (probe.src, probe.length) == ("00:00:5e:00:53:01", 98)
    out = probe[Discover].tlvs[0].outlink
    assert (out.link, out.l2mtu, out.cost, out.mac) == (10, 1598, 100, "00:00:5e:00:53:02")
    answer = decode(frames["discover-reply-direct"])[DiscoverResp]
    assert answer.tlv(Identity)[0].value == b"DuneGW" and answer.tlv(Board)[0].value == b"RB750Gr3"
    version = answer.tlv(Version)[0]
    assert (version.major, version.minor, version.stage, version.revision) == (7, 13, b"f", 0)


def test_a_tlv_that_overruns_or_has_a_wrong_size_is_malformed():
    good = raw(RoMON(src="02:00:00:00:00:01") / Discover(tlvs=[Route(), Identity(value=b"name")]))
    check(good)
    for position, value in ((48 + 1, 33), (48 + 36 + 1, 5), (48 + 36 + 1, 255)):
        with pytest.raises(Malformed):
            check(good[:position] + bytes([value]) + good[position + 1:])


def test_ids():
    for src, dst in ((ZERO, "02:00:00:00:00:02"), ("03:00:00:00:00:01", "02:00:00:00:00:02"), ("02:00:00:00:00:01", ZERO),
                     ("02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff")):
        with pytest.raises(Malformed):
            check(raw(RoMON(type=3, src=src, dst=dst) / Data(hops=[Hop()]) / Ping()))


def test_normalise_leaves_out_what_may_differ():
    head = dict(type=2, src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
    one = RoMON(**head) / DiscoverResp(tlvs=[Route(), Route(), Identity(value=b"x"), Version(minor=1)])
    two = RoMON(**head) / DiscoverResp(tlvs=[Route(), Route(), Identity(value=b"x"), Version(minor=2), Version()])
    other = RoMON(**head) / DiscoverResp(tlvs=[Route(), Route(), Identity(value=b"y"), Version(minor=1)])
    assert normalise(raw(one)) == normalise(raw(two)) != normalise(raw(other))
