# SPDX-License-Identifier: BSD-2-Clause
"""What the two processes may do, seen from outside, and who may do what by the control socket."""
import ctypes
import os
import signal
import socket
import stat
from pathlib import Path

import pytest
from lab import sanitized, status, wait
from model import Port, Router
import romon_scapy as rs

ROMON_UID, ROMON_GID, OTHER_GID = 64101, 64102, 64103
SO_LOCK_FILTER, SO_DETACH_FILTER, SO_ATTACH_FILTER = 44, 27, 26
PIDFD_OPEN, PIDFD_GETFD = 434, 438
ALL_FRAMES = 3
_libc = ctypes.CDLL(None, use_errno=True)


def with_accounts(lab):
    """Mounts under which a user and a group romon exist, whatever this machine has."""
    mounts = {}
    for name, line in (("passwd", f"romon:x:{ROMON_UID}:{ROMON_GID}::/nonexistent:/usr/sbin/nologin\n"),
                       ("group", f"romon:x:{ROMON_GID}:\n")):
        kept = [x for x in Path("/etc", name).read_text().splitlines(True) if not x.startswith("romon:")]
        (lab.folder / name).write_text("".join(kept) + line)
        mounts[f"/etc/{name}"] = lab.folder / name
    return mounts


@pytest.fixture
def pair(lab):
    """A romond under the accounts above, and another one beside it."""
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    a.start(mounts=with_accounts(lab))
    b.start()
    return a, b


def test_the_worker_has_no_privileges(pair):
    a, _ = pair
    worker, monitor = status(a.daemon.worker()), status(a.daemon.monitor())
    assert set(worker["Uid"].split()) == {str(ROMON_UID)} and set(worker["Gid"].split()) == {str(ROMON_GID)}
    assert not worker["Groups"].split() or worker["Groups"].split() == [str(ROMON_GID)]
    for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"):
        assert int(worker[kind], 16) == 0, kind
    assert worker["NoNewPrivs"] == "1" and (worker["Seccomp"] == "2" or sanitized())
    assert set(monitor["Uid"].split()) == {"0"}


def test_without_an_account_the_worker_is_nobody(lab):
    node = lab.node("a")
    mounts = with_accounts(lab)
    for path in mounts.values():
        path.write_text("".join(x for x in path.read_text().splitlines(True) if not x.startswith("romon:")))
    node.start(mounts=mounts)
    assert set(status(node.daemon.worker())["Uid"].split()) == {"65534"}
    assert stat.S_IMODE(node.socket.stat().st_mode) == 0o660 and node.socket.stat().st_gid == 0


def test_the_socket_belongs_to_the_group(pair):
    found = pair[0].socket.stat()
    assert (found.st_gid, stat.S_IMODE(found.st_mode)) == (ROMON_GID, 0o660)


def test_the_group_may_look_but_not_change(pair):
    a, b = pair
    user = (12345, ROMON_GID)
    for command in (["print"], ["port", "print"], ["stats"], ["discover", "duration=500ms"], ["ping", b.id, "count=1"]):
        done = a.romon(*command, user=user)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    before = a.config.read_text()
    for command in (["set", "enabled=no"], ["port", "add", "interface=x"], ["port", "remove", "1"],
                    ["port", "set", "0", "cost=5"]):
        done = a.romon(*command, user=user)
        assert done.returncode in (1, 3) and done.stderr, command
    assert a.config.read_text() == before and a.json("print")["enabled"] is True


def test_strangers_are_kept_out(pair):
    done = pair[0].romon("print", user=(12345, OTHER_GID))
    assert done.returncode == 3 and "romon" in done.stderr and not done.stdout


@pytest.mark.parametrize("victim", ["worker", "monitor"])
def test_neither_process_outlives_the_other(lab, victim):
    node = lab.node("a")
    node.start()
    pids = node.daemon.pids()
    assert len(pids) == 2
    node.daemon.kill(getattr(node.daemon, victim)(), signal.SIGKILL)
    wait(lambda: node.daemon.process.poll() is not None and not any(running(pid) for pid in pids), "both are gone")


def running(pid):
    try:
        return status(pid)["State"][0] != "Z"
    except FileNotFoundError:
        return False


def stolen_packet_sockets(pid):
    """Copies of the worker's packet sockets, as somebody who took the worker over would use them."""
    pidfd = _libc.syscall(PIDFD_OPEN, pid, 0)
    assert pidfd >= 0
    sockets = []
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            kind = os.readlink(f"/proc/{pid}/fd/{entry}")
        except FileNotFoundError:
            continue  # a client that has just left
        if kind.startswith("socket:"):
            copy = socket.socket(fileno=_libc.syscall(PIDFD_GETFD, pidfd, int(entry), 0))
            if copy.family == socket.AF_PACKET:
                sockets.append(copy)
            else:
                copy.close()
    os.close(pidfd)
    return sockets


@pytest.mark.parametrize("kind", ["alone", "bridge-member"])
def test_a_packet_socket_shows_nothing_but_romon(lab, kind):
    """Its filter is locked: bound to every protocol and made promiscuous it still yields RoMON frames of its own wire only."""
    node, outside = lab.node("a"), lab.node("outside")
    lab.connect(node, "eth0", outside, "w0")
    if kind == "bridge-member":
        node.bridge("br0", "eth0")
    node.start()
    wire = outside.wire("w0")
    taken, = stolen_packet_sockets(node.daemon.worker())
    try:
        assert taken.getsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER) == 1
        with pytest.raises(OSError):
            taken.setsockopt(socket.SOL_SOCKET, SO_LOCK_FILTER, 0)
        with pytest.raises(OSError):
            taken.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
        node.daemon.kill(node.daemon.pid, signal.SIGTERM)  # so that nobody else reads from it
        node.daemon.process.wait(5)
        try:
            taken.bind(("eth0", ALL_FRAMES))
        except OSError:
            pass
        taken.setblocking(False)
        other = bytes.fromhex("ffffffffffff") + bytes.fromhex(wire.mac.replace(":", ""))
        wire.send(other + b"\x08\x06" + bytes(46))
        wire.send(other + b"\x88\xbe" + bytes(46))
        wire.send(Router("02:ee:00:00:00:01", [Port(1, wire.mac)]).probe(1))
        seen = []

        def arrived():
            try:
                seen.append(taken.recv(65536))
            except BlockingIOError:
                pass
            return any(rs.ETHERTYPE == int.from_bytes(f[12:14], "big") for f in seen)
        wait(arrived, "the RoMON frame, which came last")
        assert len(seen) == 1
    finally:
        taken.close()


def test_the_worker_holds_no_other_descriptors(pair):
    """Nothing through which it could reach files: the configuration, the state, or a directory."""
    a, _ = pair
    pid = a.daemon.worker()
    targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
    files = [t for t in targets if t.startswith("/") and not t.startswith("/dev/")]
    assert [f for f in files if f != str(a.daemon.log_path)] == []
