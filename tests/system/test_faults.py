# SPDX-License-Identifier: BSD-2-Clause
"""Faults that have hit routers in the past: each of these once broke a RouterOS."""
import json
import time

from lab import conf, wait
from model import Port, Router
from romon_scapy import (Data, Discover, DiscoverResp, Hop, Identity, Ping, RoMON, Route, raw)

ASKER = "02:ee:00:00:00:01"


def pair(lab, **configs):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    for node in (a, b):
        node.start(configs.get(node.name), expect=False)
    for node in (a, b):
        node.wait_ready()
    return a, b


def with_wire(lab, config=None):
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0")
    node.start(config)
    return node, outside.wire("w0")


def replies(ping):
    return iter(lambda: json.loads(ping.stdout.readline()), None)


def test_disabled_during_a_running_discovery(lab):
    a, b = pair(lab)
    wire = a.wire("eth0")
    for _ in range(2):
        process = a.background("discover", "duration=20s")
        wait(lambda: any(f.type == 1 for f in wire.sent()), "it asks")
        a.ok("set", "enabled=no")
        out, err = process.communicate(timeout=5)
        assert process.returncode == 1 and "RoMON not running" in err
        wire.sent()
        assert not wire.sent_within(1.2), "a disabled router sends nothing"
        a.ok("set", "enabled=yes")
        a.wait_active("eth0")
        assert list(a.discover("1s")) == [b.id]


def test_disabled_during_a_running_ping(lab):
    a, b = pair(lab)
    process = a.background("ping", b.id, "interval=50ms")
    assert next(replies(process))["status"] == "ok"
    a.ok("set", "enabled=no")
    process.communicate(timeout=5)
    a.ok("set", "enabled=yes")
    a.wait_active("eth0")
    assert a.ping(b.id, count=3, interval="500ms")[1]["received"] >= 1


def test_the_id_changes_while_others_know_the_old_one(lab):
    a, b = pair(lab)
    old, new = b.id, "02:1D:00:00:00:02"
    assert list(a.discover()) == [old]
    process = a.background("discover", "duration=7s")
    b.ok("set", f"id={new}")
    assert b.id == new
    assert a.ping(new)[1]["received"] == 1
    assert a.ping(old)[1]["received"] == 0, "nobody answers to the old ID"
    assert b.drops("wrong-id") >= 1
    table = {r["address"]: r["active"] for r in json.loads(process.communicate()[0])["routers"]}
    assert table == {old: False, new: True}
    assert b.discover()[a.id]["active"]


def test_an_identity_of_200_bytes_received(lab):
    node, wire = with_wire(lab)
    name = ("é" * 99 + "\\\"").encode()
    assert len(name) == 200
    other = Router(ASKER, [Port(1, wire.mac)], name)
    process = node.background("discover", "duration=1s")
    question = wire.wait(lambda f: f.type == 1)
    for _, answer in other.receive(1, question.data):
        wire.send(answer)
    found, = json.loads(process.communicate()[0])["routers"]
    assert (found["address"], found["identity"]) == (ASKER.upper(), name.decode())
    assert name.decode() in node.ok("discover", "duration=500ms")


def test_hostile_text_is_cleaned(lab):
    """Invalid UTF-8 becomes U+FFFD, and no control character reaches a terminal."""
    node, wire = with_wire(lab)
    other = Router(ASKER, [Port(1, wire.mac)], b"\x1b[31mred\xff\xc3\x28\x00\r\n\x9b", board=b"\x1b]0;title\x07")
    process = node.background("discover", "duration=1s")
    question = wire.wait(lambda f: f.type == 1)
    wire.send(other.receive(1, question.data)[0][1])
    text = process.communicate()[0]
    found, = json.loads(text)["routers"]
    assert "red\ufffd\ufffd(" in found["identity"]
    assert not {c for c in text if ord(c) < 32 and c != "\n"} and "\x9b" not in text
    table = node.ok("discover", "duration=500ms")
    assert "red" in table and not {c for c in table if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0}
    assert "\x1b" not in node.daemon.log


def test_an_identity_of_200_bytes_configured(lab):
    """It is kept whole, and sent cut to 64 bytes at a character."""
    node, wire = with_wire(lab)
    name = "x" + "é" * 99
    node.ok("set", f"identity={name}")
    assert node.json("print")["identity"] == name
    wire.send(Router(ASKER, [Port(1, wire.mac)]).probe(1))
    answer = wire.wait(lambda f: f.type == 2).packet[DiscoverResp]
    assert answer.tlv(Identity)[0].value == ("x" + "é" * 31).encode()
    assert node.config.read_text().count("é") == 99


def test_group_addresses_as_ids_are_dropped(lab):
    node, wire = with_wire(lab)
    me = node.id.lower()
    hop = [Hop(link=1, mac=node.mac("eth0"))]
    probe = Discover(tlvs=[Route(id="02:ee:00:00:00:09", outlink=Port(1, wire.mac).end())])
    before, count = node.drops("bad-id"), 0
    for bad in ("01:00:00:00:00:01", "03:ee:00:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"):
        wire.inject(RoMON(src=bad) / probe)
        wire.inject(RoMON(type=3, src=bad, dst=me) / Data(hops=hop, sport=1024, dport=1) / Ping() / bytes(28))
        wire.inject(RoMON(type=3, src=ASKER, dst=bad) / Data(hops=hop, sport=1024, dport=1) / Ping() / bytes(28))
        count += 3
    wait(lambda: node.drops("bad-id") == before + count, "every one is dropped as bad-id")
    assert not wire.collect(0.2)
    wire.inject(RoMON(src=ASKER) / probe)
    wire.wait(lambda f: f.type == 2)


def test_group_addresses_as_ids_are_refused(lab):
    node, _ = with_wire(lab)
    before = node.json("print")
    for bad in ("01:00:00:00:00:01", "FF:FF:FF:FF:FF:FF", "02:00:00:00:00", "02:00:00:00:00:0g", "name"):
        done = node.romon("set", f"id={bad}")
        assert done.returncode in (1, 2) and done.stderr
        assert node.json("print") == before
    assert node.romon("ping", "01:00:00:00:00:01", "count=1").returncode in (1, 2)
    node.stop()
    node.start(conf("id=01:00:00:00:00:01"), expect=False)
    assert node.daemon.process.wait(5) not in (0, None)
    assert f"{node.config}:2:" in node.daemon.log
    node.daemon.killed = True


def test_data_whose_hops_lead_round_in_a_circle(lab):
    """Two routers with two wires between them, and a list of hops that goes round 60 times: every wire sees it once."""
    outside, b, c = lab.node("outside"), lab.node("b"), lab.node("c")
    lab.connect(outside, "w0", b, "eth0")
    lab.connect(b, "eth1", c, "eth1")
    lab.connect(b, "eth2", c, "eth2")
    c.watch()
    lab.start(b, c)
    wire, wires = outside.wire("w0"), {name: c.wire(name) for name in ("eth1", "eth2")}
    round_trip = [Hop(link=b.index("eth1"), mac=c.mac("eth1")), Hop(link=c.index("eth2"), mac=b.mac("eth2"))]
    hops = [Hop(link=1, mac=b.mac("eth0"))] + round_trip * 60
    asker = Router(ASKER, [Port(1, wire.mac)])
    wire.send(asker.ping(1, hops, b.id.lower())[1])
    wait(lambda: b.drops("loop") + c.drops("loop") == 1, "the loop is noticed and counted")
    crossed = {name: len([f for f in w.frames() if f.type == 3]) for name, w in wires.items()}
    assert crossed == {"eth1": 1, "eth2": 1}
    # One round without coming back to the same wire is a good way.
    wire.send(asker.ping(1, hops[:3], b.id.lower())[1])
    assert wire.wait(lambda f: f.type == 3).packet[Data].dport == 1024


def test_a_ping_from_port_1_to_port_1(lab):
    node, wire = with_wire(lab)
    hops = [Hop(link=1, mac=node.mac("eth0"))]
    asker = Router(ASKER, [Port(1, wire.mac)])
    good = asker.ping(1, hops, node.id.lower())[1]
    ports = [(1, 1), (1023, 1), (0, 1), (3, 1)]
    for sport, dport in ports:
        wire.send(asker.ping(1, hops, node.id.lower(), sport=sport)[1])
    wait(lambda: node.drops("bad-ping") == len(ports), "each is a bad ping")
    assert not wire.collect(0.2)
    wire.send(good)
    assert wire.wait(lambda f: f.type == 3).packet[Data].sport == 1


def test_an_answer_to_a_ping_that_was_not_sent(lab):
    node, wire = with_wire(lab)
    answer = (RoMON(type=3, src=ASKER, dst=node.id.lower()) / Data(hops=[Hop(link=1, mac=node.mac("eth0"))], sport=1, dport=1024)
              / Ping() / bytes(28))
    before = node.drops()
    wire.inject(answer, dst=node.mac("eth0"))
    wait(lambda: node.drops() == before + 1, "it is counted")
    assert not wire.collect(0.2)


def test_the_interface_vanishes_while_a_ping_runs_over_it(lab):
    a, b = pair(lab)
    target = b.id
    a.discover()
    process = a.background("ping", target, "count=200", "interval=50ms")
    answers = replies(process)
    assert next(answers)["status"] == "ok"
    a.ip("link", "del", "eth0")
    lost = next(r for r in answers if r["status"] == "timeout")
    lab.connect(a, "eth0", b, "eth0")
    found = next(r for r in answers if r["status"] == "ok" and r["seq"] > lost["seq"])
    assert found["host"] == target
    process.kill()
    assert a.daemon.alive() and b.daemon.alive()


def test_the_interface_is_renamed_while_a_ping_runs_over_it(lab):
    """Its link id stays, so as long as an entry matches, nothing is lost for long."""
    a, b = pair(lab)
    process = a.background("ping", b.id, "count=200", "interval=50ms")
    answers = replies(process)
    assert next(answers)["status"] == "ok"
    a.ip("link", "set", "dev", "eth0", "name", "eth77")
    a.wait_active("eth77")
    assert set(a.stats()) == {"eth77"}
    last = next(answers)["seq"]
    assert next(r for r in answers if r["status"] == "ok" and r["seq"] > last + 5)
    a.ip("link", "set", "dev", "eth77", "name", "gone0")
    wait(lambda: a.states() == {}, "no entry matches it")
    assert next(r for r in answers if r["status"] == "timeout")
    process.kill()


def test_two_routers_with_the_same_id(lab):
    """Each warns of the other and names the port's MAC by which the other's question came in, near or far."""
    twin = "02:1D:00:00:00:0A"
    a, b, c = lab.line(3)
    lab.start(a, b, c, configs={"n0": conf(f"id={twin} identity=one"), "n1": conf("identity=between"),
                                "n2": conf(f"id={twin} identity=two")})
    process = a.background("discover", "duration=1s")
    culprit = a.mac("eth1")
    wait(lambda: culprit in c.daemon.log.lower(), "the far twin names the MAC of the asking one")
    line = next(line for line in c.daemon.log.splitlines() if culprit in line.lower())
    assert "duplicate" in line.lower() or "same" in line.lower() or twin in line
    assert len([x for x in c.daemon.log.splitlines() if culprit in x.lower()]) == 1, "once a minute"
    process.communicate()
    assert culprit not in a.daemon.log.lower(), "its own port is no offender"
    assert b.daemon.alive() and list(b.discover()) == [twin]


def test_a_neighbour_with_the_same_id(lab):
    node, wire = with_wire(lab)
    wire.send(Router(node.id.lower(), [Port(1, wire.mac)]).probe(1))
    wait(lambda: wire.mac in node.daemon.log.lower(), "the log names the neighbour's MAC")
    assert not wire.collect(0.2)


def test_a_question_that_was_here_before_is_not_passed_on(lab):
    """A MAC of our own in the hop list ends its way here; so it does not run round a ring."""
    node, outside = lab.node("a"), lab.node("outside")
    for number in range(2):
        lab.connect(node, f"eth{number}", outside, f"w{number}")
    node.start()
    near, far = outside.wire("w0"), outside.wire("w1")
    for number, (mac, passes) in enumerate(((node.mac("eth0"), False), (node.mac("eth1"), False), ("02:ee:00:00:00:77", True))):
        near.inject(RoMON(src=f"02:ee:00:00:00:0{number + 1}") / Discover(
            p=2, hops=[Hop(link=5, mac=mac), Hop(link=6, mac="02:ee:00:00:00:66")],
            tlvs=[Route(id="02:ee:00:00:00:09", outlink=Port(1, near.mac).end())]))
        assert [f.packet[Discover].n for f in far.collect(0.1) if f.type == 1] == ([3] if passes else [])
    near.inject(RoMON(src=node.id.lower()) / Discover(tlvs=[Route(id="02:ee:00:00:00:09", outlink=Port(1, near.mac).end())]))
    assert not far.collect(0.1), "its own question is not passed on either"


def test_answers_that_cannot_be_are_not_taken(lab):
    """Each of these differs in one thing from a good answer, which is taken."""
    node, wire = with_wire(lab)
    me, mac = node.id.lower(), node.mac("eth0")
    there = Route(id="02:ee:00:00:00:aa", inlink=Port(1, wire.mac).end(), outlink=Port(2, "02:ee:00:00:00:ab").end())
    hop, process = [Hop(link=node.index("eth0"), mac=mac)], node.background("discover", "duration=1s")
    ours = Route(id=me, outlink=wire.wait(lambda f: f.type == 1).packet[Discover].tlv(Route)[0].outlink)
    count = 0

    def answer(parent, hops, p=0, child=None, src=me):
        nonlocal count
        count += 1
        name = f"02:ee:00:00:01:{count:02x}"
        tlvs = [parent, Route(id=child or name, inlink=Port(3, f"02:ee:00:00:02:{count:02x}").end()), Identity(value=b"x")]
        wire.inject(RoMON(type=2, src=src, dst=name) / DiscoverResp(hops=hops, p=p, tlvs=tlvs), dst=mac)
        return name.upper()

    before = node.drops()
    answer(ours, hop)                                                       # our own ID as parent, but over a hop
    answer(there, [])                                                       # another's ID as parent, but over none
    answer(there, [Hop(link=hop[0].link, mac="02:ee:00:00:00:77")])         # its list ends at another station
    answer(there, hop, p=2)                                                 # a pointer that fits no reading
    answer(ours, [], child="02:ee:00:00:03:01")                             # about another router than the one that answers
    answer(ours, [], src="02:ee:00:00:00:88")                               # to another asker
    wrong = count
    good = {answer(ours, []), answer(there, hop)}
    table = {r["address"] for r in json.loads(process.communicate()[0])["routers"]}
    assert good <= table and table <= good | {"02:EE:00:00:00:AA"}
    assert node.drops() == before + wrong
    time.sleep(2.1)                                                         # longer than anybody waits for an answer
    late = answer(ours, [])
    wait(lambda: node.drops("not-asked") == 1, "nobody asked")
    assert late not in node.discover("100ms")


def test_a_source_that_is_the_port_itself_or_no_station(lab):
    node, wire = with_wire(lab)
    probe = Router(ASKER, [Port(1, wire.mac)]).probe(1)
    before = node.drops()
    for source in (node.mac("eth0"), "01:00:5e:00:00:01", "00:00:00:00:00:00"):
        wire.send(probe[:6] + bytes.fromhex(source.replace(":", "")) + probe[12:])
    assert not wire.collect(0.3)
    assert node.drops() - before >= 2, "what the kernel does not drop is counted"
    assert raw(RoMON(probe[14:])) == probe[14:]
    wire.send(probe)
    wire.wait(lambda f: f.type == 2)
