# SPDX-License-Identifier: BSD-2-Clause
"""The control socket: Varlink's own methods, and clients that behave badly."""
import json
import socket
import stat

import pytest
from lab import Control, VarlinkError, wait


@pytest.fixture
def node(lab):
    node = lab.node("a")
    other = lab.node("b")
    lab.connect(node, "eth0", other, "eth0")
    node.start()
    return node


def serves(node):
    """It still answers another client, at once."""
    assert node.varlink("GetSettings")["settings"]["enabled"] is True


def test_varlink_describes_itself(node):
    info = node.varlink("org.varlink.service.GetInfo")
    assert "io.openromon" in info["interfaces"] and info["version"]
    text = node.varlink("org.varlink.service.GetInterfaceDescription", interface="io.openromon")["description"]
    assert text.lstrip().startswith(("#", "interface")) and "\nmethod Discover(" in text


@pytest.mark.parametrize("method, error", [("NoSuchMethod", "MethodNotFound"), ("no.such.Interface", "InterfaceNotFound")])
def test_unknown_methods(node, method, error):
    with pytest.raises(VarlinkError) as caught:
        node.varlink(method)
    assert caught.value.name == error
    serves(node)


@pytest.mark.parametrize("method, parameters", [
    ("Set", {"values": 1}), ("Set", {}), ("Ping", {}), ("Ping", {"id": 5}), ("Ping", {"id": "b", "count": -1}),
    ("Ping", {"id": "02:00:00:00:00:01", "size": 1 << 40}), ("Ping", {"id": "02:00:00:00:00:01", "count": 1, "interval": -1}),
    ("Ping", {"id": "02:00:00:00:00:01", "count": 1, "size": 3}), ("Discover", {"duration": "long"}),
    ("Discover", {"duration": -1}), ("Map", {}), ("SetPort", {"number": 99, "values": {}}),
    ("RemovePort", {"number": -1}), ("RemovePort", {"number": 0}),
    ("AddPort", {"values": {"interface": "x" * 1000}})])
def test_wrong_parameters(node, method, parameters):
    with pytest.raises(VarlinkError):
        node.varlink(method, **parameters)
    serves(node)


def test_a_client_that_talks_nonsense(node):
    for data in (b"\0", b"{}\0", b"nonsense\0", b"[1,2]\0", b'{"method":5}\0', b'{"method":"io.openromon.Set","parameters":[]}\0',
                 b"\xff\xfe\xfd\0", b"[" * 50000 + b"\0", b'{"method":"\\u0000"}\0'):
        client = Control(node.socket)
        client.send_raw(data)
        answer = client.receive()  # an error, or the end of the connection
        assert answer is None or answer["error"]
        client.close()
        serves(node)


def test_half_a_message_waits(node):
    client = Control(node.socket)
    call = json.dumps({"method": "io.openromon.GetSettings"}).encode() + b"\0"
    for byte in range(len(call)):
        client.send_raw(call[byte:byte + 1])
        if byte == len(call) // 2:
            serves(node)
    assert client.receive()["parameters"]["settings"]["enabled"] is True
    client.send_raw(call[:10])
    client.close()
    serves(node)


def test_several_calls_in_one_piece(node):
    client = Control(node.socket)
    call = json.dumps({"method": "io.openromon.GetSettings"}).encode() + b"\0"
    client.send_raw(call * 5)
    assert all("settings" in client.receive()["parameters"] for _ in range(5))


def test_a_message_of_a_mebibyte(node):
    client = Control(node.socket)
    try:
        client.send_raw(b'{"method":"io.openromon.GetSettings","parameters":{"x":"' + b"x" * (1 << 20) + b'"}}\0')
        answer = client.receive()
        assert answer is None or answer["error"]
    except (BrokenPipeError, ConnectionResetError):
        pass
    serves(node)


def test_a_client_that_never_reads(node):
    """Its answers pile up to a bound, and nobody else waits for it."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.connect(str(node.socket))
    client.setblocking(False)
    call = json.dumps({"method": "org.varlink.service.GetInterfaceDescription",
                       "parameters": {"interface": "io.openromon"}}).encode() + b"\0"
    sent = 0
    try:
        while sent < 20000:  # 60 MB of answers
            client.send(call)
            sent += 1
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    assert sent > 100
    serves(node)
    lines = open(f"/proc/{node.daemon.worker()}/status").read()
    assert int(lines.split("VmRSS:")[1].split()[0]) < 300 * 1024
    client.close()
    serves(node)


def test_many_clients(node):
    """More clients than it has room for: those beyond are turned away, and when some leave there is room again."""
    clients = []
    for _ in range(1100):
        try:
            clients.append(Control(node.socket, timeout=2))
        except OSError:
            break
    wait(lambda: node.daemon.alive(), "it lives")
    for client in clients:
        client.close()
    wait(lambda: node.answers(), "it answers again")


def test_a_client_that_leaves_ends_its_discovery(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    lab.start(a, b)
    wire = a.wire("eth0")
    client = Control(a.socket)
    client.send("Discover", more=True)
    assert "routers" in client.receive()["parameters"]
    wait(lambda: any(f.type == 1 for f in wire.sent()), "it asks")
    client.close()
    wait(lambda: not wire.sent_within(1.5), "silence", 5)


def test_discover_with_more_tells_changes(lab):
    a, b = lab.node("a"), lab.node("b")
    lab.connect(a, "eth0", b, "eth0")
    lab.start(a, b)
    client = Control(a.socket)
    client.send("Discover", more=True, duration=3)
    tables = []
    while not tables or tables[-1].get("continues"):
        tables.append(client.receive())
    assert [r["address"] for r in tables[-1]["parameters"]["routers"]] == [b.id] and len(tables) > 1


def test_mode_and_owner_of_the_socket(node):
    found = node.socket.stat()
    assert stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_uid == 0
