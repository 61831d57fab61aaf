# SPDX-License-Identifier: BSD-2-Clause
"""Secrets are never shown: not by print, not in logs, captures, core dumps, other processes' view of memory and arguments, and not to
anybody but root. Whatever is searched for here is made of parts, so that a part would be found too."""
import os
import resource
import select
import signal
import subprocess
import termios
from pathlib import Path

import pytest
from hashed import neighbors, set_secrets, wait_proven
from lab import conf, sanitized, status, wait
from test_privileges import ROMON_GID, with_accounts
from test_secrets_restart import running

PARTS = ("Qz7first", "Xk4second", "Wv9third")
SECRET, NEXT = PARTS[0] + PARTS[1], PARTS[2]
VALUE = f'{SECRET},{NEXT}'


def shows_nothing(text, where):
    text = text if isinstance(text, bytes) else text.encode()
    assert [part for part in PARTS if part.encode() in text] == [], where


@pytest.fixture
def node(lab):
    made, other = lab.node("a"), lab.node("b")
    lab.connect(made, "eth0", other, "eth0")
    made.start(conf(f"identity=a secrets={VALUE}", f"add interface=eth* secrets={VALUE}\n"), options=["-v"])
    other.start(conf(f"identity=b secrets={VALUE}"))
    return made


def test_print_tells_only_how_many(node):
    for form in ([], ["--json"]):
        for command in (["print"], ["port", "print"], ["neighbors"], ["stats"]):
            shows_nothing(node.ok(*form, *command), command)
    for method in ("GetSettings", "GetPorts", "GetNeighbors", "GetStats"):
        shows_nothing(str(node.varlink(method)), method)
    assert node.json("print")["secrets"] == 2 and "(2 not shown)" in node.ok("print")
    assert "(2 not shown)" in node.ok("port", "print")
    assert node.json("print", "show-sensitive")["secrets"] == [SECRET, NEXT]
    assert f"secrets: {SECRET},{NEXT}" in node.ok("print", "show-sensitive")
    assert node.json("port", "print", "show-sensitive")["ports"][1]["secrets"] == [SECRET, NEXT]


def test_members_of_the_group_do_not_see_them(lab):
    node = lab.node("a")
    node.start(conf(f"secrets={VALUE}"), mounts=with_accounts(lab), ports=[])
    user = (12345, ROMON_GID)
    for command in (["print"], ["port", "print"]):
        done = node.romon(*command, "show-sensitive", user=user)
        assert (done.returncode, done.stdout) == (1, "") and "root" in done.stderr
        shown = node.romon(*command, user=user)
        assert shown.returncode == 0
        shows_nothing(done.stderr + shown.stdout, command)
    assert node.romon("set", "secrets=-", user=user).returncode != 0
    assert node.romon("neighbors", user=user).returncode == 0


# Misquoted in every way that somebody could think of.
A, B, C = PARTS
MISQUOTED = [f"{A} {B}={C}", f'"{A}', f"{A}${B}", f"{A},{B},{A}", f"{A} {B}", f'"{A}"{B}', f'{A}"{B}', f'"{A}" {B.lower()}={C}',
             f"({A} {B})", f"({A},{B}", f'"{A}\\Q{B}"', ",".join([A] * 9), A * 20, f"{A} secrets={B}", f"{A}\n    {B}={C}", f"{A}\x01{B}"]


def test_logs_and_messages_do_not_tell(node):
    """With -v, while secrets are changed, refused and reloaded; and what romon itself says of a misquoted one."""
    good = node.config.read_text()
    for number, bad in enumerate(MISQUOTED):
        done = node.romon("set", f"secrets={bad}")
        if "\n" in bad or " " in bad or done.returncode:
            assert done.returncode, bad
        shows_nothing(done.stderr.lower().replace(PARTS[1].lower(), PARTS[1]), bad)
        node.config.write_text(f"/tool romon\nset enabled=yes secrets={bad}\n")
        node.daemon.reload()
        wait(lambda: node.daemon.log.count(f"{node.config}") > number, "the file is refused")
    words = ["set", f"secrets={PARTS[0]}", PARTS[1]]
    shows_nothing(node.romon(*words).stderr, words)
    node.config.write_text(good)  # romond saves over no file that it has not read
    node.daemon.reload()
    wait(lambda: "the configuration was read anew" in node.daemon.log, "the good file is taken")
    set_secrets(node, f'"",{NEXT}')
    node.config.write_text(conf(f"identity=new secrets={NEXT}"))
    node.daemon.reload()
    wait(lambda: node.json("print")["identity"] == "new", "the new file is taken")
    assert "debug" in node.daemon.log
    shows_nothing(node.daemon.log.lower().replace(PARTS[1].lower(), PARTS[1]), "the log")


@pytest.mark.parametrize("bad", MISQUOTED[:4])
def test_a_refusal_at_the_start_does_not_tell(lab, bad):
    node = lab.node("a")
    node.start(f"/tool romon\nset enabled=yes secrets={bad}\n", expect=False, options=["-v"])
    assert node.daemon.process.wait(5) == 1
    node.daemon.killed = True
    assert f"{node.config}:2:" in node.daemon.log
    shows_nothing(node.daemon.log, "the log")


def test_the_capture_does_not_tell(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    a.start(conf(f"secrets={VALUE}"), pcap=a.folder / "frames.pcapng")
    b.start(conf(f"secrets={VALUE}"))
    wait_proven(a, b)
    a.discover()
    a.stop()
    written = (a.folder / "frames.pcapng").read_bytes()
    assert b"\x88\xbf" in written
    shows_nothing(written, "the capture")


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o600])
def test_the_configuration_is_for_root_alone(node, mode):
    """After a change: there may be secrets in it now, whatever was in it when somebody chose its mode."""
    node.config.chmod(mode)
    node.ok("set", f"secrets={NEXT}")
    found = node.config.stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o600, 0) and NEXT in node.config.read_text()


# Standard input

def test_a_list_comes_by_standard_input(node):
    """Neither argv nor environment of any process has it, while romon waits for it and while it is done."""
    with subprocess.Popen(node.romon_line("set", "secrets=-"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdin.write(f'"",{PARTS[2]}2\n')
        process.stdin.flush()
        seen = b"".join(read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))
        assert process.wait(5) == 0 and process.stderr.read() == ""
    shows_nothing(seen, "some argv")
    assert node.json("print", "show-sensitive")["secrets"] == ["", PARTS[2] + "2"]
    for form, expected in ((b"one,two", ["one", "two"]), (b'("a b")\r\n', ["a b"]), (b"\n", [])):
        done = subprocess.run(node.romon_line("port", "set", "1", "secrets=-"), input=form, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")
        assert node.json("port", "print", "show-sensitive")["ports"][1]["secrets"] == expected
    done = node.romon("set", "secrets=-")  # from /dev/null
    assert done.returncode == 2 and "standard input" in done.stderr


def read(path):
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


class Terminal:
    """A pseudo terminal with `romon set secrets=-` in it."""

    def __init__(self, node):
        self.master, self.slave = os.openpty()
        self.process = subprocess.Popen(node.romon_line("set", "secrets=-"), stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        start_new_session=True)
        self.text = ""
        wait(lambda: "secrets: " in self.read(), "the question")

    def read(self):
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 4096).decode()
        return self.text

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def test_a_terminal_does_not_echo_it(node):
    terminal = Terminal(node)
    assert not terminal.echoes()
    os.write(terminal.master, f"{VALUE}2\n".encode())
    assert terminal.process.wait(5) == 0 and terminal.echoes()
    shows_nothing(terminal.read(), "the terminal")
    assert node.json("print", "show-sensitive")["secrets"] == [SECRET, NEXT + "2"]
    terminal.close()


def test_the_echo_is_back_after_an_interruption(node):
    terminal = Terminal(node)
    os.killpg(terminal.process.pid, signal.SIGINT)
    assert terminal.process.wait(5) != 0 and terminal.echoes()
    assert node.json("print")["secrets"] == 2
    terminal.close()


# Memory

def test_memory_is_unreadable_and_locked(node):
    """By the very user that the worker runs as, and by everybody else without root's capabilities; and it does not go to the swap."""
    uid = int(status(node.daemon.worker())["Uid"].split()[0])
    for pid in (node.daemon.worker(), node.daemon.monitor()):
        limits = Path(f"/proc/{pid}/limits").read_text()
        soft, hard = next(line for line in limits.splitlines() if "core file" in line).split()[4:6]
        assert soft == "0" and (hard == "0" or pid != node.daemon.worker()), "the monitor's programs get their limit back"
        if sanitized():
            continue  # LeakSanitizer needs what the rest takes away
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0, "not dumpable"
        for name in ("mem", "maps", "environ", "auxv"):
            done = subprocess.run(node.command("head", "-c1", f"/proc/{pid}/{name}", user=(uid, uid)), capture_output=True, text=True)
            assert done.returncode and "Permission denied" in done.stderr, name
        locked, whole = (int(status(pid)[name].split()[0]) for name in ("VmLck", "VmSize"))
        assert locked == whole or (locked > 0 and "RLIMIT_MEMLOCK" in node.daemon.log), "all of it, or the log says why not"


@pytest.mark.parametrize("victim", ["worker", "monitor"])
def test_a_crash_leaves_no_core(lab, victim, monkeypatch):
    """Although whoever started it wants cores."""
    node, folder = lab.node("a"), lab.folder / "cores"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    monkeypatch.chdir(folder)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        node.start(conf(f"secrets={VALUE}"), ports=[])
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    pids = node.daemon.pids()
    node.daemon.kill(getattr(node.daemon, victim)(), signal.SIGABRT if sanitized() else signal.SIGSEGV)
    wait(lambda: not any(running(pid) for pid in pids), "both are gone")
    assert list(folder.iterdir()) == []


# romon neighbors

def test_neighbors(node):
    other = next(n for n in node.lab.nodes if n.name == "b")
    wait_proven(node, other)
    wait(lambda: node.discover("100ms") and node.json("neighbors")["neighbors"][0]["secret"] == 0, "it has said who it is")
    told, = node.json("neighbors")["neighbors"]
    last = told.pop("last-seen")
    assert 0 <= last < 60 and told == {"interface": "eth0", "mac": other.mac("eth0").upper(), "address": other.id, "hashed": True,
                                       "secret": 0, "proven": [0, 1]}
    lines = node.ok("neighbors").splitlines()
    assert lines[0] == "Flags: H - hashed" and lines[1].startswith("Columns: INTERFACE, MAC, ADDRESS, SECRET, PROVEN")
    assert lines[-1].split() == ["H", "eth0", other.mac("eth0").upper(), other.id, "0", "0,1"]
    other.stop()
    assert node.json("neighbors")["neighbors"], "for a minute it is remembered"
    node.ip("link", "del", "eth0")
    wait(lambda: neighbors(node) == {}, "a neighbour goes with its port")
    node.ok("set", "enabled=no")
    done = node.romon("neighbors")
    assert done.returncode == 1 and "RoMON not running" in done.stderr
