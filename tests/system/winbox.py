# SPDX-License-Identifier: BSD-2-Clause
"""WinBox's protocol, a second time and independently of the C code: EC-SRP5 on the Montgomery form with Python's integers, chunks,
encryption by `cryptography`, M2. For tests only: slow, and constant in nothing. It relies on ../shared/winbox.md, sections A to D."""
import hashlib
import hmac
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

P = 2**255 - 19
R = 2**252 + 27742317777372353535851937790883648493
A = 486662
REFUSED = b"invalid user name or password (6)"


class Broken(Exception):
    """What came is not this protocol."""


# The curve. A point is (x, y), None is infinity.

def lift(x, parity):
    """The point with this x, or None."""
    x %= P
    w = (x**3 + A * x * x + x) % P
    root = pow(w, (P + 3) // 8, P)
    if root * root % P != w:
        root = root * pow(2, (P - 1) // 4, P) % P
    if root * root % P != w:
        return None
    return (x, root if root % 2 == parity else (-root) % P)


BASE = lift(9, 0)


def add(p, q):
    if p is None or q is None:
        return p or q
    if p[0] == q[0]:
        if (p[1] + q[1]) % P == 0:
            return None
        slope = (3 * p[0] * p[0] + 2 * A * p[0] + 1) * pow(2 * p[1], -1, P)
    else:
        slope = (q[1] - p[1]) * pow(q[0] - p[0], -1, P)
    x = (slope * slope - A - p[0] - q[0]) % P
    return (x, (slope * (p[0] - x) - p[1]) % P)


def multiply(scalar, point):
    result = None
    for bit in bin(scalar)[2:]:
        result = add(result, result)
        if bit == "1":
            result = add(result, point)
    return result


def x_bytes(point):
    return point[0].to_bytes(32, "big")


def wire(point):
    return x_bytes(point) + bytes([point[1] % 2])


def point(data):
    found = lift(int.from_bytes(data[:32], "big"), data[32])
    if found is None:
        raise Broken("no point")
    return found


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def redp1(x, parity):
    seed = int.from_bytes(sha256(x), "big")
    while True:
        found = lift(int.from_bytes(sha256(seed.to_bytes(32, "big")), "big"), parity)
        if found:
            return found
        seed = (seed + 1) % 2**256


# EC-SRP5

def private_validator(name, password, salt):
    return int.from_bytes(sha256(salt, sha256(name + b":" + password)), "big")


def account(name, password, salt):
    """What a server keeps: (salt, gamma)."""
    return salt, multiply(private_validator(name, password, salt), BASE)


class Client:
    def __init__(self, login, password, scalar=None):
        self.login, self.password = login, password
        self.a = scalar if scalar is not None else int.from_bytes(os.urandom(32), "big")
        self.key = multiply(self.a, BASE)

    def hello(self):
        return self.login + b"\0" + wire(self.key)

    def confirm(self, challenge):
        if len(challenge) != 49:
            raise Broken(f"a challenge of {len(challenge)} bytes: {challenge!r}")
        server, salt = challenge[:33], challenge[33:]
        i = private_validator(self.login.split(b"+")[0], self.password, salt)
        gamma = multiply(i, BASE)
        self.j = sha256(x_bytes(self.key), server[:32])
        b = add(point(server), redp1(x_bytes(gamma), 1))
        self.z = x_bytes(multiply((i * int.from_bytes(self.j, "big") + self.a) % R, b))
        self.confirmation = sha256(self.j, self.z)
        return self.confirmation

    def check(self, confirmation):
        if confirmation != sha256(self.j, self.confirmation, self.z):
            raise Broken(f"not the server's confirmation: {confirmation!r}")
        return sha256(self.z)


class Server:
    """accounts: name -> (salt, gamma)"""

    def __init__(self, accounts, scalar=None):
        self.accounts = accounts
        self.b = scalar if scalar is not None else int.from_bytes(os.urandom(32), "big")

    def challenge(self, hello):
        self.login, rest = hello.split(b"\0", 1)
        self.salt, self.gamma = self.accounts[self.login.split(b"+")[0]]
        self.client = rest[:33]
        self.key = add(multiply(self.b, BASE), redp1(x_bytes(self.gamma), 0))
        return wire(self.key) + self.salt

    def check(self, confirmation):
        """(confirmation, secret), or None for a wrong password."""
        j = sha256(self.client[:32], x_bytes(self.key))
        z = x_bytes(multiply(self.b, add(point(self.client), multiply(int.from_bytes(j, "big"), self.gamma))))
        if confirmation != sha256(j, z):
            return None
        return sha256(j, confirmation, z), sha256(z)


# Frames

class Keys:
    """Of one direction."""
    TEXTS = {"C>S": b"On the client side, this is the send key; on the server side, it is the receive key.",
             "S>C": b"On the client side, this is the receive key; on the server side, it is the send key."}

    def __init__(self, secret, direction):
        seed = hashlib.sha1(secret + bytes(40) + self.TEXTS[direction] + b"\xf2" * 40).digest()[:16]
        prk = hmac.digest(bytes(64), seed, "sha1")
        first = hmac.digest(prk, b"\1", "sha1")
        okm = first + hmac.digest(prk, first + b"\2", "sha1")
        self.aes, self.mac = okm[:16], okm[16:36]

    def seal(self, message, iv=None, long_padding=False):
        iv = iv or os.urandom(16)
        plain = message + hmac.digest(self.mac, message, "sha1")
        n = 15 - len(plain) % 16
        plain += b"\0" + b"\x10" * 16 if n == 0 and long_padding else bytes([n]) * (n + 1)
        encryptor = Cipher(algorithms.AES(self.aes), modes.CBC(iv)).encryptor()
        text = encryptor.update(plain) + encryptor.finalize()
        return struct.pack(">H", len(text)) + iv + text

    def open(self, frame):
        decryptor = Cipher(algorithms.AES(self.aes), modes.CBC(frame[2:18])).decryptor()
        plain = decryptor.update(frame[18:]) + decryptor.finalize()
        plain = plain[:-(plain[-1] + 1)]
        message, mac = plain[:-20], plain[-20:]
        if hmac.digest(self.mac, message, "sha1") != mac:
            raise Broken("wrong MAC")
        return message


def chunks(frame, tag=6):
    out = b""
    while frame:
        out += bytes([min(len(frame), 255), tag]) + frame[:255]
        frame, tag = frame[255:], 0xFF
    return out


# M2. A message is a dict {(key): value}; a value is written by its Python type, or by an explicit (kind, value).

BOOL, U32, U64, IPV6, STRING, MESSAGE, RAW = range(7)
ARRAY = 16
SIZES = {BOOL: 1, U32: 4, U64: 8, IPV6: 16}


def kind_of(value):
    if isinstance(value, list):
        return ARRAY + (kind_of(value[0]) if value else U32)
    return {bool: BOOL, int: U32, str: STRING, bytes: RAW, dict: MESSAGE}[type(value)]


def blob(kind, value):
    return encode(value) if kind == MESSAGE else value.encode() if kind == STRING else value


def encode_field(key, kind, value):
    short, data = 0, b""
    if kind == BOOL:
        short = int(value)
    elif kind == U32:
        short = value <= 255
        data = struct.pack("<B" if short else "<I", value)
    elif kind in (U64, IPV6):
        data = value if kind == IPV6 else struct.pack("<Q", value)
    elif kind < ARRAY:
        data = blob(kind, value)
        short = len(data) <= 255
        data = struct.pack("<B" if short else "<H", len(data)) + data
    else:
        data = struct.pack("<H", len(value))
        for item in value:
            if kind - ARRAY in SIZES:
                data += item if kind - ARRAY == IPV6 else item.to_bytes(SIZES[kind - ARRAY], "little")
            else:
                item = blob(kind - ARRAY, item)
                data += struct.pack("<H", len(item)) + item
    return key.to_bytes(3, "little") + bytes([kind * 8 + int(short)]) + data


def encode(message):
    out = b"M2"
    for key, value in message.items():
        kind, value = value if isinstance(value, tuple) else (kind_of(value), value)
        out += encode_field(key, kind, value)
    return out


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Broken("a field beyond the end")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "little")


def decode_value(cursor, kind, flags):
    width = {0: 2, 1: 1, 2: 4}[flags]
    if kind == BOOL:
        return bool(flags)
    if kind == U32:
        return cursor.number(1 if flags else 4)
    if kind == U64:
        return cursor.number(8)
    if kind == IPV6:
        return cursor.take(16)
    if kind < ARRAY:
        return unblob(kind, cursor.take(cursor.number(width)))
    kind -= ARRAY
    return [(cursor.take(16) if kind == IPV6 else cursor.number(SIZES[kind])) if kind in SIZES
            else unblob(kind, cursor.take(cursor.number(width))) for _ in range(cursor.number(width))]


def unblob(kind, data):
    return decode(data) if kind == MESSAGE else data.decode() if kind == STRING else data


def decode(data, kinds=None):
    """A message; kinds, if given, takes {key: kind}."""
    cursor, message = Cursor(data), {}
    if cursor.take(2) != b"M2":
        raise Broken("no message")
    while cursor.at < len(data):
        key, kind = cursor.number(3), cursor.number(1)
        value = decode_value(cursor, kind >> 3, kind & 7)
        message.setdefault(key, value)
        if kinds is not None:
            kinds.setdefault(key, kind >> 3)
    return message
