# SPDX-License-Identifier: BSD-2-Clause
"""One flow of bytes, for the rows about streams: the same two programs at both ends, whatever lies between.

    flow.py sink unix:PATH|tcp:ADDRESS:PORT     takes connections; of each one line of JSON: how many bytes came in which time
    flow.py pour tcp:ADDRESS:PORT SECONDS       sends zeros for so long
    flow.py pour romon:SOCKET,ID,PORT SECONDS   the same through romond with this control socket
    flow.py pour pipe:ROMON,SOCKET,ID,PORT SECONDS  the same by a pipe to the command romon connect"""
import json
import os
import socket
import subprocess
import sys
import time

PIECE = 256 * 1024


def listener(where):
    kind, _, rest = where.partition(":")
    if kind == "unix":
        made = socket.socket(socket.AF_UNIX)
        made.bind(rest)
        os.chmod(rest, 0o777)
    else:
        host, _, port = rest.rpartition(":")
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, int(port)))
    made.listen()
    return made


def sink(where):
    door, room = listener(where), bytearray(PIECE)
    print("ready", flush=True)
    while True:
        taken, first = 0, None
        connection, _ = door.accept()
        with connection:
            while True:
                got = connection.recv_into(room)
                first = first or time.monotonic()
                if got == 0:
                    break
                taken += got
        print(json.dumps({"bytes": taken, "seconds": time.monotonic() - first}), flush=True)


def through_romond(where):
    path, router, port = where.split(",")
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
    call = {"method": "io.openromon.Connect", "parameters": {"id": router, "port": int(port)}, "upgrade": True}
    made.sendall(json.dumps(call).encode() + b"\0")
    answer = b""
    while not answer.endswith(b"\0"):
        piece = made.recv(1)
        if not piece:
            sys.exit("flow.py: romond closed the connection")
        answer += piece
    if json.loads(answer[:-1]).get("error"):
        sys.exit(f"flow.py: {answer[:-1].decode()}")
    return made


def pipe(where, seconds):
    romon, path, router, port = where.split(",")
    with subprocess.Popen([romon, "-s", path, "connect", router, port], stdin=subprocess.PIPE, bufsize=0) as process:
        data, end = memoryview(bytes(PIECE)), time.monotonic() + seconds
        while time.monotonic() < end:
            process.stdin.write(data)
    sys.exit(process.returncode)


def pour(where, seconds):
    kind, _, rest = where.partition(":")
    if kind == "pipe":
        pipe(rest, seconds)
    if kind == "romon":
        made = through_romond(rest)
    else:
        host, _, port = rest.rpartition(":")
        made = socket.create_connection((host, int(port)))
    data, end = bytes(PIECE), time.monotonic() + seconds
    while time.monotonic() < end:
        made.sendall(data)
    made.shutdown(socket.SHUT_WR)
    while made.recv(PIECE):  # until the other end has all of it
        pass


if sys.argv[1] == "sink":
    sink(sys.argv[2])
else:
    pour(sys.argv[2], float(sys.argv[3]))
