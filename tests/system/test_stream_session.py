# SPDX-License-Identifier: BSD-2-Clause
"""A terminal session of a real OpenSSH while cables are cut: it moves to the other way and loses nothing, and ends with a message where
there is no way left."""
import contextlib
import os
import pty
import select
import subprocess
import time

import pytest
from emulator import Emulated
from lab import PORTS, conf, wait
from openssh import keygen, sshd_or_skip
from streams import SOAK, ring

# What the far shell does: says each line that it gets, without the terminal's own echo.
SCRIPT = "stty -echo; echo ready; while read -r line; do echo \"got $line\"; done; echo bye"


@pytest.fixture
def net(lab):
    """The ring of streams.py, with an sshd at its far end; near's options for ssh are lab.options."""
    folder, server = lab.folder, sshd_or_skip(lab.folder / "sshd")
    (folder / "authorized").write_text(" ".join(keygen(folder / "key")) + "\n")
    keygen(folder / "hostkey")
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/hostkey\nAuthorizedKeysFile {folder}/authorized\nPermitRootLogin prohibit-password\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPrintMotd no\nPrintLastLog no\n")
    lab.options = ["-F", "none", "-i", folder / "key", "-oBatchMode=yes", f"-oUserKnownHostsFile={folder}/known",
                   "-oGlobalKnownHostsFile=none", "-oStrictHostKeyChecking=accept-new", "-tt"]
    nodes = ring(lab, Emulated(delay=0.002))
    far = nodes[-1]
    far.config.write_text(conf(f"identity={far.name} board=lab", PORTS) + "/tool romon service\n"
                          f'set [find name=ssh] to="exec:{server} -i -f {folder}/sshd_config" disabled=no\n')
    far.daemon.reload()
    wait(lambda: any(s["name"] == "ssh" and not s["disabled"] for s in far.varlink("GetServices")["services"]), "ssh is a service")
    return nodes


class Session:
    """ssh in a terminal of its own."""

    def __init__(self, lab, near, far):
        self.near, (self.terminal, side) = near, pty.openpty()
        self.process = subprocess.Popen(near.romon_line("ssh", far.id, "user=root", f"command={SCRIPT}", "--", *lab.options),
                                        stdin=side, stdout=side, stderr=side, start_new_session=True)
        lab.processes.append(self.process)
        os.close(side)
        self.said = b""
        self.until(b"ready\r\n")

    def read(self, seconds):
        """Takes what comes within that time. False: the terminal has been closed."""
        if select.select([self.terminal], [], [], seconds)[0]:
            try:
                data = os.read(self.terminal, 65536)
            except OSError:
                return False
            self.said += data
            return bool(data)
        return True

    def until(self, text, seconds=30):
        end = time.monotonic() + seconds
        while text not in self.said:
            assert time.monotonic() < end and self.read(0.1), f"{text} does not come, but {self.said[-500:]}"

    def type(self, number):
        os.write(self.terminal, b"%d\n" % number)

    def close(self):
        os.close(self.terminal)


@contextlib.contextmanager
def session(lab, near, far):
    made = Session(lab, near, far)
    try:
        yield made
    finally:
        made.close()


def carried(lab):
    """Frames over the upper and the lower way so far."""
    counters = lab.emulator.counters()
    return [sum(counters[cable.name][way]["passed"] for way in "<>") for cable in (lab.cables[1], lab.cables[3])]


def test_it_moves_to_the_other_way(lab, net):
    """One number after the other, each typed when the one before has come back; now this way is cut, then that."""
    near, upper, lower, far = net
    with session(lab, near, far) as shell:
        number, longest = 0, 0

        def say(count):
            nonlocal number, longest
            for _ in range(count):
                number += 1
                begin = time.monotonic()
                shell.type(number)
                shell.until(b"got %d\r\n" % number)
                longest = max(longest, time.monotonic() - begin)

        def way():
            """Which of the two the session takes now."""
            before = carried(lab)
            say(20)
            frames = [after - was for after, was in zip(carried(lab), before)]
            assert max(frames) >= 40 > 20 > min(frames), "it takes one of them"
            return frames.index(max(frames))
        for _ in range(6 if SOAK else 2):
            used = way()
            cable = lab.cables[2 * used + 1]
            cable.cut()
            say(1)
            assert way() != used
            cable.heal()
        print(f"at most {longest:.2f} s until the next number came back")
        # test_stream_heal.c holds it to 3 s in its own time; here the machine may have others to serve, but when it runs for long.
        assert longest < (3 if SOAK else 10), "seconds until the next number came back"
        os.write(shell.terminal, b"\x04")
        shell.until(b"bye\r\n")
        assert shell.process.wait(20) == 0
        numbers = [int(line[4:]) for line in shell.said.split(b"\r\n") if line.startswith(b"got ")]
        assert numbers == list(range(1, number + 1)), "each line once, in order"


def test_what_is_typed_meanwhile_is_not_lost(lab, net):
    """Both ways are cut for a while, which is less than 15 s."""
    near, upper, lower, far = net
    with session(lab, near, far) as shell:
        for cable in lab.cables:
            cable.cut()
        for number in range(100):
            shell.type(number)
        (stream,) = near.varlink("GetStreams")["streams"]
        resent = stream["resent"]
        wait(lambda: near.varlink("GetStreams")["streams"][0]["resent"] >= resent + 4, "some timeouts", 12)
        before = carried(lab)
        lab.cables[3].heal()
        lab.cables[2].heal()
        shell.until(b"got 99\r\n")
        assert [line for line in shell.said.split(b"\r\n") if line.startswith(b"got ")] == [b"got %d" % n for n in range(100)]
        assert [after > was for after, was in zip(carried(lab), before)] == [False, True]


def test_it_ends_where_no_way_is_left(lab, net):
    near, upper, lower, far = net
    with session(lab, near, far) as shell:
        target = far.id
        for cable in lab.cables:
            cable.cut()
        begin = time.monotonic()
        shell.type(1)
        assert shell.process.wait(60) == 255
        assert time.monotonic() - begin > 14
        while shell.read(1) and b"ended" not in shell.said:
            pass
        assert f"romon: the connection to {target} ended: timeout\r\n".encode() in shell.said
        (end,) = near.json("streams", "ended")["ended"]
        assert (end["address"], end["port"], end["reason"]) == (target, 3, "timeout")
        assert f"connection to {target} port 3 ended" in near.daemon.log and "(timeout)" in near.daemon.log
