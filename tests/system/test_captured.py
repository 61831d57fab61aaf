# SPDX-License-Identifier: BSD-2-Clause
"""A router that is set up with the ID, MACs, ifindexes and MTUs of a captured one must answer and pass on captured frames as that
one did, byte for byte. What the captures do not show (the MAC of a port that no frame names) is made up here, with 02:ff:…"""
import pytest
import vectors
from lab import conf
from model import Network, Port, Router
from romon_scapy import (GROUP, Board, Data, Discover, DiscoverResp, Hop, Identity, RoMON, Route, decode, frame, normalise, raw,
                         rebuilt)

SETS = [pytest.param(frames, id=name) for name, frames in vectors.sets().items()]
NEAR, FAR, FARTHER = "02:ff:00:00:00:01", "02:ff:00:00:00:02", "02:ff:00:00:00:03"


def port_of(link):
    return Port(link=link.link, mac=link.mac, mtu=link.l2mtu, cost=link.cost)


def build(lab, name, router):
    """A romond that has the ID and the ports of the model router, each on a wire whose other end is the test's. Returns the node
    and its wires by link id."""
    node, outside = lab.node(name), lab.node(name + "-wire")
    wires = {}
    for number, port in enumerate(router.ports):
        lab.connect(node, f"eth{number}", outside, f"w{number}", mtu=2000, a_mtu=port.mtu, a_mac=port.mac, a_index=port.link)
        wires[port.link] = outside.wire(f"w{number}")
    ports = "".join(f"add interface=eth{number} cost={port.cost}\n" for number, port in enumerate(router.ports))
    quoted = f'identity="{router.identity.decode()}" board="{router.board.decode()}"'
    node.start(conf(f"id={router.id} {quoted}", ports))
    return node, wires


def answerer(frames):
    """The router that sent discover-reply-direct."""
    answer = decode(frames["discover-reply-direct"])[DiscoverResp]
    own = answer.tlv(Route)[1]
    return Router(own.id, [port_of(own.inlink)], answer.tlv(Identity)[0].value, answer.tlv(Board)[0].value)


def relay(frames):
    """The router that sent discover-forwarded-once and -twice: its route TLV names both ports."""
    route = decode(frames["discover-forwarded-once"])[Discover].tlv(Route)[0]
    return Router(route.id, [port_of(route.inlink), port_of(route.outlink)])


def middle(frames):
    """The first router on the way of ping-request: one port took the request in and sent ping-reply, the other is hop 1."""
    request, reply = decode(frames["ping-request"])[Data], decode(frames["ping-reply"])[Data]
    back = Port(link=reply.hops[2].link, mac=request.hops[0].mac)
    return Router("02:ff:00:00:01:01", [back, Port(link=request.hops[1].link, mac=NEAR)])


def second(frames):
    """The second router on that way."""
    request = decode(frames["ping-request"])[Data]
    return Router("02:ff:00:00:01:02", [Port(link=77, mac=request.hops[1].mac), Port(link=request.hops[2].link, mac=FAR)])


def target(frames):
    """The router that was pinged."""
    request = decode(frames["ping-request"])
    return Router(request.dst, [Port(link=78, mac=request[Data].hops[2].mac)])


def asker_mac(frames):
    """The port of the pinging router: where ping-reply arrives."""
    return decode(frames["ping-reply"])[Data].hops[2].mac


def probe_source(frames):
    return decode(frames["discover-probe"])[Discover].tlv(Route)[0].outlink.mac


@pytest.mark.parametrize("frames", SETS)
def test_probe_is_answered_as_captured(lab, frames):
    router, asker = answerer(frames), probe_source(frames)
    _, wires = build(lab, "r", router)
    wire = wires[router.ports[0].link]
    wire.inject(frames["discover-probe"], src=asker)
    answer = wire.wait(lambda f: f.type == 2)
    assert normalise(answer.message) == normalise(frames["discover-reply-direct"])
    assert (answer.dst, answer.src) == (asker, router.ports[0].mac)
    assert answer.packet.length == len(answer.data)


@pytest.mark.parametrize("name", ["discover-forwarded-once", "discover-forwarded-twice"])
@pytest.mark.parametrize("frames", SETS)
def test_discover_is_passed_on_as_captured(lab, frames, name):
    captured = decode(frames[name])
    router = relay(frames)
    _, wires = build(lab, "r", router)
    came, leaves = router.ports
    before = captured[Discover].hops[:-1]
    question = (RoMON(src=captured.src) / Discover(p=len(before), hops=before,
                                                   tlvs=[Route(id="02:ff:00:00:09:09", outlink=Port(5, NEAR).end())]))
    wires[came.link].inject(question, src=captured[Discover].hops[-1].mac)
    passed = wires[leaves.link].wait(lambda f: f.type == 1)
    assert passed.packet == captured and passed.message[:len(frames[name])] == frames[name]
    assert (passed.dst, passed.src) == (GROUP, leaves.mac)
    assert not [f for f in wires[came.link].frames() if not f.sent and f.type == 1]  # never back where it came from


@pytest.mark.parametrize("frames", SETS)
def test_ping_request_and_reply_are_passed_on_as_captured(lab, frames):
    router = middle(frames)
    _, wires = build(lab, "r", router)
    near, far = (wires[port.link] for port in router.ports)
    near.inject(frames["ping-request"], dst=router.ports[0].mac, src=asker_mac(frames))
    passed = far.wait(lambda f: f.type == 3)
    want = decode(frames["ping-request"])
    want[Data].p = 1
    want[Data].hops[0] = Hop(link=router.ports[0].link, mac=asker_mac(frames))
    assert passed.message == raw(want)
    assert (passed.dst, passed.src) == (want[Data].hops[1].mac, router.ports[1].mac)
    # The reply, as it was on the wire before: the hop of that wire is not recorded yet.
    reply = decode(frames["ping-reply"])
    reply[Data].p = 1
    reply[Data].hops[1] = Hop(link=77, mac=router.ports[1].mac)
    far.inject(reply, dst=router.ports[1].mac, src=want[Data].hops[1].mac)
    returned = near.wait(lambda f: f.type == 3)
    assert returned.message == frames["ping-reply"]
    assert returned.dst == asker_mac(frames)


@pytest.mark.parametrize("frames", SETS)
def test_ping_is_answered_as_captured(lab, frames):
    """The target is real; the two routers between are played, so that the answer arrives in the captured form."""
    router, first, then = target(frames), middle(frames), second(frames)
    _, wires = build(lab, "r", router)
    network = Network()
    network.wire(first, first.ports[1].link, then, then.ports[0].link)
    arriving, = network.receive(first, first.ports[0].link,
                                frame(first.ports[0].mac, asker_mac(frames), frames["ping-request"]))
    wires[78].send(arriving)
    answer = wires[78].wait(lambda f: f.type == 3)
    final, = network.receive(then, then.ports[1].link, answer.data)
    assert final[14:] == frames["ping-reply"]


@pytest.mark.parametrize("frames", SETS)
def test_ping_crosses_three_routers_as_captured(lab, frames):
    """The whole captured way with three real daemons: the request goes in as captured, the reply comes out as captured."""
    routers = [middle(frames), second(frames), target(frames)]
    nodes = [lab.node(name) for name in ("first", "second", "target")]
    outside = lab.node("asker")
    ends = [(outside, "w0", Port(99, asker_mac(frames)))]
    for node, router in zip(nodes, routers):
        ends += [(node, f"eth{number}", port) for number, port in enumerate(router.ports)]
    for (a, a_if, a_port), (b, b_if, b_port) in zip(ends[::2], ends[1::2]):
        lab.connect(a, a_if, b, b_if, a_mac=a_port.mac, a_index=a_port.link, b_mac=b_port.mac, b_index=b_port.link)
    lab.start(*nodes, configs={node.name: conf(f"id={router.id}") for node, router in zip(nodes, routers)})
    wire = outside.wire("w0")
    wire.inject(frames["ping-request"], dst=routers[0].ports[0].mac)
    assert wire.wait(lambda f: f.type == 3).message == frames["ping-reply"]


@pytest.mark.parametrize("frames", SETS)
def test_the_model_itself_does_as_captured(frames):
    """The Python router, which other tests measure by, reproduces the captures too."""
    router = answerer(frames)
    (_, answer), = router.receive(router.ports[0].link, frame(GROUP, probe_source(frames), frames["discover-probe"]))
    assert normalise(answer[14:]) == normalise(frames["discover-reply-direct"])
    router = relay(frames)
    twice = decode(frames["discover-forwarded-twice"])
    question = decode(frames["discover-probe"])
    question.src, question[Discover].p, question[Discover].hops = twice.src, 1, twice[Discover].hops[:1]
    _, (out, passed) = router.receive(router.ports[0].link, frame(GROUP, twice[Discover].hops[1].mac, rebuilt(question)))
    assert (out, passed[14:]) == (router.ports[1].link, frames["discover-forwarded-twice"])
    first, then, last = middle(frames), second(frames), target(frames)
    network = Network()
    network.wire(first, first.ports[1].link, then, then.ports[0].link)
    network.wire(then, then.ports[1].link, last, last.ports[0].link)
    reply, = network.receive(first, first.ports[0].link, frame(first.ports[0].mac, asker_mac(frames), frames["ping-request"]))
    assert reply[14:] == frames["ping-reply"]
