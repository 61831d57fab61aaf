# SPDX-License-Identifier: BSD-2-Clause
"""Readers that do not read: the sender is held back as long as they like, without a frame lost and without memory that grows."""
import contextlib
import os
import socket
import subprocess
import threading
import time

import pytest
from lab import sanitized, status, wait
from streams import CAT, MIB, SOAK, digest, services
from test_services import Stream

COUNT, MUCH = 16, os.urandom(4 * MIB)
WAIT = 2003  # the service that does not read until it is told


def held(node):
    return sum(int(status(pid)["VmRSS"].split()[0]) for pid in node.daemon.pids()[:2]) * 1024


def dropped(node):
    """Frames, but for those of a burst that were not fetched in time: that is the machine's affair, and congestion's."""
    return node.drops() - node.drops("overrun")


def standing(node):
    """Waits until nothing moves any more on the node's streams. Returns them."""
    before, since = None, time.monotonic()

    def still():
        nonlocal before, since
        now = [(s["sent"], s["received"], s["unread"], s["unsent"]) for s in node.varlink("GetStreams")["streams"]]
        if now != before:
            before, since = now, time.monotonic()
        return time.monotonic() - since > 1.5
    wait(still, "nothing moves", 60)
    return node.varlink("GetStreams")["streams"]


@pytest.fixture
def pair(lab):
    """Two neighbours, and the listener that the service WAIT of the second leads to."""
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(lab.folder / "wait"))
    os.chmod(lab.folder / "wait", 0o777)
    listener.listen(COUNT)
    listener.settimeout(10)
    (lab.folder / "much").write_bytes(MUCH)
    more = (f'add name=wait port={WAIT} to="unix:{lab.folder}/wait" max-streams=1000\n'
            f'add name=file port={WAIT + 1} to="exec:/bin/cat {lab.folder}/much" max-streams=1000\n')
    lab.start(a, b, configs={node.name: services(node, more) for node in (a, b)})
    yield a, b, listener
    listener.close()


def read_all(sock, got):
    with sock:
        data = bytearray()
        while piece := sock.recv(MIB):
            data += piece
    got.append(digest(bytes(data)))


def within_bounds(a, b, before):
    """At most 1 MiB for a stream at either end, and nothing dropped: held back is not thrown away."""
    for node in (a, b):
        assert all(s["unread"] <= 512 * 1024 and s["unsent"] <= 512 * 1024 for s in node.varlink("GetStreams")["streams"])
        assert sanitized() or held(node) - before[node] < COUNT * MIB
        assert dropped(node) == 0


def test_a_service_that_does_not_read(pair):
    a, b, listener = pair
    before = {node: held(node) for node in (a, b)}
    streams, servers, writers, got = [], [], [], []
    for _ in range(COUNT):
        stream = Stream(a, timeout=60, id=b.id, port=WAIT)
        streams.append(stream)
        servers.append(listener.accept()[0])
        writers.append(threading.Thread(target=lambda stream=stream: (stream.send_raw(MUCH), stream.finish())))
        writers[-1].start()
    listed = standing(b)
    assert len(listed) == COUNT and all(0 < s["received"] < len(MUCH) for s in listed)
    if SOAK:  # longer than without an acknowledgement a stream would be given up
        time.sleep(40)
    within_bounds(a, b, before)
    readers = [threading.Thread(target=read_all, args=(server, got)) for server in servers]
    for thread in readers:
        thread.start()
    for thread in readers + writers:
        thread.join(60)
    assert got == [digest(MUCH)] * COUNT
    for stream in streams:
        assert stream.all() == b""
        stream.close()
    assert dropped(a) == dropped(b) == 0


def test_a_client_that_does_not_read(pair):
    a, b, _ = pair
    before = {node: held(node) for node in (a, b)}
    processes = [subprocess.Popen(a.romon_line("connect", b.id, str(WAIT + 1)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
                 for _ in range(COUNT)]
    wait(lambda: len(b.varlink("GetStreams")["streams"]) == COUNT, "all are open", 20)
    standing(a)
    within_bounds(a, b, before)
    for process in processes:
        assert digest(process.communicate(timeout=60)[0]) == digest(MUCH)
        assert process.returncode == 0
    assert dropped(a) == dropped(b) == 0


def test_those_that_stand_still_hold_no_other_back(pair):
    """As many streams as fill the memory that all share, and one more still works, slowly: with rings of 4 KiB."""
    a, b, listener = pair
    stuck = []

    def write(stream):
        with contextlib.suppress(OSError):  # the end of the test
            stream.send_raw(MUCH)
    for _ in range(80):
        stream = Stream(a, timeout=60, id=b.id, port=WAIT)
        stuck.append((stream, listener.accept()[0], threading.Thread(target=write, args=(stream,))))
        stuck[-1][-1].start()
    assert sum(s["unread"] for s in standing(b)) > 16 * MIB, "rings of 512 KiB, each more than half full"
    some = MUCH[:64 * 1024]
    with Stream(a, timeout=60, id=b.id, port=CAT) as stream:
        writer = threading.Thread(target=lambda: (stream.send_raw(some), stream.finish()))
        writer.start()
        assert stream.all() == some
        writer.join()
    for stream, server, thread in stuck:
        stream.socket.shutdown(socket.SHUT_RDWR)
        thread.join()
        stream.close()
        server.close()
