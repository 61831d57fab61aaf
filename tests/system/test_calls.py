# SPDX-License-Identifier: BSD-2-Clause
"""Calls of the control socket that take their time: several on one connection, routers named by their identity, clients that ask
for too much."""
import time

import pytest
from lab import Control, VarlinkError, conf, wait


@pytest.fixture
def three(lab):
    """Three routers on one wire, two of them of one name."""
    a, b, c = (lab.node(name) for name in "abc")
    lab.segment("switch", (a, "eth0"), (b, "eth0"), (c, "eth0"))
    lab.start(a, b, c, configs={"a": conf("identity=one"), "b": conf("identity=two"), "c": conf("identity=two")})
    return a, b, c


def cpu(pid):
    """Processor time that a process has used, in ticks."""
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


@pytest.mark.parametrize("call", [("Ping", {"count": 1}), ("Resolve", {})], ids=["Ping", "Resolve"])
def test_a_router_is_found_by_its_identity(three, call):
    a, b, c = three
    method, more = call

    def ask(who):
        answer = a.varlink(method, id=who, **more)
        return answer["id"] if method == "Resolve" else answer["summary"]["received"]
    with pytest.raises(VarlinkError) as caught:
        ask("two")
    assert caught.value.name == "AmbiguousRouter" and caught.value.parameters["identity"] == "two"
    assert sorted(caught.value.parameters["ids"]) == sorted([b.id, c.id])
    with pytest.raises(VarlinkError) as caught:
        ask("nobody")
    assert (caught.value.name, caught.value.parameters) == ("NoSuchRouter", {"identity": "nobody"})
    c.varlink("Set", values={"identity": "three"})
    assert ask("three") == (c.id if method == "Resolve" else 1), "one that was renamed just now"
    begin = time.monotonic()
    assert ask("two") == (b.id if method == "Resolve" else 1)
    assert time.monotonic() - begin < 1, "nobody is asked again for what is known"


def test_an_id_is_resolved_to_itself(three):
    a, _, _ = three
    assert a.varlink("Resolve", id="02:00:00:00:0a:99") == {"id": "02:00:00:00:0A:99"}
    for bad, error in (("01:00:00:00:00:01", "Invalid"), ("", "NoSuchRouter"), ("two\n", "NoSuchRouter")):
        with pytest.raises(VarlinkError) as caught:
            a.varlink("Resolve", id=bad)
        assert caught.value.name == error


def test_nobody_pings_himself(three):
    """It could only time out, and look like a network that is broken."""
    a, _, _ = three
    done = a.romon("ping", a.id, "count=1")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "romon: this is the ID of this machine\n")


@pytest.mark.parametrize("method, extremes", [
    ("Discover", [{"duration": 366 * 86400}]),
    ("Ping", [{"count": 2**32 - 1}, {"size": 4}, {"size": 65000}, {"interval": 0.001}, {"interval": 3600}]),
])
def test_the_daemon_takes_all_that_the_command_does(three, method, extremes):
    a, b, _ = three
    for parameters in extremes:
        control = Control(a.socket)
        control.send(method, more=True, **parameters, **({"id": b.id} if method == "Ping" else {}))
        assert "error" not in control.receive(), parameters
        control.close()


def test_without_more_ping_needs_a_count_and_gives_the_summary(three):
    a, b, _ = three
    answer = a.varlink("Ping", id=b.id, count=3, interval=0.01, size=1000)
    assert answer["reply"] is None
    assert (answer["summary"]["sent"], answer["summary"]["received"], answer["summary"]["packet_loss"]) == (3, 3, 0)
    with pytest.raises(VarlinkError) as caught:
        a.varlink("Ping", id=b.id)
    assert (caught.value.name, caught.value.parameters) == ("InvalidParameter", {"parameter": "count"})


def test_calls_of_one_connection_are_answered_in_order(three):
    a, b, _ = three
    client = Control(a.socket)
    client.send("Map", duration=0.3)
    client.send("GetStats")
    client.send("Ping", id=b.id, count=1)
    client.send("Discover", duration=0)
    assert [list(client.receive()["parameters"]) for _ in range(4)] == [["id", "routers", "links"], ["ports"],
                                                                        ["reply", "summary"], ["routers"]]


def test_a_oneway_call_gets_no_answer(three):
    client = Control(three[0].socket)
    client.send_raw(b'{"method":"io.openromon.Nonsense","oneway":true}\0{"method":"io.openromon.GetStats","oneway":true}\0'
                    b'{"method":"io.openromon.GetSettings"}\0')
    assert list(client.receive()["parameters"]) == ["settings"]


def test_a_client_that_sends_too_much_ahead_is_dropped_with_its_discovery(three):
    a = three[0]
    client = Control(a.socket)
    client.send("Discover", more=True)
    assert client.receive()["continues"]
    with pytest.raises(OSError):
        for _ in range(64):
            client.send_raw(b"x" * 65536)
    wire, used = a.wire("eth0"), cpu(a.daemon.worker())
    wait(lambda: not wire.sent_within(1.5), "silence", 6)
    assert cpu(a.daemon.worker()) - used < 100, "the loop does not spin"
