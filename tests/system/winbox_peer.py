# SPDX-License-Identifier: BSD-2-Clause
"""Both peers of the WinBox agent, for tests: a client that logs in to it, and a target that waits behind a RoMON stream. Both speak
through tests/system/winbox.py and share nothing with the C code."""
import contextlib
import itertools
import os
import socket
import threading

import winbox
from winbox import RAW, STRING

TO, FROM, TYPE, STATUS, REPLY, REQUEST, COMMAND, ERROR, ERROR_TEXT = (0xFF0000 + n for n in range(1, 10))
TRACE = 0xFF001C
ID, RECORDS, NEXT, FINISHED = 0xFE0001, 0xFE0002, 0xFE0003, 0xFE000B
GETALL, GET, START, POLL, CANCEL, ENDED = 0xFE0004, 0xFE000D, 0xFE000F, 0xFE0010, 0xFE0011, 0xFE0014
NO_PATH, NO_COMMAND, NO_ID, FAILED, DENIED, BUSY = 0xFE0002, 0xFE0003, 0xFE0004, 0xFE0006, 0xFE0009, 0xFE000C
PORT = 8291


class Refused(Exception):
    """The login was: with the server's text."""


class Wire:
    """Frames on a socket."""

    def __init__(self, sock):
        self.socket, self.buffer, self.keys_in, self.keys_out = sock, b"", None, None
        self.lock = threading.Lock()

    def take(self, n):
        while len(self.buffer) < n:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed")
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def chunk(self):
        length, tag = self.take(2)
        return tag, self.take(length)

    def login_frame(self):
        tag, data = self.chunk()
        assert tag == 6 and len(data) < 255
        return data

    def frame(self):
        tag, frame = self.chunk()
        while (tag, frame) == (0xFF, b""):
            tag, frame = self.chunk()
        assert tag == 6, tag
        length = 18 + int.from_bytes(frame[:2], "big")
        while len(frame) < length:
            tag, data = self.chunk()
            assert tag == 0xFF and data
            frame += data
        assert len(frame) == length
        return frame

    def secret(self, secret, client):
        mine, theirs = ("C>S", "S>C") if client else ("S>C", "C>S")
        self.keys_out, self.keys_in = winbox.Keys(secret, mine), winbox.Keys(secret, theirs)

    def send(self, message, **options):
        data = message if isinstance(message, bytes) else winbox.encode(message)
        with self.lock:
            self.socket.sendall(winbox.chunks(self.keys_out.seal(data, **options)))

    def receive_bytes(self):
        return self.keys_in.open(self.frame())

    def receive(self):
        return winbox.decode(self.receive_bytes())

    def close(self):
        self.socket.close()


class Client(Wire):
    """WinBox, as far as an agent is concerned. Answers are found by their request id; what else comes is kept in `pushed`."""

    def __init__(self, sock, login="noc+r", password="secret", scalar=None):
        super().__init__(sock)
        self.numbers, self.pushed, self.answers = itertools.count(1), [], {}
        self.srp = winbox.Client(login.encode(), password.encode(), scalar)
        self.socket.sendall(winbox.chunks(self.srp.hello()))
        challenge = self.login_frame()
        self.socket.sendall(winbox.chunks(self.srp.confirm(challenge)))
        answer = self.login_frame()
        if len(answer) != 32:
            raise Refused(answer.decode())
        self.secret(self.srp.check(answer), client=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def ask(self, to, command, sender=(0, 11), **fields):
        """Sends a request; fields are k4=value for key 4. Returns its number."""
        number = next(self.numbers)
        extra = {int(key[1:], 16): value for key, value in fields.items()}
        self.send({TO: list(to), FROM: list(sender), REPLY: True, REQUEST: number, COMMAND: command, **extra})
        return number

    def answer(self, number):
        while number not in self.answers:
            message = self.receive()
            if message.get(TYPE) == 2 and REQUEST in message:
                self.answers[message[REQUEST]] = message
            else:
                self.pushed.append(message)
        return self.answers.pop(number)

    def request(self, to, command, **fields):
        return self.answer(self.ask(to, command, **fields))

    def push(self):
        """The next message that answers nothing."""
        while not self.pushed:
            message = self.receive()
            if message.get(TYPE) == 2 and REQUEST in message:
                self.answers[message[REQUEST]] = message
            else:
                self.pushed.append(message)
        return self.pushed.pop(0)

    def connect_fields(self, target, user="admin", password="geheim"):
        return {"k4": (RAW, bytes.fromhex(target.replace(":", ""))), "k6": True, "k7": (STRING, user), "k8": (STRING, password)}

    def connect(self, target, user="admin", password="geheim"):
        """Opens a link. Returns the whole answer."""
        return self.request([2], 2001, **self.connect_fields(target, user, password))


class Target:
    """A WinBox service on a Unix socket, one thread a connection. handle(wire, message bytes) answers; refuse counts down logins that are
    refused although they are right."""

    def __init__(self, path, users=(("admin", "geheim"),), handle=None, refuse=0):
        self.path, self.handle, self.refuse = str(path), handle or echo, refuse
        self.accounts = {name.encode(): winbox.account(name.encode(), password.encode(), os.urandom(16)) for name, password in users}
        self.logins, self.sessions, self.lock = [], [], threading.Lock()
        self.closed = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen(64)
        self.threads = [threading.Thread(target=self.accept, daemon=True)]
        self.threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.closed.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for wire in list(self.sessions):
            with contextlib.suppress(OSError):
                wire.socket.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join(10)
        os.unlink(self.path)

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(Wire(connection),), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, wire):
        try:
            self.sessions.append(wire)
            if not self.log_in(wire):
                return
            while True:
                self.handle(wire, wire.receive_bytes())
        except OSError:
            pass
        finally:
            self.sessions.remove(wire)
            wire.close()

    def log_in(self, wire):
        server = winbox.Server(self.accounts)
        hello = wire.login_frame()
        self.logins.append(hello.split(b"\0")[0].decode())
        wire.socket.sendall(winbox.chunks(server.challenge(hello)))
        result = server.check(wire.login_frame())
        with self.lock:
            refuse, self.refuse = self.refuse > 0, max(0, self.refuse - 1)
        if result is None or refuse:
            wire.socket.sendall(winbox.chunks(winbox.REFUSED))
            return False
        wire.socket.sendall(winbox.chunks(result[0]))
        wire.secret(result[1], client=False)
        return True


def echo(wire, data):
    """Answers with all that was asked, as a handler of the target's."""
    message = winbox.decode(data)
    if not message.get(REPLY):
        return
    kept = {key: value for key, value in message.items() if key < 0xFF0000}
    wire.send({TO: message[FROM], FROM: message[TO], TYPE: 2, REQUEST: message[REQUEST], **kept})
