# SPDX-License-Identifier: BSD-2-Clause
"""An agent that runs RouterOS, by a stand-in (routeros.py) that prints what MikroTik's page shows, and other things that versions and
strangers might. The ssh here is none: it runs the stand-in, as RouterOS's sshd would. (test_agent.py has it behind a real one.)"""
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios
import threading
from pathlib import Path

import pytest

import routeros
from lab import wait
from test_agent_cli import OPTIONS, Client

HEX = "6C:3B:6B:48:0E:8B"
STAND_IN = Path(routeros.__file__).resolve()


@pytest.fixture
def client(tmp_path):
    made = Client(tmp_path, "/nowhere")
    made.log = tmp_path / "log"

    def router(*modes):
        made.serve(f'export ROUTEROS_LOG="{made.log}"; for SSH_ORIGINAL_COMMAND; do :; done; export SSH_ORIGINAL_COMMAND\n'
                   f'exec /usr/bin/python3 "{STAND_IN}" {" ".join(modes)}')
        return made
    made.router = router
    return router()


def commands(client):
    """What was run there."""
    return client.log.read_text().splitlines() if client.log.exists() else []


def through(client, *words, status=0):
    done = client.run("-A", "ros:admin@192.168.88.1", *words)
    assert done.returncode == status, done.stderr
    return done.stdout


def routers(client, *words):
    return json.loads(through(client, "-j", "discover", *words))["routers"]


def test_discover(client):
    """The page's listing, as JSON and as the table that romond's own is shown as."""
    found = routers(client, "duration=1s")
    assert len(found) == 7
    assert found[0] == {"address": HEX, "active": True, "cost": 200, "hops": 1, "path": [HEX], "l2mtu": 1500, "identity": "hEX",
                        "version": "6.47beta7", "board": "RB750Gr3", "uptime": None, "last-seen": None}
    assert [(r["identity"], r["board"]) for r in found[1:4]] == [
        ("CCR1009", "CCR1009-7G-1C-1S+"), ("4K11", "RB4011iGS+5HacQ2HnD"), ("CCR1036", "CCR1036-8G-2S+")]
    assert client.asked() == [*OPTIONS, "-l", "admin", "--", "192.168.88.1", "/tool/romon/discover duration=1s"]
    shown = through(client, "discover", "duration=1s").splitlines()
    assert shown[2].split()[:2] == ["ADDRESS", "COST"]
    assert shown[3].split() == ["A", HEX, "200", "1", HEX, "1500", "hEX", "6.47beta7", "RB750Gr3"]


@pytest.mark.parametrize("modes", [["colours"], ["strict", "colours"], ["endless", "colours"]])
def test_discover_of_other_versions(client, modes):
    """Escape sequences and an echo; a table that comes again and again; an argument that is not known."""
    plain = routers(client, "duration=1s")
    assert len(plain) == 7
    client.router(*modes)
    assert routers(client, "duration=1s") == plain
    assert commands(client)[1:] == ["/tool/romon/discover duration=1s"] + ["/tool/romon/discover"] * ("strict" in modes)


def test_discover_of_an_old_one(client):
    client.router("old")
    one, two = routers(client)
    assert (one["active"], one["cost"], one["hops"], one["path"]) == (True, 200, 1, ["00:22:00:00:00:02"])
    assert (two["active"], two["cost"], two["path"]) == (False, 400, ["00:22:00:00:00:02", "01:02:03:04:05:06"])
    assert one["identity"] is two["version"] is two["board"] is None


def test_discover_of_strangers(client):
    client.router("far")
    found = {r["address"][-2:]: r for r in routers(client)}
    assert [found[n]["identity"] for n in ("01", "02", "04", "05", "06")] == ["twice", "the  old barn's 1", "twice", None, "müll"]
    assert found["02"]["path"] == [f"02:00:00:00:00:{n}" for n in ("01", "03", "02")]
    assert (found["02"]["cost"], found["02"]["l2mtu"], found["02"]["board"]) == (1200, 900, "RB 750")
    assert [(found[n]["version"], found[n]["board"]) for n in ("04", "05", "06")] == [(None, None), ("7.13", None), ("7.13", "x86")]


@pytest.mark.parametrize("modes, reason", [
    (["off"], "RoMON not running"), (["off", "colours"], "RoMON not running"),
])
def test_errors_of_its_own(client, modes, reason):
    client.router(*modes)
    for words in (["discover"], ["ping", HEX, "count=1"], ["ping", "hEX", "count=1"], ["ssh", "hEX"]):
        assert reason in client.no("-A", "ros:r", *words, status=1)


def test_nobody(client):
    client.router("empty")
    assert routers(client) == []
    client.serve("exit 0")
    assert routers(client) == []
    client.serve("exit 255")
    assert "does not reach the agent ros:r" in client.no("-A", "ros:r", "discover", status=3)
    assert "does not reach the agent ros:r" in client.no("-A", "ros:r", "ping", HEX, status=3)


def ping(client, *words, status=0):
    *replies, totals = [json.loads(line) for line in through(client, "-j", "ping", *words, status=status).splitlines()]
    return [(r["seq"], r["host"], r["time"], r["status"], r["size"]) for r in replies], totals


def test_ping(client):
    replies, totals = ping(client, HEX, "count=5", "size=64", "interval=20ms")
    assert replies == [(0, HEX, 0.412, "ok", 64), (1, HEX, 1.0, "ok", 64), (2, HEX, 1.0, "ok", 64), (3, HEX, None, "timeout", 64),
                       (4, HEX, 1.0, "ok", 64)]
    assert totals == {"sent": 5, "received": 4, "packet-loss": 20, "min-rtt": 0.412, "avg-rtt": 0.853, "max-rtt": 1.0}
    assert commands(client) == [f"/tool/romon/ping id={HEX} count=5 size=64 interval=20ms"]
    shown = through(client, "ping", HEX, "count=1").splitlines()
    assert shown[1].split() == ["0", HEX, "412us"] and shown[2].split()[:3] == ["sent=1", "received=1", "packet-loss=0%"]


def test_ping_many(client):
    """Titles and totals stand between."""
    replies, totals = ping(client, HEX, "count=50", "interval=1ms")
    assert [r[0] for r in replies] == list(range(50)) and (totals["sent"], totals["received"]) == (50, 49)


def test_ping_by_identity(client):
    """It is looked up, and only the ID is told to RouterOS."""
    replies, _ = ping(client, "hAP", "count=1")
    assert replies == [(0, "E4:8D:8C:49:49:DB", 0.412, "ok", None)]
    assert commands(client) == ["/tool/romon/discover duration=3s", "/tool/romon/ping id=E4:8D:8C:49:49:DB count=1"]
    client.router("far")
    assert "no router is called" in client.no("-A", "ros:r", "ping", "id=x\" count=9; /system/reboot", "count=1",
                                                    status=1)
    assert "02:00:00:00:00:01, 02:00:00:00:00:04" in client.no("-A", "ros:r", "ping", "twice", "count=1", status=1)
    assert ping(client, "the  old barn's 1", "count=1")[1]["received"] == 1


def test_ping_without_an_answer(client):
    replies, totals = ping(client, "02:00:00:00:00:99", "count=2", status=1)
    assert [r[2:4] for r in replies] == [(None, "timeout")] * 2
    assert (totals["packet-loss"], totals["min-rtt"]) == (100, None)


def test_endless_ping(client):
    """Replies come as they are made; ^C here ends it there."""
    process = subprocess.Popen(client.line("-A", "ros:r", "-j", "ping", HEX), stdout=subprocess.PIPE, env=client.environment)
    with process.stdout:
        assert [json.loads(process.stdout.readline())["seq"] for _ in range(3)] == [0, 1, 2]
        process.send_signal(signal.SIGINT)
        assert json.loads(process.stdout.read().splitlines()[-1])["received"] >= 3
    assert process.wait(10) == 0
    wait(lambda: not running(client), "RouterOS's end ends")


def running(client):
    """The stand-ins that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"ROUTEROS_LOG={client.log}".encode() in path.read_bytes().split(b"\0"):
                found.append(path.parent.name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("words, command", [
    ([HEX], f"address={HEX}"), ([HEX.lower(), "user=admin"], f"address={HEX} user=admin"), (["hEX", "user=a.b-c_d+e@f"],
                                                                                          f"address={HEX} user=a.b-c_d+e@f"),
])
def test_ssh(client, words, command):
    client.serve(f'for SSH_ORIGINAL_COMMAND; do :; done; export SSH_ORIGINAL_COMMAND; case "$SSH_ORIGINAL_COMMAND" in\n'
                 f'*ssh*) exit 7;; esac; exec /usr/bin/python3 "{STAND_IN}"')
    done = client.run("-A", "ros:admin@192.168.88.1:2222", "ssh", *words)
    assert (done.returncode, done.stdout, done.stderr) == (7, "", "")
    told = client.asked()[-(len(OPTIONS) + 7):]
    assert told == ["-tt", *OPTIONS[1:], "-l", "admin", "-p", "2222", "--", "192.168.88.1", f"/tool/romon/ssh {command}"]


@pytest.mark.parametrize("words", [
    ["ssh"], ["ssh", HEX, "user="], ["ssh", HEX, "user=-x"], ["ssh", HEX, "user=a b"], ["ssh", HEX, "user=a;/system/reboot"],
    ["ssh", HEX, 'user=a"b'], ["ssh", HEX, "user=a\nb"], ["ssh", HEX, "user=$x"], ["ssh", HEX, "user=" + "x" * 64],
    ["ssh", HEX, "command=uptime"], ["ssh", HEX, "--", "-v"], ["ping", HEX, "count=0"], ["ping", HEX, "count=1 size=2"],
    ["ping", HEX, "interval=1;x"], ["discover", "duration=1;x"], ["print"], ["map"], ["connect", HEX, "ssh"],
    ["forward", "0", HEX, "winbox"], ["winbox", HEX], ["inventory", "--list"], ["set", "enabled=yes"],
])
def test_wrong_usage(client, words):
    client.no("-A", "ros:admin@192.168.88.1", *words)
    assert commands(client) == [] and not client.record.exists()


@pytest.mark.parametrize("text", ["ros:", "ros:-x", "ros:@h", "ros:a b", "ros:ros:h", "ros:h:x", "ros:-oProxyCommand=x"])
def test_no_agent(client, text):
    assert "is no agent" in client.no("-A", text, "discover")
    client.no("agent", "add", "x", text)
    assert not client.record.exists()


def test_saved(client):
    client.ok("agent", "add", "gw", "ros:admin@192.168.88.1")
    assert json.loads(client.ok("-j", "agent", "print"))["agents"] == [{"name": "gw", "agent": "ros:admin@192.168.88.1"}]
    assert len(json.loads(client.ok("-A", "gw", "-j", "discover"))["routers"]) == 7


@pytest.mark.parametrize("text", [
    rb"\0\0\n", rb"\377\376 x\n", "x" * 10000, rb"ADDRESS\n" + b"x" * 10000, rb"   ADDRESS  COS\nA  6C:3B:6B:48:0E:8B  200\n",
    rb"   ADDRESS  COS\n6C:3B:6B:48:0E:8B\nA 6C:3B:6B:48:0E:8B 99999999999 1 6C:3B:6B:48:0E:8B 1500\n",
    rb"SEQ\n0\n1 x y z\nsent= received=\nsent=99999999999999 received=1\n", rb"\033[", rb"\033",
])
def test_nonsense(client, text):
    """Nothing of it is taken for a router or an answer, and it ends."""
    (client.folder / "said").write_bytes((text if isinstance(text, bytes) else text.encode()).decode("unicode_escape").encode("latin-1"))
    client.serve(f"cat '{client.folder}/said'")
    done = client.run("-A", "ros:r", "-j", "discover")
    assert done.returncode in (0, 1) and (done.returncode or json.loads(done.stdout) == {"routers": []}), done.stderr
    done = client.run("-A", "ros:r", "-j", "ping", HEX, "count=1")
    assert done.returncode == 1 and all(json.loads(line).get("received", 0) == 0 for line in done.stdout.splitlines())


def test_identities_that_are_no_text(client):
    table = routeros.TABLE.replace("hEX     ", "h\udcffX\x9b[2J")
    (client.folder / "said").write_bytes(table.encode("utf-8", "surrogateescape"))
    client.serve(f"cat '{client.folder}/said'")
    assert routers(client)[0]["identity"][:3] == "h?X"


def test_live(client):
    """ssh has the terminal until there is a table, as it may have to ask for a password; then that is followed until q is pressed."""
    client.serve(client.program.read_text().partition("\n")[2].replace("exec ", (
        "printf 'password: ' >/dev/tty; read -r line </dev/tty; [ \"$line\" = secret ] || exit 255\nexec ")))
    leader, follower = os.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(client.line("-A", "ros:r", "discover"), stdin=follower, stdout=follower, stderr=follower,
                               env={**client.environment, "TERM": "xterm"}, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(follower)
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    data = b""
    while not data.endswith(b"password: "):
        data += os.read(leader, 1)
    assert data == b"password: ", "nothing else was on the screen"
    os.write(leader, b"secret\r")
    while b"Q quit" not in data or b"RB962UiGS-5HacT2HnT" not in data:
        data += os.read(leader, 4096)
    os.write(leader, b"q")
    try:
        while part := os.read(leader, 4096):
            data += part
    except OSError:
        pass  # the terminal has ended
    assert process.wait(10) == 0 and data.rstrip().endswith(b"RB962UiGS-5HacT2HnT")
    watchdog.cancel()
    os.close(leader)
    wait(lambda: not running(client), "RouterOS's end ends")
