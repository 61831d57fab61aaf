# SPDX-License-Identifier: BSD-2-Clause
"""Services: what others reach by a stream, from Connect on the control socket of one router to the program of another."""
import contextlib
import json
import os
import re
import resource
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from lab import PORTS, Control, VarlinkError, conf, status, wait
from wire import namespace


def services(*lines, ports=PORTS):
    """A configuration with these lines below `/tool romon service`."""
    return conf("identity=b board=lab", ports) + "/tool romon service\n" + "".join(line + "\n" for line in lines)


class Stream(Control):
    """A connection to romond that has become a stream."""

    def __init__(self, node, timeout=10, **parameters):
        super().__init__(node.socket, timeout)
        try:
            self.send_raw(json.dumps({"method": "io.openromon.Connect", "parameters": parameters, "upgrade": True}).encode() + b"\0")
            answer = self.receive()
            if answer is None:
                raise ConnectionError("the daemon closed the connection")
            if answer.get("error"):
                raise VarlinkError(answer["error"], answer.get("parameters"))
            self.number = answer["parameters"]["stream"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def finish(self):
        self.socket.shutdown(socket.SHUT_WR)

    def all(self):
        """Everything up to the end."""
        data = self.buffer
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                return data
            data += piece


def refusal(node, **parameters):
    """The name of the error that Connect answers with."""
    with pytest.raises(VarlinkError) as caught:
        Stream(node, **parameters)
    return caught.value.name


@pytest.fixture
def pair(lab):
    """Two neighbours, started by start(lines of services of the second); gives both."""
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    a.start()

    def start(*lines):
        b.start(services(*lines))
        return a, b
    return start


def children(node):
    """Programs that the monitor of a node has started and that have not ended."""
    pid, worker = node.daemon.monitor(), node.daemon.worker()
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if int(child) != worker]


def test_bytes_go_both_ways_and_each_direction_ends_by_itself(pair):
    a, b = pair("add name=cat port=100 to=\"exec:/bin/cat\"")
    with Stream(a, id=b.id, port=100) as stream:
        stream.send_raw(b"hello")
        assert stream.socket.recv(5, socket.MSG_WAITALL) == b"hello", "before any end"
        data = os.urandom(3_000_000)
        writer = threading.Thread(target=lambda: (stream.send_raw(data), stream.finish()))
        writer.start()
        assert stream.all() == data, "what comes after our end is all there"
        writer.join()
    wait(lambda: not children(b) and not b.varlink("GetStreams")["streams"], "cat and its stream have ended")
    wait(lambda: re.search(r"service cat: connection from \S+ ended after \d+\.\d s \(\S.*\), 3000005 bytes from there, "
                           r"3000005 bytes to there", b.daemon.log), "the log tells of the end")
    assert re.search(f"service cat: connection from {a.id}$", b.daemon.log, re.MULTILINE)


def test_a_program_gets_a_process_of_its_own_without_a_shell(pair, tmp_path):
    script = tmp_path / "show"
    script.write_text("#!/usr/bin/python3\nimport json, os, resource, signal, sys\n"
                      "print(json.dumps([sys.argv, dict(os.environ), os.getuid(), os.getgid(), os.getgroups(), os.getcwd(),\n"
                      "    os.getsid(0) == os.getpid(), sorted(os.listdir('/proc/self/fd')), open('/proc/self/status').read(),\n"
                      "    resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_MEMLOCK),\n"
                      "    os.stat('/proc/self/environ').st_uid]))\n")
    script.chmod(0o755)
    for folder in [tmp_path, *tmp_path.parents][:-1]:
        folder.chmod(folder.stat().st_mode | 0o011)
    a, b = pair(rf'add name=root port=100 user=root to="exec:{script} a;b  \$HOME `id` * |x"', f'add name=user port=101 to="exec:{script}"')
    with Stream(a, id=b.id, port=100) as stream:
        argv, env, uid, gid, _, cwd, leader, fds, state, core, memlock, _ = json.loads(stream.all())
    assert argv == [str(script), "a;b", "$HOME", "`id`", "*", "|x"]
    assert env == {"PATH": env["PATH"], "ROMON_REMOTE_ID": a.id, "ROMON_SERVICE": "root", "USER": "root", "LOGNAME": "root",
                   "HOME": "/root", "SHELL": env["SHELL"]} | ({"LC_CTYPE": env["LC_CTYPE"]} if "LC_CTYPE" in env else {})
    assert (uid, gid, cwd, leader) == (0, 0, "/", True)
    assert fds[:3] == ["0", "1", "2"] and len(fds) == 4, "one more for the listing itself"
    state = dict(line.split(":\t", 1) for line in state.splitlines() if ":\t" in line)
    own = status(os.getpid())
    assert (state["NoNewPrivs"], state["Seccomp"]) == (own["NoNewPrivs"], own["Seccomp"])
    assert (state["CapEff"], state["CapBnd"]) == (own["CapEff"], own["CapBnd"])
    assert int(state["SigBlk"], 16) == 0 and state["VmLck"].split()[0] == "0"
    assert int(state["SigIgn"], 16) & ~0x181001000 == 0, "but what Python itself and the C library (32, 33) ignore"
    assert tuple(core) == resource.getrlimit(resource.RLIMIT_CORE)
    assert tuple(memlock) == resource.getrlimit(resource.RLIMIT_MEMLOCK)
    with Stream(a, id=b.id, port=101) as stream:
        _, env, uid, gid, groups, *_, owner = json.loads(stream.all())
    assert (env["USER"], env["ROMON_SERVICE"]) == ("nobody", "user")
    assert uid == 65534 and gid == 65534 and set(groups) <= {65534}
    assert owner == 65534, "not hidden any more"


def test_a_socket_file_and_a_tcp_port(pair, lab):
    a, b = pair(f'add name=file port=100 to="unix:{lab.folder}/service"', "add name=tcp port=101 to=tcp:127.0.0.1:4711",
                "add name=none port=102 to=tcp:127.0.0.1:4712")
    b.ip("link", "set", "lo", "up")
    with namespace(b.netns):
        tcp = socket.create_server(("127.0.0.1", 4711))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(lab.folder / "service"))
    unix.listen()
    for port, server in ((100, unix), (101, tcp)):
        with Stream(a, id=b.id, port=port) as stream:
            server.settimeout(5)
            other, _ = server.accept()
            with other:
                stream.send_raw(b"question")
                stream.finish()
                assert other.recv(100, socket.MSG_WAITALL) == b"question"
                other.sendall(b"answer")
                other.shutdown(socket.SHUT_WR)
                assert stream.all() == b"answer"
        server.close()
    with Stream(a, id=b.id, port=102) as stream:
        assert stream.all() == b"", "nobody listens there: it ends"
    unix.close()
    (lab.folder / "service").unlink()
    assert stream_ends(a, b, 100)


def stream_ends(node, other, port):
    """A stream that is refused: it never opens, or ends without a byte."""
    try:
        with Stream(node, id=other.id, port=port) as stream:
            return stream.all() == b""
    except VarlinkError as error:
        return error.name in ("Refused", "NoSuchService")


def test_a_slow_reader_holds_the_program_back(pair):
    a, b = pair('add name=zeros port=100 to="exec:/bin/cat /dev/zero"')
    with Stream(a, id=b.id, port=100):
        def sent():
            (stream,) = b.varlink("GetStreams")["streams"]
            return stream["sent"] + stream["unsent"]
        before = -1

        def still():
            nonlocal before
            now = sent()
            before, same = now, now == before and now > 0
            return same
        wait(still, "nothing moves", 10)
        assert before < 4 << 20
        (stream,) = a.varlink("GetStreams")["streams"]
        assert stream["outgoing"] and stream["state"] == "open" and stream["unread"] <= 1 << 20
        assert (stream["address"], stream["identity"], stream["port"], stream["hops"]) == (b.id, stream["identity"], 100, 1)
    wait(lambda: not children(b), "cat ended")


def test_a_program_that_ends_at_once_or_is_killed(pair):
    a, b = pair('add name=true port=100 to="exec:/bin/true"', 'add name=echo port=101 to="exec:/bin/echo last words"',
                'add name=sleep port=102 to="exec:/bin/sleep 1000"', 'add name=absent port=103 to="exec:/nonexistent/program"',
                'add name=who port=104 to="exec:/bin/cat" user=no-such-user', f'add name=folder port=105 to="exec:/etc/passwd"')
    with Stream(a, id=b.id, port=100) as stream:
        assert stream.all() == b""
    with Stream(a, id=b.id, port=101) as stream:
        stream.send_raw(b"x" * 100000)
        assert stream.socket.recv(11, socket.MSG_WAITALL) == b"last words\n"
        with contextlib.suppress(ConnectionResetError):  # what we sent went to nobody, and that is told like this
            assert stream.all() == b""
    with Stream(a, id=b.id, port=102) as stream:
        (child,) = wait(lambda: children(b), "sleep runs")
        os.kill(child, 9)
        assert stream.all() == b""
    wait(lambda: "killed by signal 9" in b.daemon.log, "the log tells")
    assert all(stream_ends(a, b, port) for port in (103, 104, 105))
    assert "there is no user no-such-user" in b.daemon.log
    wait(lambda: not children(b) and not b.varlink("GetStreams")["streams"], "nothing is left")
    assert not a.varlink("GetStreams")["streams"]


def test_as_many_streams_as_may_be(pair):
    a, b = pair('add name=cat port=100 max-streams=3 to="exec:/bin/cat"')
    open_ones = [Stream(a, id=b.id, port=100) for _ in range(3)]
    for stream in open_ones:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"
    assert stream_ends(a, b, 100)
    assert len(children(b)) == 3 and "max-streams" in b.daemon.log
    listed = {s["name"]: s for s in b.varlink("GetServices")["services"]}
    assert (listed["cat"]["streams"], listed["cat"]["max_streams"]) == (3, 3)
    open_ones[0].close()
    wait(lambda: len(children(b)) == 2, "one ended")
    with Stream(a, id=b.id, port=100) as stream:
        stream.send_raw(b"y")
        assert stream.socket.recv(1) == b"y"
    for stream in open_ones:
        stream.close()


def test_only_enabled_services_are_reached(pair):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat" disabled=yes', "set ssh disabled=yes")
    assert refusal(a, id=b.id, port=100) == "NoSuchService"
    assert refusal(a, id=b.id, port=99) == "NoSuchService"
    assert refusal(a, id=b.id, service="ssh") == "NoSuchService"
    assert refusal(a, id=b.id, service="winbox") == "NoSuchService", "disabled unless somebody enables it"
    assert refusal(a, id=b.id, service="nothing") == "NoSuchService"
    assert refusal(a, id=a.id, port=100) == "Failed"
    assert refusal(a, id="nobody", port=100) == "NoSuchRouter"
    b.varlink("SetService", name="cat", values={"disabled": "no"})
    with Stream(a, id="b", port=100) as stream:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"
        b.varlink("SetService", name="cat", values={"disabled": "yes"})
        assert refusal(a, id=b.id, port=100) == "NoSuchService"
        stream.send_raw(b"y")
        assert stream.socket.recv(1) == b"y", "what is open stays open"
        b.varlink("Set", values={"enabled": "no"})
        assert stream.all() == b"", "until RoMON itself is disabled"
    wait(lambda: not children(b), "cat ended")


def test_what_leads_through_roots_rights_stands_in_the_file_alone(pair):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    before = b.config.read_text()
    for method, parameters in (
            ("AddService", {"values": {"name": "x", "port": "101", "to": "exec:/bin/sh"}}),
            ("AddService", {"values": {"name": "x", "port": "101", "to": "unix:/run/x"}}),
            ("AddService", {"values": {"name": "x", "port": "101", "to": "tcp:192.0.2.1:22"}}),
            ("SetService", {"name": "cat", "values": {"to": "exec:/bin/sh"}}),
            ("SetService", {"name": "cat", "values": {"user": "root"}}),
            ("SetService", {"name": "winbox", "values": {"to": "exec:/bin/sh"}})):
        with pytest.raises(VarlinkError) as caught:
            b.varlink(method, **parameters)
        assert caught.value.name == "Failed" and "root" in caught.value.parameters["reason"]
    assert b.config.read_text() == before
    assert b.varlink("AddService", values={"name": "web", "port": "80", "to": "tcp:127.0.0.1:80"}) == {"number": 3}
    b.varlink("SetService", name="cat", values={"max-streams": "7", "port": "102"})
    b.varlink("SetService", number=0, values={"disabled": "yes"})
    assert b.config.read_text() == before.replace("port=100", "port=102").replace("cat\"\n", "cat\" max-streams=7\n"
                                                                                  "add name=web port=80 to=tcp:127.0.0.1:80\n") \
        .replace("service\n", "service\nset ssh disabled=yes\n")
    b.varlink("RemoveService", name="web")
    with pytest.raises(VarlinkError) as caught:
        b.varlink("RemoveService", name="web")
    assert caught.value.name == "NoSuchService" and "service print" in caught.value.parameters["reason"]
    with pytest.raises(VarlinkError) as caught:
        b.varlink("RemoveService", name="ssh")
    assert caught.value.name == "Failed"
    b.config.write_text(services('add name=new port=100 to="exec:/bin/cat"'))
    b.daemon.reload()
    wait(lambda: "new" in [s["name"] for s in b.varlink("GetServices")["services"]], "what root wrote holds")
    with Stream(a, id=b.id, port=100) as stream:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"


def test_when_the_worker_dies_its_streams_end(pair):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    with Stream(a, id=b.id, port=100) as stream:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"
        (child,) = children(b)
        b.daemon.kill(b.daemon.worker())
        wait(lambda: not b.daemon.alive(), "romond ends with its worker")
        wait(lambda: not Path(f"/proc/{child}").exists() or status(child)["State"][0] == "Z", "cat ends")
        stream.send_raw(b"y")
        b.start(write=False)
        assert stream.all() == b"", "the new romond knows nothing of it, or nobody answers"


class Ends:
    """What AwaitEnd says of a stream, on a connection of its own."""

    def __init__(self, node, stream):
        self.control = Control(node.socket, 20)
        self.control.send("AwaitEnd", stream=stream.number)

    def answer(self):
        answer = self.control.receive()
        self.control.close()
        return answer.get("error", "").rpartition(".")[2] or answer["parameters"]["reason"]


def test_how_a_stream_ended(pair):
    """Of one that is open the answer comes when it is over: in good order, broken off by the other side, by its own client, with RoMON,
    and of one that a romond before this one had."""
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    with Stream(a, id=b.id, port=100) as stream:
        early = Ends(a, stream)
        stream.send_raw(b"x")
        stream.finish()
        assert stream.all() == b"x"
        assert early.answer() is None and Ends(a, stream).answer() is None
    with Stream(a, id=b.id, port=100) as broken, Stream(a, id=b.id, port=100) as other:
        assert len({stream.number, broken.number, other.number}) == 3
        early = Ends(a, broken)
        other.close()
        assert Ends(a, other).answer() is None
        b.varlink("Set", values={"enabled": "no"})
        assert broken.all() == b""
        assert early.answer() == Ends(a, broken).answer() == "reset by the other side"
    assert [end["reason"] for end in a.varlink("GetEnds")["ends"]][:1] == ["reset by the other side"]
    b.varlink("Set", values={"enabled": "yes"})
    with Stream(a, id=b.id, port=100) as stream:
        early = Ends(a, stream)
        a.varlink("Set", values={"enabled": "no"})
        assert early.answer() in ("NotRunning", "closed here") and Ends(a, stream).answer() == "closed here"
        shown = len(a.varlink("GetEnds")["ends"])
        a.stop()
        a.start(write=False)
        assert Ends(a, stream).answer() == "NoSuchStream"
    assert shown <= 2, "what ended here did not break off"


def test_connect_is_for_connections_that_become_a_stream(pair):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    for parameters in ({"id": b.id, "port": 100}, {"id": b.id}, {"id": b.id, "port": 1}, {"id": b.id, "port": 5, "service": "ssh"}):
        with pytest.raises(VarlinkError) as caught:
            a.varlink("Connect", **parameters)
        assert caught.value.name == "InvalidParameter"
    client = Control(a.socket)
    client.send_raw(b'{"method":"io.openromon.GetStats","upgrade":true}\0')
    assert client.receive()["parameters"] == {"parameter": "upgrade"}
    call = json.dumps({"method": "io.openromon.Connect", "parameters": {"id": b.id, "port": 100}, "upgrade": True}).encode()
    client.send_raw(call + b"\0too early")
    assert client.receive() is None
    client.close()
    wait(lambda: not a.varlink("GetStreams")["streams"], "its stream is gone")


@pytest.mark.skipif(not os.access("/usr/sbin/sshd", os.X_OK), reason="there is no OpenSSH server")
def test_ssh_is_there_without_being_asked_for(pair):
    a, b = pair()
    with Stream(a, id=b.id, service="ssh") as stream:
        assert stream.socket.recv(100).startswith(b"SSH-2.0-")
        (listed,) = b.varlink("GetStreams")["streams"]
        assert (listed["service"], listed["port"], listed["outgoing"], listed["address"]) == ("ssh", 3, False, a.id)
        (listed,) = a.varlink("GetStreams")["streams"]
        assert (listed["service"], listed["port"], listed["outgoing"], listed["path"]) == ("ssh", 3, True, [b.id])
    first = b.varlink("GetServices")["services"][0]
    assert first == {"name": "ssh", "port": 3, "to": "exec:/usr/sbin/sshd -i", "user": "root", "disabled": False, "max_streams": 10,
                     "comment": "", "default": True, "available": True, "streams": first["streams"]}


def test_why_a_stream_broke_off_can_be_asked(pair):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    with Stream(a, id=b.id, port=100) as stream:
        stream.finish()
        assert stream.all() == b""
    wait(lambda: not a.varlink("GetStreams")["streams"], "it ended")
    assert a.varlink("GetEnds") == {"ends": []}, "that was no breaking off"
    with Stream(a, id=b.id, port=100) as stream:
        stream.send_raw(b"x")
        assert stream.socket.recv(1) == b"x"
        address = b.id
        b.varlink("Set", values={"enabled": "no"})
        assert stream.all() == b""
    (end,) = a.varlink("GetEnds")["ends"]
    assert (end["address"], end["port"], end["reason"]) == (address, 100, "reset by the other side") and end["age"] < 5
    (told,) = a.json("streams", "ended")["ended"]
    assert (told["address"], told["port"], told["reason"]) == (address, 100, "reset by the other side")
    assert a.ok("streams", "ended").splitlines()[1].split() == [address, "100", "reset", "by", "the", "other", "side"]


def test_the_group_may_connect_but_not_change_services(pair, lab):
    a, b = pair('add name=cat port=100 to="exec:/bin/cat"')
    script = lab.folder / "group.py"
    script.write_text("import json, socket, sys\n"
                      "def call(method, upgrade=False, **parameters):\n"
                      "    s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(5)\n"
                      "    s.sendall(json.dumps({'method': 'io.openromon.' + method, 'parameters': parameters,"
                      " 'upgrade': upgrade}).encode() + b'\\0')\n"
                      "    return s, json.loads(s.makefile('rb').read1().rstrip(b'\\0')).get('error')\n"
                      "s, error = call('Connect', True, id=sys.argv[2], port=100)\n"
                      "s.sendall(b'x'); print(error, s.recv(1))\n"
                      "print(call('GetServices')[1], call('GetStreams')[1])\n"
                      "for call_ in (('SetService', dict(name='ssh', values={'disabled': 'yes'})), ('RemoveService', dict(number=2)),\n"
                      "              ('AddService', dict(values={'name': 'a', 'port': '9', 'to': 'tcp:127.0.0.1:9'}))):\n"
                      "    print(call(call_[0], **call_[1])[1])\n")
    os.chmod(a.socket, 0o666)  # as if that user were in the group
    done = subprocess.run(a.command("/usr/bin/python3", script, a.socket, b.id, user=(12345, 12345)), capture_output=True, text=True)
    assert done.stdout.splitlines() == ["None b'x'", "None None"] + ["io.openromon.PermissionDenied"] * 3, done.stderr
