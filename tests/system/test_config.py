# SPDX-License-Identifier: BSD-2-Clause
"""The configuration file, the RoMON ID, and what survives a restart."""
import os
import re
import signal
import threading
import time

import pytest
import romon_scapy as rs
from lab import conf, wait
from romon_scapy import Data, Hop, Ping, RoMON

COMMENTED = """# A file that somebody wrote by hand.
/tool romon
set enabled=yes identity="the first" \\
    board=lab   # what it says of itself
# Between the sections.
/tool romon port
set [ find default=yes ] cost=120 forbid=no
add interface=eth* cost=50   # all of them
add interface=wan0 forbid=yes comment="not this \\"one\\""
# The end.
"""

BROKEN = [
    ("/tool romon\nset enabled=perhaps\n", 2), ("/tool romon\nset enabled=yes\nnonsense\n", 3), ("set enabled=yes\n", 1),
    ("/tool romon\nset no-such-thing=1\n", 2), ("/tool romon\n\nset id=01:00:00:00:00:01\n", 3),
    ("/tool romon port\nadd interface=a cost=0\n", 2), ("/tool romon port\nadd interface=a cost=65536\n", 2),
    ("/tool romon port\nadd cost=5\n", 2), ("/tool romon port\nadd interface=a\nadd interface=a\n", 3),
    ('/tool romon\nset identity="open\n', 2), ("/tool snmp\nset enabled=yes\n", 1),
    ("/tool romon port\nset [ find default=yes ] disabled=yes\n", 2),
    ("/tool romon\nset secrets=" + ",".join("s%d" % n for n in range(9)) + "\n", 2),
]


@pytest.mark.parametrize("text, line", BROKEN)
def test_a_broken_file_is_refused_at_the_start(lab, text, line):
    node = lab.node("a")
    node.start(text, expect=False)
    assert node.daemon.process.wait(5) > 0
    node.daemon.killed = True
    said = next(x for x in node.daemon.log.splitlines() if f"{node.config}:{line}:" in x)
    assert len(said.partition(f"{node.config}:{line}:")[2].strip()) > 5, "and a reason"
    assert not node.socket.exists()


def test_a_broken_file_is_refused_at_reload_and_the_running_one_stays(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    lab.start(a, b)
    before = a.json("print"), a.json("port", "print")
    for text, line in BROKEN:
        a.config.write_text("# A line before\n" * 20 + text)
        place = re.compile(rf"{a.config}\D+{line + 20}\b.{{5}}")
        a.daemon.reload()
        wait(lambda: place.search(a.daemon.log), f"file, line {line + 20} and reason in the log")
        assert (a.json("print"), a.json("port", "print")) == before
    assert list(a.discover()) == [b.id]
    a.config.write_text(conf("identity=new"))
    a.daemon.reload()
    wait(lambda: a.json("print")["identity"] == "new", "a good file is taken after all that")


def test_set_does_not_undo_what_somebody_wrote_meanwhile(lab):
    a = lab.node("a")
    a.start(conf("identity=first"))
    edited = conf("identity=second") + "# An hour of work.\n"
    for text in (edited, edited + "with a mistake\n"):
        a.config.write_text(text)
        done = a.romon("set", "unicast=no")
        assert done.returncode == 1 and "reload" in done.stderr and len(done.stderr.splitlines()) == 1
        assert a.config.read_text() == text and a.json("print")["unicast"] is True
    a.config.write_text(edited)
    a.daemon.reload()
    wait(lambda: a.json("print")["identity"] == "second", "it is read")
    a.ok("set", "unicast=no")
    assert "# An hour of work.\n" in a.config.read_text() and "unicast=no" in a.config.read_text()
    a.config.unlink()
    a.ok("set", "unicast=yes")
    assert "unicast=yes" in a.config.read_text()


def test_a_reload_during_a_reload_is_not_forgotten(lab):
    """The second SIGHUP comes while the worker asks the monitor for the sockets of many ports, and nothing else happens later."""
    a = lab.node("a")
    for i in range(0, 100, 2):
        a.ip("link", "add", f"eth{i}", "up", "type", "veth", "peer", "name", f"eth{i + 1}")
        a.ip("link", "set", "dev", f"eth{i + 1}", "up")
    a.start(conf(enabled="no"))
    for turn in (1, 2, 3):
        said = len(a.daemon.log)
        a.config.write_text(conf())
        a.daemon.reload()
        while "RoMON ID" not in a.daemon.log[said:]:  # said before the first port is opened
            assert a.daemon.alive()
        a.config.write_text(conf(enabled="no"))
        a.daemon.reload()
        wait(lambda: a.daemon.log[said:].count("read anew") == 2, f"both reloads, turn {turn}")


def test_without_a_file_it_runs_disabled(lab):
    node = lab.node("a")
    node.start("", ports=[])
    assert node.json("print")["enabled"] is False
    node.stop()
    node.config.unlink()
    node.start(write=False, ports=[])
    assert node.json("print")["enabled"] is False
    node.ok("set", "enabled=yes")
    assert "enabled=yes" in node.config.read_text(), "a change makes the file"


def test_set_keeps_what_it_does_not_change(lab):
    node = lab.node("a")
    node.start(COMMENTED)
    node.ok("set", "unicast=no")
    node.ok("port", "set", "[find interface=wan0]", "cost=7")
    node.ok("port", "add", "interface=lan0", "cost=9")
    text = node.config.read_text()
    for line in COMMENTED.splitlines():
        if "wan0" not in line and "board" not in line and "set enabled" not in line:
            assert line in text.splitlines(), line
    assert "# what it says of itself" in text and 'not this \\"one\\"' in text
    before = node.json("print"), node.json("port", "print")
    assert before[0]["unicast"] is False and before[0]["identity"] == "the first"
    assert [(p["interface"], p["cost"], p["forbid"]) for p in before[1]["ports"]] == [
        ("all", 120, False), ("eth*", 50, False), ("wan0", 7, True), ("lan0", 9, False)]
    node.stop()
    node.start()
    assert (node.json("print"), node.json("port", "print")) == before
    node.ok("port", "remove", "2")
    assert "wan0" not in node.config.read_text() and "lan0" in node.config.read_text()


def test_saving_is_atomic(lab):
    """Somebody who reads the file while it is saved again and again always reads a whole one, and no other file stays behind."""
    node = lab.node("a")
    node.start(COMMENTED)
    node.config.chmod(0o640)
    first = node.config.open()  # held open, so that nothing else gets its inode number
    torn, done = [], threading.Event()

    def read():
        while not done.is_set():
            text = node.config.read_text()
            if not text.endswith("# The end.\n") and "add interface=extra" not in text.splitlines()[-1]:
                torn.append(text)
    reader = threading.Thread(target=read)
    reader.start()
    try:
        for number in range(40):
            node.varlink("Set", values={"identity": f"name {number} " + "x" * (number * 5)})
    finally:
        done.set()
        reader.join()
    assert not torn
    found = node.config.stat()
    assert os.fstat(first.fileno()).st_nlink == 0, "a new file took the place of the old one"
    assert first.read() == COMMENTED, "and the old one was not written to"
    first.close()
    assert (found.st_mode & 0o777, found.st_uid) == (0o600, 0), "it may hold secrets now"
    assert {p.name for p in node.folder.iterdir()} <= {"romon.conf", "romond.sock", "state", "log0"}


def test_killed_while_saving_the_file_is_whole(lab):
    """The old file or the new one: killed at 15 arbitrary moments of a stream of changes."""
    node = lab.node("a")
    config = COMMENTED
    for number in range(15):
        node.start(config)
        config = None
        stop = time.monotonic() + 0.003 * number
        while time.monotonic() < stop:
            node.varlink("Set", values={"identity": f"round {number} {time.monotonic()}"})
        node.daemon.kill(node.daemon.pid, signal.SIGKILL)
        node.daemon.process.wait()
        node.stop()
        text = node.config.read_text()
        assert "# The end." in text and 'set enabled=yes identity=' in text
        node.socket.unlink(missing_ok=True)
    node.start()


def two_cards(lab):
    """A node whose second interface has the lower ifindex."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth1", outside, "w1", a_index=30, a_mac="02:aa:00:00:00:30")
    lab.connect(node, "eth0", outside, "w0", a_index=20, a_mac="02:aa:00:00:00:20")
    return node


LOWEST, OTHER, CONFIGURED = "02:AA:00:00:00:20", "02:AA:00:00:00:30", "02:1D:00:00:00:01"


def test_the_id_is_chosen_and_kept(lab):
    node = two_cards(lab)
    node.start()
    assert (node.id, node.json("print")["id"]) == (LOWEST, "00:00:00:00:00:00")
    node.stop()
    node.ip("link", "del", "eth0")
    node.start()
    assert node.id == LOWEST, "kept, although the card is gone"
    node.ok("set", f"id={CONFIGURED}")
    assert node.id == CONFIGURED
    node.stop()
    node.start()
    assert node.id == CONFIGURED
    node.ok("set", "id=00:00:00:00:00:00")
    assert node.id == LOWEST, "back to the kept one"


def test_only_an_allowed_port_gives_the_id(lab):
    node = two_cards(lab)
    node.start(conf(ports="add interface=eth*\nadd interface=eth0 forbid=yes\n"), ports=["eth1"])
    assert node.id == OTHER


def test_without_any_port_there_is_no_id_until_one_comes(lab):
    node, outside = lab.node("a"), lab.node("outside")
    node.start()
    assert node.id is None
    lab.connect(node, "eth0", outside, "w0", a_mac=LOWEST.lower())
    wait(lambda: node.id == LOWEST, "the ID is chosen")


def test_a_cloned_machine_chooses_anew(lab):
    """The kept ID is bound to the machine-id: a copy of the state on another machine does not count."""
    node = two_cards(lab)
    machine = lab.folder / "machine-id"
    machine.write_text("0123456789abcdef0123456789abcdef\n")
    mounts = {"/etc/machine-id": machine}
    node.start(mounts=mounts)
    assert node.id == LOWEST
    node.stop()
    node.ip("link", "del", "eth0")
    node.start(mounts=mounts)
    assert node.id == LOWEST
    node.stop()
    machine.write_text("fedcba9876543210fedcba9876543210\n")
    node.start(mounts=mounts)
    assert node.id == OTHER
    node.stop()
    node.start(mounts=mounts)
    assert node.id == OTHER


def test_a_signal_ends_it_cleanly(lab):
    for number in (signal.SIGTERM, signal.SIGINT):
        node = lab.node(f"a{number}")
        node.start()
        node.daemon.process.send_signal(number)
        assert node.daemon.process.wait(5) == 0
        assert not node.socket.exists()


def test_answer_limit(lab):
    """Pings of strangers are answered as far as the limit goes, and all of them when it is raised."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0", a_index=11)
    node.start(conf("id=02:1d:00:00:00:01 answer-limit=100000"))
    assert node.json("print")["answer-limit"] == 100000
    wire, count, mac = outside.wire("w0"), 300, node.mac("eth0")
    frames = []  # made beforehand: what is sent slowly enough is answered
    for number in range(count):
        ping = Data(sport=2000, dport=1, hops=[Hop(link=5, mac=mac)]) / Ping(seq=number) / bytes(996)
        message = RoMON(type=rs.DATA, src=f"02:ee:00:00:{number >> 8:02x}:{number & 255:02x}", dst="02:1d:00:00:00:01") / ping
        frames.append(rs.frame(mac, wire.mac, message))

    def flood():
        """How many of them are answered."""
        rx, tx = (node.stats()["eth0"][counter] for counter in ("rx", "tx"))
        for number, frame in enumerate(frames):
            wire.send(frame)
            if number % 64 == 63:
                wait(lambda: node.stats()["eth0"]["rx"] >= rx + number, "they are taken")
        wait(lambda: node.stats()["eth0"]["rx"] == rx + count, "all of them are taken")
        return node.stats()["eth0"]["tx"] - tx

    begin = time.monotonic()
    answered = flood()
    assert 0 < answered * 1000 <= 12500 + 37500 * (time.monotonic() - begin)
    assert node.drops("answer-limit") == count - answered > 0
    node.ok("set", "answer-limit=1000000000")
    assert flood() == count
    assert "answer-limit=1000000000" in node.config.read_text()
    done = node.romon("set", "answer-limit=99999")
    assert done.returncode == 2 and "from 100000 to 1000000000" in done.stderr
