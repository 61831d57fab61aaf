# SPDX-License-Identifier: BSD-2-Clause
"""romon as a client of agents for WinBox: -A winbox:, winbox-probe, and winbox --romon. The agent is ours; in what it answers, the tests in
Python (test_winbox_agent.py) have seen it to be one."""
import json
import os
import pty
import re
import socket
import subprocess
import threading

import pytest
from agent_lab import AgentNode
from lab import conf, wait
from wire import namespace

SOAK = bool(os.environ.get("ROMON_SOAK"))


@pytest.fixture(scope="module")
def network(module_lab):
    a, b, c = module_lab.line(3)
    agent = AgentNode(a)
    module_lab.start(b, c, configs={n.name: conf(f"identity={n.name} board=lab") for n in (b, c)})
    (module_lab.folder / "password").write_text("secret\n")
    return agent, b, c


def romon(agent, *arguments, password="password", stdin=None, variables=None, timeout=60):
    """The command, without a romond of its own, in the namespace of the agent."""
    env = {**os.environ, "HOME": str(agent.node.lab.folder), **(variables or {})}
    if password:
        env["ROMON_PASSWORD_FILE"] = str(agent.node.lab.folder / password)
    return subprocess.run(agent.node.command(agent.node.lab.romon, *arguments), input=stdin, capture_output=True, text=True, env=env,
                          timeout=timeout, **({} if stdin else {"stdin": subprocess.DEVNULL}))


AGENT = "winbox:noc@127.0.0.1"


def test_discover(network):
    agent, b, c = network
    wait(lambda: len(agent.node.discover()) == 2, "both are known", 10)
    done = romon(agent, "--json", "-A", AGENT, "discover", "duration=2s")
    assert done.returncode == 0, done.stderr
    told = {r["address"]: r for r in json.loads(done.stdout)["routers"]}
    own = agent.node.discover("1500ms")
    assert set(told) == set(own) == {b.id, c.id}
    for address, router in told.items():
        for name in ("active", "cost", "hops", "path", "l2mtu", "identity", "version", "board"):
            assert router[name] == own[address][name], name
    assert "ADDRESS" in romon(agent, "-A", AGENT, "discover", "duration=1s").stdout


def test_ping(network):
    agent, b, _ = network
    done = romon(agent, "--json", "-A", AGENT, "ping", b.id, "count=3", "interval=100ms", "size=100")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and [line["seq"] for line in lines[:-1]] == [0, 1, 2], done.stderr
    assert {(line["host"], line["size"], line["status"]) for line in lines[:-1]} == {(b.id, 100, "ok")}
    assert (lines[-1]["sent"], lines[-1]["received"], lines[-1]["packet-loss"]) == (3, 3, 0)
    done = romon(agent, "--json", "-A", AGENT, "ping", "n2", "count=1")
    assert done.returncode == 0 and json.loads(done.stdout.splitlines()[-1])["received"] == 1, "by its identity"
    done = romon(agent, "--json", "-A", AGENT, "ping", "00:00:5E:00:53:99", "count=1")
    assert done.returncode == 1 and json.loads(done.stdout.splitlines()[0])["status"] == "timeout"
    done = romon(agent, "-A", AGENT, "ping", "nobody", "count=1")
    assert done.returncode == 1 and "no router is called" in done.stderr


def test_ports_and_what_cannot_be(network):
    agent = network[0]
    assert json.loads(romon(agent, "--json", "-A", AGENT, "port", "print").stdout) == {"ports": []}
    done = romon(agent, "-A", AGENT, "set", "enabled=no")
    assert done.returncode == 2 and "cannot be done through" in done.stderr


@pytest.mark.parametrize("where, words", [
    ("winbox:nobody@127.0.0.1", "invalid user name or password"), ("winbox:noc@127.0.0.1:9", "Connection refused"),
    ("winbox:noc@127.0.0.2:1", "Connection refused"), ("winbox:noc+r@127.0.0.1", None)])
def test_agents_that_do_not_let_us_in(network, where, words):
    done = romon(network[0], "-A", where, "discover", "duration=1s")
    if words:
        assert done.returncode == 3 and words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    else:
        assert done.returncode == 0, done.stderr


def test_passwords(network):
    """From a file, a command, standard input and the terminal; never from the command line."""
    agent = network[0]
    discover = ("-A", AGENT, "discover", "duration=1s")
    assert romon(agent, *discover, password=None, stdin="secret\n").returncode == 0
    assert romon(agent, *discover, password=None, variables={"ROMON_PASSWORD_COMMAND": "echo secret"}).returncode == 0
    for variables in ({"ROMON_PASSWORD_COMMAND": "echo secret; false"}, {"ROMON_PASSWORD_FILE": "/nonexistent"}, {}):
        done = romon(agent, *discover, password=None, variables=variables)
        assert done.returncode == 3 and "password" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    near, far = pty.openpty()
    process = subprocess.Popen(agent.node.command(agent.node.lab.romon, *discover), stdin=far, stdout=subprocess.PIPE, stderr=far,
                               env={key: value for key, value in os.environ.items() if not key.startswith("ROMON_PASS")}, text=True)
    os.close(far)
    said = b""
    while b"password of noc at 127.0.0.1: " not in said:
        said += os.read(near, 1000)
    os.write(near, b"secret\n")
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0 and "ADDRESS" in out
    os.close(near)


def test_probe(network):
    done = romon(network[0], "--json", "winbox-probe", "noc@127.0.0.1")
    steps = {step["step"]: step for step in json.loads(done.stdout)["steps"]}
    assert done.returncode == 0, done.stdout
    assert all(step["ok"] for step in steps.values())
    assert steps["romon"]["answer"] == "empty" and steps["romon settings"]["answer"] == "1/0 65/6"
    assert re.match(r"fe0002/21=\d+x\{fe0001/1 1/6 2/1 3/1 4/22 5/1 6/4 7/4 8/4 9/1 a/0\}", steps["discover poll"]["answer"])
    done = romon(network[0], "winbox-probe", "nobody@127.0.0.1")
    assert done.returncode == 1 and re.search(r"^login +no +it says: invalid user name or password \(6\)$", done.stdout, re.M)
    done = romon(network[0], "winbox-probe", "noc@127.0.0.1:9")
    assert done.returncode == 1 and done.stdout.startswith("connect")


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", b"\x31\x06" + bytes(49), b"\xff\x06" + b"a" * 255, b"\x05\x06\x1b[31m"])
def test_servers_that_are_none(network, answer):
    agent = network[0]
    with namespace(agent.node.netns):
        server = socket.create_server(("127.0.0.5", 0))

    def serve():
        for _ in range(3):
            try:
                connection, _ = server.accept()
            except OSError:
                return
            connection.recv(1000)
            connection.sendall(answer)
            connection.close()
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    done = romon(agent, "winbox-probe", f"noc@127.0.0.5:{server.getsockname()[1]}")
    server.close()
    assert done.returncode == 1 and "\x1b" not in done.stdout and re.search("^login +no ", done.stdout, re.M), done.stdout


def test_winbox_by_its_own_words(network, tmp_path):
    """An agent has to be saved; then WinBox gets its own command line."""
    agent = network[0]
    target = "00:00:5E:00:53:07"
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = romon(agent, "winbox", "--romon", "192.0.2.1", target, "admin", "", variables=home)
    assert done.returncode == 1 and "romon agent add NAME winbox:192.0.2.1" in done.stderr
    assert romon(agent, "agent", "add", "gw", "winbox:192.0.2.1", variables=home).returncode == 0
    done = romon(agent, "winbox", "--romon", "gw", target, "admin", "", variables=home)
    assert done.returncode == 1 and "no program winbox" in done.stderr and "--program" in done.stderr
    program = tmp_path / "WinBox"
    program.write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\nexit 7\n')
    program.chmod(0o755)
    for name in ("gw", "192.0.2.1", "winbox:192.0.2.1"):
        done = romon(agent, "winbox", "--romon", name, target.lower(), "admin", "", variables=home)
        assert (done.returncode, done.stdout) == (7, f"<--romon>\n<192.0.2.1>\n<{target}>\n<admin>\n<>\n"), done.stderr
    assert romon(agent, "winbox", "--romon", "gw", "name", variables=home).returncode == 2


def test_no_winbox_is_a_terminal(network, tmp_path):
    agent = network[0]
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config"), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert romon(agent, "agent", "add", "gw", "noc@192.0.2.1", variables=home).returncode == 0
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho "$@"\n')
    ssh.chmod(0o755)
    done = romon(agent, "winbox", "--romon", "gw", "00:00:5E:00:53:07", "admin", "", variables=home)
    assert "this is a terminal" in done.stderr and "-l admin" in done.stdout and "00:00:5E:00:53:07" in done.stdout, done.stderr
    assert "-A 'noc@192.0.2.1' connect" in done.stdout, "through that agent"
    assert romon(agent, "agent", "add", "box", "winbox:noc@192.0.2.2", variables=home).returncode == 0
    done = romon(agent, "winbox", "--romon", "box", "00:00:5E:00:53:07", "admin", "", variables=home)
    assert done.returncode == 1 and "no terminal for us: name the program with --program" in done.stderr and not done.stdout


def test_many_logins(network):
    """Ours to ours, of every kind of key: none of them fails."""
    agent = network[0]
    for _ in range(1000 if SOAK else 100):
        agent.client("noc", "secret").close()
    for _ in range(200 if SOAK else 10):
        assert romon(agent, "winbox-probe", "noc@127.0.0.1").returncode == 0
