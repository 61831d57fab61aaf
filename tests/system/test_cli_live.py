# SPDX-License-Identifier: BSD-2-Clause
"""romon discover on a terminal: a pseudo terminal takes the place of the window, and a daemon of the tests' own making that of
romond. What is drawn is read frame by frame; each begins at the upper left corner."""
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time

import pytest

from fake_romond import FakeRomond
from lab import ROMON
from test_cli import A, ROUTER, environment

HOME, TAKE, GIVE = "\x1b[H", "\x1b[?1049h", "\x1b[?1049l"


class Window:
    """A pseudo terminal with romon in it."""

    def __init__(self, *words, rows=24, columns=120, terminal="xterm"):
        self.master, slave = os.openpty()
        self.resize(rows, columns)
        self.modes = termios.tcgetattr(slave)
        self.text = ""

        def own():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that ^C and a new size become signals

        self.process = subprocess.Popen([ROMON, *words], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=own, env={**environment(), "TERM": terminal})
        os.set_blocking(self.master, False)
        self.slave = slave  # kept open: the modes are to be read after the end

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.master, keys.encode())

    def read(self):
        try:
            self.text += os.read(self.master, 65536).decode()
        except BlockingIOError:
            time.sleep(0.005)
        return self.text

    def wait(self, condition, what):
        end = time.monotonic() + 10
        while not condition(self.read()):
            assert time.monotonic() < end, f"{what}; the terminal shows {self.text!r}"

    def wait_screen(self, condition, what):
        self.wait(lambda _: self.frames() and condition(self.frames()[-1]), what)

    def frames(self):
        """The whole frames drawn so far, each a list of lines."""
        return [re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", frame.split("\x1b[J")[0]).split("\r\n")
                for frame in self.text.split(HOME)[1:] if "\x1b[J" in frame]

    def end(self):
        """The exit status, and what stands on the usual screen afterwards."""
        status = self.process.wait(10)
        while True:
            before = len(self.text)
            if len(self.read()) == before:
                return status, self.text.rsplit(GIVE, 1)[-1].replace("\r\n", "\n")

    def is_restored(self):
        """Are the modes, the usual screen, the cursor and the wrapping of lines as before?"""
        count = self.text.count
        return (termios.tcgetattr(self.slave) == self.modes and count(TAKE) == count(GIVE) > 0 and
                count("\x1b[?25l") == count("\x1b[?25h") and count("\x1b[?7l") == count("\x1b[?7h"))

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def daemon(tmp_path):
    """Answers Discover with the tables in daemon.tables, each when daemon.next() is called, and then waits."""
    made = FakeRomond(tmp_path / "socket")
    steps = threading.Semaphore(1)

    def discover(connection, _):
        for table in made.tables:
            steps.acquire()
            connection.reply({"routers": table}, continues=True)
        steps.acquire()
        made.last(connection)

    made.tables, made.next = [[ROUTER]], steps.release
    made.last = lambda connection: None
    made.answers["Discover"] = discover
    yield made
    made.next()
    made.close()
    assert made.faults == []


@pytest.fixture
def window(daemon):
    opened = []

    def open_window(*words, **options):
        opened.append(Window("-s", daemon.path, *(words or ("discover",)), **options))
        return opened[-1]

    yield open_window
    for each in opened:
        each.close()


def routers(count):
    return [{**ROUTER, "address": f"02:00:00:00:00:{n:02X}", "path": [f"02:00:00:00:00:{n:02X}"]} for n in range(count)]


def test_redrawn_until_q(daemon, window):
    daemon.tables = [[], [ROUTER]]
    screen = window()
    screen.wait_screen(lambda lines: lines[-1] == "-- [Q quit]" and len(lines) == 4, "the empty table")
    daemon.next()
    screen.wait_screen(lambda lines: any(line.startswith("A  " + A) for line in lines), "the new router")
    assert daemon.calls == [("Discover", {}, True)]
    assert screen.process.poll() is None
    screen.type("xq")
    status, rest = screen.end()
    assert status == 0 and screen.is_restored()
    assert rest.splitlines()[3].startswith("A  " + A)  # the last table stays


@pytest.mark.parametrize("number, status", [
    (signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGQUIT, -signal.SIGQUIT),
])
def test_signals_give_the_screen_back(window, number, status):
    screen = window()
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    screen.process.send_signal(number)
    assert screen.end()[0] == status
    assert screen.is_restored()


def test_interrupt_key(window):
    screen = window()
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    screen.type("\x03")
    assert screen.end()[0] == 0 and screen.is_restored()


def test_suspended_and_continued(window):
    screen = window()
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    screen.process.send_signal(signal.SIGTSTP)
    screen.wait(lambda _: GIVE in screen.text, "the screen given back")
    # An orphaned process group ignores the stop: the screen is taken again either way.
    screen.process.send_signal(signal.SIGCONT)
    screen.wait(lambda text: text.count(TAKE) == 2 and text.rindex(HOME) > text.rindex(TAKE), "the screen again")
    screen.type("q")
    assert screen.end()[0] == 0 and screen.is_restored()


def test_taller_than_the_window(daemon, window):
    daemon.tables = [routers(30)]
    screen = window(rows=10)
    screen.wait_screen(lambda lines: lines[-1] == "-- [Q quit] 24 more routers, in a taller window", "24 more")
    assert len(screen.frames()[-1]) == 10
    screen.resize(20, 60)
    screen.wait_screen(lambda lines: lines[-1] == "-- [Q quit] 14 more routers, in a taller window", "14 more")
    assert len(screen.frames()[-1]) == 20
    screen.resize(2, 5)
    screen.wait_screen(lambda lines: "29 more" in lines[-1], "29 more")
    screen.resize(50, 60)
    screen.wait_screen(lambda lines: lines[-1] == "-- [Q quit]" and len(lines) == 34, "all")
    screen.type("q")
    assert len(screen.end()[1].splitlines()) == 33


def test_long_path_is_not_cut_in_two(daemon, window):
    daemon.tables = [[*routers(2), {**ROUTER, "path": [A] * 5}, ROUTER]]
    screen = window(rows=10)
    screen.wait_screen(lambda lines: "2 more routers" in lines[-1] and len(lines) == 6, "two rows, and two more")


def test_duration(daemon, window):
    daemon.last = lambda connection: connection.reply({"routers": routers(2)})
    screen = window("discover", "duration=2s")
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    daemon.next()
    status, rest = screen.end()
    assert status == 0 and screen.is_restored()
    assert len(rest.splitlines()) == 5
    assert daemon.calls == [("Discover", {"duration": 2.0}, True)]


def test_disabled_meanwhile(daemon, window):
    daemon.last = lambda connection: connection.error("NotRunning")
    screen = window()
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    daemon.next()
    assert screen.end() == (1, "failure: RoMON not running: switch it on with `romon set enabled=yes`\n")
    assert screen.is_restored()


def test_daemon_gone_meanwhile(daemon, window):
    screen = window()
    screen.wait_screen(lambda lines: len(lines) == 5, "the table")
    daemon.connections[0].shutdown(2)
    status, rest = screen.end()
    assert status == 3 and "closed the connection" in rest and screen.is_restored()


@pytest.mark.parametrize("words, terminal", [(["discover", "-j"], "xterm"), (["discover"], "dumb")])
def test_not_live(daemon, window, words, terminal):
    daemon.answers["Discover"] = {"routers": [ROUTER]}
    screen = window(*words, terminal=terminal)
    status, rest = screen.end()
    assert status == 0 and A in rest
    assert "\x1b" not in screen.text
    assert daemon.calls == [("Discover", {"duration": 3.0}, False)]


def test_hostile_name_on_the_screen(daemon, window):
    daemon.tables = [[{**ROUTER, "identity": "\x1b]0;owned\x07\u202e"}]]
    screen = window()
    screen.wait_screen(lambda lines: any(r"\x1b]0;owned\x07\u202e" in line for line in lines), "the name, escaped")
    assert "\x1b]" not in screen.text and "\u202e" not in screen.text
