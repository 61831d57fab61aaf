# SPDX-License-Identifier: BSD-2-Clause
"""The command romon against a daemon of the tests' own making: what it asks, what it prints, and how it ends. Mostly by its JSON
and its exit status; the text of tables, which people paste into mails and scripts alas cut up, is fixed by one example each."""
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from fake_romond import FakeRomond
from lab import ROMON, wait

A, B, C = "6C:3B:6B:48:0E:8B", "6C:3B:6B:ED:83:69", "B8:69:F4:B3:1B:D2"
ROUTER = {"address": A, "active": True, "cost": 200, "hops": 1, "path": [A], "l2mtu": 1500, "identity": "hEX",
          "version": "6.47beta7", "board": "RB750Gr3", "uptime": 3600, "last_seen": 0.25}
FAR = {"address": B, "active": False, "cost": 400, "hops": 2, "path": [A, B], "l2mtu": 1280, "identity": None, "version": None,
       "board": None, "uptime": None, "last_seen": 7.5}
LINK = {"a": C, "b": A, "cost_a": 100, "cost_b": 200, "l2mtu": 1500, "mac_a": C, "mac_b": A}
SETTINGS = {"enabled": True, "id": "00:00:00:00:00:00", "current_id": C, "identity": "here", "board": "x86_64", "unicast": False,
            "datapath": "auto", "answer_limit": 4000000, "secrets": 2, "secret_list": None}
OTHER_PROGRAM = "another XDP program runs on it"
PORTS = [{"interface": "all", "forbid": False, "cost": 100, "secrets": 0, "secret_list": None, "datapath": "default",
          "disabled": False, "comment": "", "default": True,
          "members": [{"interface": "eth0", "state": "active", "error": None, "datapath": "xdp", "datapath_reason": None},
                      {"interface": "eth1", "state": "active", "error": None, "datapath": "packet",
                       "datapath_reason": OTHER_PROGRAM}]},
         {"interface": "eth7", "forbid": True, "cost": 200, "secrets": 1, "secret_list": None, "datapath": "packet",
          "disabled": True, "comment": "to the barn", "default": False,
          "members": [{"interface": "eth7", "state": "down", "error": None, "datapath": None, "datapath_reason": None},
                      {"interface": "eth70", "state": "failed", "error": "no buffer space", "datapath": None,
                       "datapath_reason": None}]}]
HOSTILE = "a\x1b[2J\x07\x7f\x9b\u202e\u2066\u200fz\U000e0041"
HOSTILE_SHOWN = r"a\x1b[2J\x07\x7f\x9b\u202e\u2066\u200fz\U000e0041"


@pytest.fixture
def daemon(tmp_path):
    made = FakeRomond(tmp_path / "socket")
    yield made
    made.close()
    assert made.faults == []


def environment(locale="C.UTF-8"):
    return {**os.environ, "LC_ALL": locale}


def run(daemon, *words, locale="C.UTF-8", **options):
    """Runs romon to its end, with its status, output and errors in the result."""
    return subprocess.run([ROMON, "-s", daemon.path, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=30, env=environment(locale), **options)


def output(daemon, *words, **options):
    done = run(daemon, *words, **options)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def objects(text):
    return [json.loads(line) for line in text.splitlines()]


def document(daemon, *words):
    (only,) = objects(output(daemon, "--json", *words))
    return only


# The command line

@pytest.mark.parametrize("words, call", [
    (["print"], ("GetSettings", {"show_sensitive": False}, False)),
    (["/tool/romon/print"], ("GetSettings", {"show_sensitive": False}, False)),
    (["/tool", "romon", "print"], ("GetSettings", {"show_sensitive": False}, False)),
    (["/tool romon print"], ("GetSettings", {"show_sensitive": False}, False)),
    (["set", "enabled=yes", "--id", A, "--identity=a=b", "board="],
     ("Set", {"values": {"enabled": "yes", "id": A, "identity": "a=b", "board": ""}}, False)),
    (["set", "--comment", "-j"], ("Set", {"values": {"comment": "-j"}}, False)),
    (["set", 'secrets=("","a b")'], ("Set", {"values": {"secrets": '("","a b")'}}, False)),
    (["/tool/romon/port/print"], ("GetPorts", {"show_sensitive": False}, False)),
    (["/tool/romon/port", "print"], ("GetPorts", {"show_sensitive": False}, False)),
    (["port/print"], ("GetPorts", {"show_sensitive": False}, False)),
    (["port", "add", "interface=eth7", "cost=200"], ("AddPort", {"values": {"interface": "eth7", "cost": "200"}}, False)),
    (["port", "set", "3", "cost=5"], ("SetPort", {"number": 3, "values": {"cost": "5"}}, False)),
    (["port", "set", "[find interface=eth7]", "cost=5"], ("SetPort", {"interface": "eth7", "values": {"cost": "5"}}, False)),
    (["port", "set", "[find", "interface=eth7]", "cost=5"], ("SetPort", {"interface": "eth7", "values": {"cost": "5"}}, False)),
    (["port", "set", "[", "find", "default=yes", "]", "cost=5"],
     ("SetPort", {"interface": "all", "values": {"cost": "5"}}, False)),
    (["port", "remove", "1"], ("RemovePort", {"number": 1}, False)),
    (["port", "remove", "[find interface=3]"], ("RemovePort", {"interface": "3"}, False)),
    (["discover"], ("Discover", {"duration": 3.0}, False)),
    (["discover", "duration=1m30s"], ("Discover", {"duration": 90.0}, False)),
    (["discover", "--duration", "500ms", "-j"], ("Discover", {"duration": 0.5}, False)),
    (["map"], ("Map", {"duration": 3.0}, False)),
    (["map", "dot", "duration=00:00:10"], ("Map", {"duration": 10.0}, False)),
    (["stats"], ("GetStats", {}, False)),
    (["neighbors"], ("GetNeighbors", {}, False)),
    (["/tool/romon/neighbors"], ("GetNeighbors", {}, False)),
])
def test_call(daemon, words, call):
    run(daemon, *words)
    assert daemon.calls == [call]


@pytest.mark.parametrize("words, parameters", [
    (["ping", A], {"id": A}),
    (["ping", "id=hEX", "count=2"], {"id": "hEX", "count": 2}),
    (["ping", "the barn", "size=64", "interval=200ms"], {"id": "the barn", "size": 64, "interval": 0.2}),
    (["ping", "--count", "1", "--", "-x=y"], {"id": "-x=y", "count": 1}),
])
def test_ping_call(daemon, words, parameters):
    daemon.answers["Ping"] = {"reply": None, "summary": {"sent": 0, "received": 0, "packet_loss": 0}}
    run(daemon, *words)
    assert daemon.calls == [("Ping", parameters, True)]


@pytest.mark.parametrize("words", [
    [], ["bogus"], ["port"], ["port", "bogus"], ["print", "bogus"], ["print", "bogus=1"], ["print", "--bogus"],
    ["-A", A, "print"], ["print", "-x"], ["--bogus"], ["/tool/print"], ["/tool/romon"], ["/ip/romon/print"],
    ["/tool/romon/print/more"], ["-s"],
    ["set"], ["set", "enabled"], ["set", "=yes"], ["set", "--enabled"], ["set", "enabled=yes", "enabled=no"],
    ["set", b"identity=\xff"],
    ["port", "add", "cost=5"], ["port", "set", "cost=5"], ["port", "set", "1"], ["port", "set", "x", "cost=5"],
    ["port", "set", "[find comment=x]", "cost=5"], ["port", "set", "[find", "interface=eth7", "cost=5"],
    ["port", "set", "[find default=no]", "cost=5"], ["port", "set", "[find interface=" + "e" * 300 + "]", "cost=5"],
    ["port", "remove"], ["port", "remove", "-1"], ["port", "remove", "1", "2"], ["port", "remove", "99999999999"],
    ["discover", "duration=0"], ["discover", "duration=soon"], ["discover", "3s"], ["map", "duration="],
    ["map", "--dot", "--json"],
    ["ping"], ["ping", ""], ["ping", A, B], ["ping", A, "id=" + B], ["ping", A, "count=0"], ["ping", A, "count=x"],
    ["ping", A, "size=3"], ["ping", A, "size=65001"], ["ping", A, "interval=0s"],
    ["ping", A, "interval=500us"], ["ping", A, "interval=61m"], ["ping", A, "count=4294967296"],
    ["stats", "all"], ["neighbors", "all"], ["help", "bogus"],
])
def test_wrong_usage(daemon, words):
    done = run(daemon, *words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert daemon.calls == []


def test_help_and_version(daemon):
    everything = output(daemon, "help")
    for command in ("print", "set", "port print", "port add", "port set", "port remove", "discover", "map", "ping", "stats",
                    "neighbors", "service print", "service add", "service set", "service remove", "streams", "ssh", "connect",
                    "forward", "winbox", "inventory", "help"):
        assert f"  {command} " in everything
        assert output(daemon, "help", *command.split()).startswith(f"Usage: romon {command}")
        assert output(daemon, *command.split(), "--help") == output(daemon, "help", *command.split())
    assert output(daemon, "-h") == everything
    assert output(daemon, "-V") == output(daemon, "print", "--version")
    assert output(daemon, "-V").startswith("romon 0.")
    assert "port add" in output(daemon, "help", "port")
    assert daemon.calls == []


# What goes wrong

@pytest.mark.parametrize("words", [["discover"], ["map"], ["inventory", "--list"]])
def test_too_long_a_duration(daemon, words):
    done = run(daemon, *words, "duration=367d")
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.endswith("up to 366d\n")
    assert daemon.calls == []


@pytest.mark.parametrize("error, parameters, status, said", [
    ("NotRunning", {}, 1, "failure: RoMON not running: switch it on with `romon set enabled=yes`"),
    ("Failed", {"reason": "failure: only cost"}, 1, "failure: only cost"),
    ("Failed", {"reason": "no memory"}, 1, "romon: no memory"),
    ("PermissionDenied", {"reason": "only root may"}, 1, "romon: only root may"),
    ("Invalid", {"reason": "cost: 1 to 65535"}, 2, "romon: cost: 1 to 65535"),
    ("NoSuchPort", {"reason": "no entry 7"}, 1, "romon: no entry 7"),
    ("NoSuchRouter", {"identity": "barn"}, 1, 'romon: no router is called "barn": `romon discover` shows all, and their IDs'),
    ("AmbiguousRouter", {"identity": "barn", "ids": [A, B]}, 1,
     f'romon: several routers are called "barn": take one by its ID ({A}, {B})'),
    ("org.varlink.service.MethodNotFound", {}, 3,
     "romon: romond answers org.varlink.service.MethodNotFound: are romon and romond of the same version?"),
    ("org.varlink.service.InvalidParameter", {"parameter": "count"}, 2,
     "romon: romond does not take this value of count: romon(8) says what it may be"),
    ("Failed", {"reason": HOSTILE}, 1, "romon: " + HOSTILE_SHOWN),
    ("Failed", {"reason": "two\nlines"}, 1, r"romon: two\x0alines"),
])
@pytest.mark.parametrize("words", [["print"], ["ping", "barn"], ["map"]])
def test_error(daemon, words, error, parameters, status, said):
    for method in ("GetSettings", "Ping", "Map"):
        daemon.answers[method] = lambda connection, _: connection.error(error, **parameters)
    done = run(daemon, *words)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", said + "\n")


@pytest.mark.parametrize("sent", [
    b"", b"{", b"nonsense\0", b"[]\0", b'{"parameters":[]}\0', b'{"error":5}\0', b'{"parameters":{"a":"\xff"}}\0',
    b'{"parameters":{"a":' + b"[" * 100000 + b"\0"])
@pytest.mark.parametrize("words", [["print"], ["ping", A], ["discover"]])
def test_garbage(daemon, words, sent):
    def answer(connection, _):
        connection.raw(sent)
        connection.sock.shutdown(socket.SHUT_WR)

    for method in ("GetSettings", "Ping", "Discover"):
        daemon.answers[method] = answer
    done = run(daemon, *words)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("answer", [
    {}, {"settings": 5, "ports": 5, "routers": 5, "links": 5, "reply": 5, "summary": 5},
    {"neighbors": 5}, {"neighbors": [1, {"proven": [[], "x"], "secret": "y", "mac": 7}]},
    {"ports": [1, {"members": [2], "drops": [3]}], "routers": [None, {"path": 7, "address": 5}], "links": [[]]},
])
@pytest.mark.parametrize("command", ["print", "port print", "discover", "map", "stats", "neighbors", "ping id=" + A])
@pytest.mark.parametrize("form", [[], ["-j"]])
def test_answers_of_the_wrong_shape(daemon, command, answer, form):
    """They may look odd; what is not there is empty or null, and nothing crashes."""
    for method in ("GetSettings", "GetPorts", "Discover", "Map", "GetStats", "GetNeighbors", "Ping"):
        daemon.answers[method] = answer
    done = run(daemon, *form, *command.split())
    assert done.returncode in (0, 1) and done.stderr == ""


def test_no_daemon(tmp_path):
    class Nobody:
        path = str(tmp_path / "socket")

    for prepare in (lambda: None, lambda: socket.socket(socket.AF_UNIX).bind(Nobody.path)):  # nothing there; nobody listens
        prepare()
        done = run(Nobody, "print")
        assert done.returncode == 3
        assert "systemctl start romond" in done.stderr and Nobody.path in done.stderr
    Nobody.path = "/" + "x" * 200
    assert run(Nobody, "print").returncode == 3


def test_not_allowed(daemon):
    with tempfile.TemporaryDirectory() as folder:  # a copy that every user can reach
        os.chmod(folder, 0o755)
        romon = shutil.copy(ROMON, folder)
        os.chmod(daemon.path, 0)
        user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        done = subprocess.run([romon, "-s", daemon.path, "print"], capture_output=True, text=True, timeout=30, **user)
    assert done.returncode == 3
    assert "group romon" in done.stderr and "usermod -aG romon" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_closed_output(daemon):
    """The socket must not take the place of a standard output that was closed."""
    daemon.answers["GetSettings"] = {"settings": SETTINGS}
    done = run(daemon, "print", preexec_fn=lambda: os.close(1))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(daemon.calls) == 1


def test_full_disk(daemon):
    daemon.answers["GetSettings"] = {"settings": SETTINGS}
    with open("/dev/full", "w") as full:
        done = subprocess.run([ROMON, "-s", daemon.path, "print"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_large_answer_in_pieces(daemon):
    """Ten thousand routers, their bytes cut anywhere."""
    def answer(connection, _):
        message = json.dumps({"parameters": {"routers": [ROUTER] * 10000}}).encode() + b"\0"
        for start in range(0, len(message), 99991):
            connection.raw(message[start:start + 99991])

    daemon.answers["Discover"] = answer
    assert len(document(daemon, "discover")["routers"]) == 10000


# Settings and ports

def test_print(daemon):
    daemon.answers["GetSettings"] = {"settings": SETTINGS}
    assert output(daemon, "print") == """\
     enabled: yes
          id: 00:00:00:00:00:00
  current-id: B8:69:F4:B3:1B:D2
    identity: here
       board: x86_64
     unicast: no
    datapath: auto
answer-limit: 4000000
     secrets: (2 not shown)
"""
    assert document(daemon, "print") == {
        "enabled": True, "id": "00:00:00:00:00:00", "current-id": C, "identity": "here", "board": "x86_64", "unicast": False,
        "datapath": "auto", "answer-limit": 4000000, "secrets": 2}


@pytest.mark.parametrize("secrets, shown", [
    ([], ""), ([""], ' ("")'), (["", "mysecret"], ' "",mysecret'), (["a b", 'q"\\', "c,d"], r' "a b","q\"\\","c,d"'),
])
def test_secrets(daemon, secrets, shown):
    daemon.answers["GetSettings"] = {"settings": {**SETTINGS, "secrets": len(secrets), "secret_list": secrets}}
    daemon.answers["GetPorts"] = {"ports": [{**PORTS[1], "secrets": len(secrets), "secret_list": secrets}]}
    assert output(daemon, "print", "show-sensitive").splitlines()[-1] == "     secrets:" + shown
    assert document(daemon, "print", "--show-sensitive")["secrets"] == secrets
    assert document(daemon, "port", "print", "show-sensitive")["ports"][0]["secrets"] == secrets
    assert [call[1] for call in daemon.calls] == [{"show_sensitive": True}] * 3


def test_secrets_withheld(daemon):
    daemon.answers["GetSettings"] = {"settings": SETTINGS}
    daemon.answers["GetPorts"] = {"ports": PORTS}
    for words in (["print"], ["port", "print"]):
        done = run(daemon, *words, "show-sensitive")
        assert (done.returncode, done.stdout) == (1, "")
        assert "root" in done.stderr


def test_port_print(daemon):
    daemon.answers["GetPorts"] = {"ports": PORTS}
    assert output(daemon, "port", "print") == """\
Flags: * - default, X - disabled
Columns: INTERFACE, FORBID, COST, SECRETS, DATAPATH, COMMENT
#     INTERFACE  FORBID  COST  SECRETS        DATAPATH  COMMENT
0  *  all        no       100                 default
1  X  eth7       yes      200  (1 not shown)  packet    to the barn

MEMBER  #  STATE   ERROR
eth0    0  active
eth1    0  active
eth7    1  down
eth70   1  failed  no buffer space
"""
    assert output(daemon, "port", "print", "detail").partition("\n\n")[2] == f"""\
MEMBER  #  STATE   ERROR            DATAPATH  BECAUSE
eth0    0  active                   xdp
eth1    0  active                   packet    {OTHER_PROGRAM}
eth7    1  down
eth70   1  failed  no buffer space
"""
    first, second = document(daemon, "port", "print")["ports"]
    assert first == {"interface": "all", "forbid": False, "cost": 100, "secrets": 0, "datapath": "default", "disabled": False,
                     "comment": "", "default": True, "members": [
                         {"interface": "eth0", "state": "active", "error": None, "datapath": "xdp", "datapath-reason": None},
                         {"interface": "eth1", "state": "active", "error": None, "datapath": "packet",
                          "datapath-reason": OTHER_PROGRAM}]}
    assert (second["secrets"], second["disabled"], second["members"][1]["error"]) == (1, True, "no buffer space")


def test_changes_are_silent(daemon):
    daemon.answers["AddPort"] = {"number": 2}
    for words in (["set", "enabled=yes"], ["port", "add", "interface=eth7"], ["port", "set", "1", "cost=5"],
                  ["port", "remove", "1"]):
        assert output(daemon, *words) == ""
        assert output(daemon, "-j", *words) == ""


# Tables of routers and counters

def test_discover(daemon):
    daemon.answers["Discover"] = {"routers": [ROUTER, FAR]}
    assert output(daemon, "discover") == """\
Flags: A - active
Columns: ADDRESS, COST, HOPS, PATH, L2MTU, IDENTITY, VERSION, BOARD
   ADDRESS            COST  HOPS  PATH               L2MTU  IDENTITY  VERSION    BOARD
A  6C:3B:6B:48:0E:8B   200     1  6C:3B:6B:48:0E:8B   1500  hEX       6.47beta7  RB750Gr3
   6C:3B:6B:ED:83:69   400     2  6C:3B:6B:48:0E:8B   1280
                                  6C:3B:6B:ED:83:69
"""
    expected = [{name.replace("_", "-"): value for name, value in router.items()} for router in (ROUTER, FAR)]
    assert document(daemon, "discover") == {"routers": expected}


def test_discover_nobody(daemon):
    daemon.answers["Discover"] = {"routers": []}
    assert output(daemon, "discover").splitlines()[2:] == ["   ADDRESS  COST  HOPS  PATH  L2MTU  IDENTITY  VERSION  BOARD"]
    assert document(daemon, "discover") == {"routers": []}


def test_unknown_is_null(daemon):
    daemon.answers["Discover"] = {"routers": [{"address": A}]}
    (router,) = document(daemon, "discover")["routers"]
    assert router == {"address": A, "active": None, "cost": None, "hops": None, "path": None, "l2mtu": None, "identity": None,
                      "version": None, "board": None, "uptime": None, "last-seen": None}


def test_map(daemon):
    third = {**ROUTER, "address": C, "path": [A, C], "cost": 300, "identity": "lone"}
    lost = {**FAR, "path": [], "cost": None, "l2mtu": None, "address": "02:00:00:00:00:01"}
    daemon.answers["Map"] = {"id": "02:00:00:00:00:99", "routers": [FAR, ROUTER, third, lost], "links": [LINK]}
    assert output(daemon, "map") == """\
Flags: * - here, A - active
Columns: ADDRESS, COST, L2MTU, IDENTITY, VERSION, BOARD
   ADDRESS                COST  L2MTU  IDENTITY  VERSION    BOARD
*  02:00:00:00:00:99
A  └─6C:3B:6B:48:0E:8B     200   1500  hEX       6.47beta7  RB750Gr3
     ├─6C:3B:6B:ED:83:69   400   1280
A    └─B8:69:F4:B3:1B:D2   300   1500  lone      6.47beta7  RB750Gr3
   02:00:00:00:00:01
"""
    found = document(daemon, "map")
    assert [router["address"] for router in found["routers"]] == [B, A, C, "02:00:00:00:00:01"]
    assert found["links"] == [{"a": C, "b": A, "cost-a": 100, "cost-b": 200, "l2mtu": 1500, "mac-a": C, "mac-b": A}]


def test_map_of_a_circle(daemon):
    """Paths that contradict each other: a tree all the same."""
    daemon.answers["Map"] = {"id": C, "links": [], "routers": [{**ROUTER, "path": [B, A]}, {**FAR, "path": [A, B]}]}
    assert output(daemon, "map").count("─") == 2


def test_map_deep(daemon):
    """A line of 200 routers, the farthest first."""
    ids = [f"02:00:00:00:00:{n:02X}" for n in range(200)]
    daemon.answers["Map"] = {"id": C, "links": [], "routers": [
        {**ROUTER, "address": ids[n], "path": ids[:n + 1]} for n in reversed(range(200))]}
    assert len(output(daemon, "map").splitlines()) == 3 + 1 + 200


def test_dot(daemon):
    daemon.answers["Map"] = {"id": C, "routers": [{**ROUTER, "identity": 'a"\\b\x1b'}], "links": [LINK]}
    assert output(daemon, "map", "--dot") == r'''graph romon {
	node [shape=box]
	"B8:69:F4:B3:1B:D2" [label="B8:69:F4:B3:1B:D2", penwidth=2]
	"6C:3B:6B:48:0E:8B" [label="a\"\\b\\x1b\n6C:3B:6B:48:0E:8B"]
	"B8:69:F4:B3:1B:D2" -- "6C:3B:6B:48:0E:8B" [taillabel="100", headlabel="200", label="L2MTU 1500"]
}
'''


def test_stats(daemon):
    xdp = {"datapath": "xdp", "datapath_reason": None}
    daemon.answers["GetStats"] = {"ports": [
        {"interface": "eth0", "rx": 12, "tx": 3456, "forwarded": 0, "hashed": 7, "unhashed": 5, "drops": {"bad-hops": 2, "late": 1},
         **xdp},
        {"interface": "eth10", "rx": 18446744073709, "tx": 1, "forwarded": 1, "hashed": 0, "unhashed": 18446744073709, "drops": {},
         "datapath": "packet", "datapath_reason": OTHER_PROGRAM}]}
    assert output(daemon, "stats") == f"""\
INTERFACE              RX    TX  FORWARDED  HASHED        UNHASHED  DATAPATH
eth0                   12  3456          0       7               5  xdp
eth10      18446744073709     1          1       0  18446744073709  packet

INTERFACE  REASON    COUNT
eth0       bad-hops      2
eth0       late          1

INTERFACE  DATAPATH  BECAUSE
eth10      packet    {OTHER_PROGRAM}
"""
    assert document(daemon, "stats") == {"ports": [
        {name.replace("_", "-"): value for name, value in port.items()} for port in daemon.answers["GetStats"]["ports"]]}


def test_neighbors(daemon):
    first = {"interface": "eth0", "mac": A, "address": B, "hashed": True, "secret": 1, "proven": [0, 1], "last_seen": 0.5}
    second = {"interface": "eth10", "mac": C, "address": None, "hashed": False, "secret": None, "proven": [], "last_seen": 59}
    daemon.answers["GetNeighbors"] = {"neighbors": [first, second]}
    assert [line.rstrip() for line in output(daemon, "neighbors").splitlines()] == [
        "Flags: H - hashed",
        "Columns: INTERFACE, MAC, ADDRESS, SECRET, PROVEN",
        "   INTERFACE  MAC                ADDRESS            SECRET  PROVEN",
        f"H  eth0       {A}  {B}       1  0,1",
        f"   eth10      {C}"]
    shown = document(daemon, "neighbors")["neighbors"]
    assert [{**n, "last_seen": n["last-seen"]}.items() >= given.items() for n, given in zip(shown, (first, second))] == [True, True]
    assert all("last_seen" not in n for n in shown)
    daemon.answers["GetNeighbors"] = lambda connection, _: connection.error("NotRunning")
    done = run(daemon, "neighbors")
    assert (done.returncode, done.stdout) == (1, "") and "RoMON not running" in done.stderr


@pytest.mark.parametrize("words, method", [
    (["set"], "Set"), (["port", "add", "interface=a"], "AddPort"), (["port", "set", "1"], "SetPort"),
])
@pytest.mark.parametrize("given, sent", [
    (b"mysecret\n", "mysecret"), (b'"",mysecret', '"",mysecret'), (b"a,b\r\n", "a,b"), (b"first\nsecond\n", "first"), (b"\n", ""),
    (b" a \n", " a "),
])
def test_secrets_from_standard_input(daemon, words, method, given, sent):
    daemon.answers["AddPort"] = {"number": 1}
    done = subprocess.run([ROMON, "-s", daemon.path, *words, "secrets=-"], input=given, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [(name, parameters["values"]["secrets"]) for name, parameters, _ in daemon.calls] == [(method, sent)]


@pytest.mark.parametrize("given", [b"", b"x" * 100000 + b"\n", b"Qz7\xff\n"])
def test_no_secrets_from_standard_input(daemon, given):
    done = subprocess.run([ROMON, "-s", daemon.path, "set", "secrets=-"], input=given, capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (2, b"") and len(done.stderr.splitlines()) == 1
    assert b"Qz7" not in done.stderr and b"xx" not in done.stderr and daemon.calls == []


# Text of strangers

def test_hostile_names(daemon):
    daemon.answers["Discover"] = {"routers": [{**ROUTER, "identity": HOSTILE, "board": HOSTILE, "version": HOSTILE}]}
    daemon.answers["Map"] = {"id": C, "routers": daemon.answers["Discover"]["routers"], "links": []}
    daemon.answers["GetSettings"] = {"settings": {**SETTINGS, "identity": HOSTILE}}
    daemon.answers["GetPorts"] = {"ports": [{**PORTS[1], "comment": HOSTILE}]}
    for words in (["discover"], ["map"], ["print"], ["port", "print"]):
        assert HOSTILE_SHOWN in output(daemon, *words)
        shown = output(daemon, *words) + output(daemon, "-j", *words)
        assert all(c == "\n" or c.isprintable() for c in shown)
    assert document(daemon, "discover")["routers"][0]["identity"] == HOSTILE  # JSON escapes, and loses nothing


def test_wide_names(daemon):
    """Columns to the right stay straight: each of these characters takes two cells, or none."""
    daemon.answers["Discover"] = {"routers": [{**ROUTER, "identity": "東京"}, {**ROUTER, "identity": "abcd"},
                                              {**ROUTER, "identity": "e\u0301tés"}]}
    rows = output(daemon, "discover").splitlines()[3:]
    assert [row.split(A)[2].removeprefix("   1500  ") for row in rows] == [
        "東京      6.47beta7  RB750Gr3", "abcd      6.47beta7  RB750Gr3", "e\u0301tés      6.47beta7  RB750Gr3"]


def test_names_without_utf8(daemon):
    daemon.answers["Discover"] = {"routers": [{**ROUTER, "identity": "東"}]}
    assert r"  \u6771    6.47beta7" in output(daemon, "discover", locale="C")
    assert "東" in output(daemon, "-j", "discover", locale="C")


# Ping

def reply(seq, time, status="ok"):
    return {"seq": seq, "host": A, "time": time, "size": 32, "status": status}


def pinging(*times, summary=True):
    """An answer to Ping: replies with these times, None being a timeout, and the summary."""
    def answer(connection, _):
        for seq, time in enumerate(times):
            connection.reply({"reply": reply(seq, time, "timeout" if time is None else "ok"), "summary": None}, continues=True)
        came = [time for time in times if time is not None]
        if summary:
            connection.reply({"reply": None, "summary": {
                "sent": len(times), "received": len(came), "packet_loss": 100 - 100 * len(came) // len(times),
                "min_rtt": min(came, default=None), "avg_rtt": sum(came) / len(came) if came else None,
                "max_rtt": max(came, default=None)}})
        else:
            connection.wait_gone()
    return answer


def test_ping(daemon):
    daemon.answers["Ping"] = pinging(0.000412, None)
    assert output(daemon, "ping", A, "count=2") == """\
  SEQ HOST                                     TIME  STATUS
    0 6C:3B:6B:48:0E:8B                        412us
    1 6C:3B:6B:48:0E:8B                               timeout
  sent=2 received=1 packet-loss=50% min-rtt=412us avg-rtt=412us max-rtt=412us
"""
    assert objects(output(daemon, "-j", "ping", A, "count=2")) == [
        {"seq": 0, "host": A, "time": 0.412, "size": 32, "status": "ok"},
        {"seq": 1, "host": A, "time": None, "size": 32, "status": "timeout"},
        {"sent": 2, "received": 1, "packet-loss": 50, "min-rtt": 0.412, "avg-rtt": 0.412, "max-rtt": 0.412}]


def test_ping_without_reply(daemon):
    daemon.answers["Ping"] = pinging(None, None)
    done = run(daemon, "ping", A, "count=2")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "  sent=2 received=0 packet-loss=100%")
    done = run(daemon, "-j", "ping", A, "count=2")
    assert done.returncode == 1
    assert objects(done.stdout)[-1] == {"sent": 2, "received": 0, "packet-loss": 100, "min-rtt": None, "avg-rtt": None,
                                        "max-rtt": None}


@pytest.fixture
def start_ping(daemon):
    """Starts a ping and returns the process, which outlives neither the test nor twenty seconds."""
    started = []

    def start(*words):
        process = subprocess.Popen([ROMON, "-s", daemon.path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment())
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        started.append((process, watchdog))
        return process

    yield start
    for process, watchdog in started:
        watchdog.cancel()
        process.kill()
        process.wait()


@pytest.mark.parametrize("times, status, totals", [
    ([0.001, 0.002, None], 0, {"sent": 3, "received": 2, "packet-loss": 33, "min-rtt": 1.0, "avg-rtt": 1.5, "max-rtt": 2.0}),
    ([None], 1, {"sent": 1, "received": 0, "packet-loss": 100, "min-rtt": None, "avg-rtt": None, "max-rtt": None}),
])
def test_ping_interrupted(daemon, start_ping, times, status, totals):
    """Replies are there as they come; ^C closes the connection, and the totals are of what came."""
    daemon.answers["Ping"] = pinging(*times, summary=False)
    process = start_ping("--json", "ping", A)
    for _ in times:
        assert json.loads(process.stdout.readline())["host"] == A
    assert not daemon.gone.is_set()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (json.loads(out), err, process.returncode) == (totals, "", status)
    assert daemon.gone.wait(10)


def test_ping_interrupted_before_anything(daemon, start_ping):
    daemon.answers["Ping"] = pinging(summary=False)
    process = start_ping("ping", A)
    wait(lambda: daemon.calls, "the call")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)
    assert (out.splitlines()[1:], process.returncode) == (["  sent=0 received=0 packet-loss=0%"], 1)


def test_ping_of_a_reader_who_leaves(daemon, start_ping):
    """`romon ping ... | head -2` ends when head does, without a word."""
    def answer(connection, _):
        connection.reply({"reply": reply(0, 0.001), "summary": None}, continues=True)
        left.wait(10)
        connection.reply({"reply": reply(1, 0.001), "summary": None}, continues=True)
        connection.wait_gone()

    left = threading.Event()
    daemon.answers["Ping"] = answer
    process = start_ping("ping", A)
    process.stdout.readline()
    process.stdout.readline()
    process.stdout.close()
    left.set()
    assert process.wait(10) == 0
    assert process.stderr.read() == ""
    assert daemon.gone.wait(10)


def test_disabled_while_pinging(daemon):
    def answer(connection, _):
        connection.reply({"reply": reply(0, 0.001), "summary": None}, continues=True)
        connection.error("NotRunning")

    daemon.answers["Ping"] = answer
    done = run(daemon, "ping", A)
    assert (done.returncode, done.stderr) == (1, "failure: RoMON not running: switch it on with `romon set enabled=yes`\n")
    assert len(done.stdout.splitlines()) == 2


def test_no_raw_socket():
    """The command talks to the daemon only: no packet or raw sockets in it."""
    for path in (Path(__file__).resolve().parents[2] / "src/cli").glob("*.[ch]"):
        assert not any(word in path.read_text() for word in ("AF_PACKET", "PF_PACKET", "SOCK_RAW", "AF_INET", "pcap_"))
