# SPDX-License-Identifier: BSD-2-Clause
"""A romond that is none: it speaks the wire form of the control socket and answers what a test tells it to. So the tests of the
command need neither root nor a network, and can say what no real daemon would."""
import json
import re
import socket
import threading
from pathlib import Path

INTERFACE = Path(__file__).resolve().parents[2] / "src/control/io.openromon.varlink"
TYPES = {"bool": {bool}, "string": {str}, "int": {int}, "float": {int, float}, "[string]string": {dict}}


def methods():
    """The parameters of each method of the interface file, as name: (types, may be absent)."""
    text = re.sub(r"#.*", "", INTERFACE.read_text())
    return {name: {field: (TYPES[kind.lstrip("?")], kind.startswith("?"))
                   for field, kind in re.findall(r"(\w+):\s*([^,()\s]+)", parameters)}
            for name, parameters in re.findall(r"method (\w+)\(([^)]*)\)", text)}


METHODS = methods()


class Connection:
    """One client, and what it has called."""

    def __init__(self, sock):
        self.sock = sock
        self.input = b""

    def read(self):
        """The next message, or None when the client has gone."""
        while b"\0" not in self.input:
            got = self.sock.recv(65536)
            if not got:
                return None
            self.input += got
        message, self.input = self.input.split(b"\0", 1)
        return json.loads(message)

    def raw(self, data):
        self.sock.sendall(data)

    def reply(self, parameters, continues=False):
        self.raw(json.dumps({"parameters": parameters, **({"continues": True} if continues else {})}).encode() + b"\0")

    def error(self, name, **parameters):
        name = name if "." in name else f"io.openromon.{name}"
        self.raw(json.dumps({"error": name, "parameters": parameters}).encode() + b"\0")

    def wait_gone(self):
        """Until the client closes its end."""
        return self.read() is None


class FakeRomond:
    """Serves on a socket at path until closed. answers[method] is the parameters of the one answer, or a function that takes the
    Connection and the call's parameters and may do anything. calls holds what was called; faults, what no call should be."""

    def __init__(self, path):
        self.path = str(path)
        self.answers = {}
        self.calls = []
        self.faults = []
        self.gone = threading.Event()  # a client has closed its connection
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.connections = []
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(sock)
            self.threads.append(threading.Thread(target=self.serve, args=(sock,)))
            self.threads[-1].start()

    def serve(self, sock):
        connection = Connection(sock)
        try:
            while (call := connection.read()) is not None:
                self.answer(connection, call)
        except OSError:
            pass  # the client went away in the middle of an answer
        finally:
            sock.close()
            self.gone.set()

    def answer(self, connection, call):
        method, parameters = call["method"].removeprefix("io.openromon."), call.get("parameters", {})
        self.faults += self.check(method, parameters)
        if (method == "Connect") != call.get("upgrade", False):
            self.faults.append(f"{method}: upgrade is {call.get('upgrade', False)}")
        self.calls.append((method, parameters, call.get("more", False)))
        answer = self.answers.get(method, {})
        if callable(answer):
            answer(connection, parameters)
        else:
            connection.reply(answer)

    @staticmethod
    def check(method, parameters):
        """What of a call the interface file does not allow."""
        if method not in METHODS:
            return [f"no such method: {method}"]
        known = METHODS[method]
        missing = [name for name, (_, optional) in known.items() if not optional and name not in parameters]
        return ([f"{method}: unknown parameter {name}" for name in parameters.keys() - known.keys()] +
                [f"{method}: {name} is missing" for name in missing] +
                [f"{method}: {name} is {value!r}" for name, value in parameters.items()
                 if name in known and type(value) not in known[name][0]])

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self.connections:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed already
        for thread in self.threads:
            thread.join()
