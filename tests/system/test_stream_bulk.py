# SPDX-License-Identifier: BSD-2-Clause
"""Large files over five hops, by scp and through a forwarded port, as they are and with cables cut meanwhile. 1 GiB with ROMON_SOAK=1."""
import hashlib
import os
import socket
import subprocess
import threading

import pytest
from emulator import Emulated
from lab import Lab, wait
from openssh import sshd_or_skip
from streams import MIB, SOAK, Scissors
from test_ssh import Net

SIZE = (1024 if SOAK else 24) * MIB
TIMEOUT = 3600 if SOAK else 120


class Cabled(Lab):
    """Its lines are made of emulated cables."""

    def line(self, count, **options):
        return super().line(count, wire=Emulated(), **options)


def digest_of(stream):
    made, length = hashlib.sha256(), 0
    while piece := stream.read(MIB):
        made.update(piece)
        length += len(piece)
    return made.hexdigest(), length


@pytest.fixture(params=["whole", "cut"])
def net(request):
    """Six routers in a row, the last with an sshd and with cat; cut: somebody cuts the cables between them now and then."""
    lab = Cabled() if request.param == "cut" else Lab()
    try:
        made = Net(lab, sshd_or_skip(lab.folder / "sshd"))
        if request.param == "cut":
            with Scissors(lab.cables, cut=(0.1, 1), pause=(0.3, 2), seed=lab.emulator.seed) as scissors:
                yield made
            assert scissors.cuts > 0
        else:
            yield made
    finally:
        faults = lab.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def much(net):
    """A file, and its digest and length."""
    path = net.folder / "much"
    with path.open("wb") as out:
        for _ in range(SIZE // MIB):
            out.write(os.urandom(MIB))
    with path.open("rb") as stream:
        return path, digest_of(stream)


def test_scp(net, much):
    """There and back."""
    path, wanted = much
    config, there, back = net.client_config(), net.folder / "there", net.folder / "back"
    for words in ((path, f"root@n5.romon:{there}"), (f"root@n5.romon:{there}", back)):
        done = net.here("scp", "-q", "-F", config, "-o", "ConnectionAttempts=20", *words, timeout=TIMEOUT)
        assert done.returncode == 0, done.stderr
    for copy in (there, back):
        with copy.open("rb") as stream:
            assert digest_of(stream) == wanted


def test_forward(net, much):
    """To cat and back, at the same time."""
    path, wanted = much
    listener = net.folder / "forward"
    forward = subprocess.Popen(net.nodes[0].romon_line("forward", f"unix:{listener}", net.ids[5], "2000"), stderr=subprocess.PIPE)
    net.lab.processes.append(forward)
    wait(listener.exists, "the listener")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(TIMEOUT)
        wait(lambda: sock.connect_ex(str(listener)) == 0, "the listener takes us")

        def send():
            with path.open("rb") as stream:
                sock.sendfile(stream)
            sock.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        with sock.makefile("rb") as stream:
            assert digest_of(stream) == wanted
        sender.join()
    forward.terminate()
    assert (forward.wait(10), forward.stderr.read()) == (0, b"")
