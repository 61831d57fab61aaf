#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Streams over wires that lose and delay, beside the kernel's TCP over the very same ones. Prints one JSON object a row: what of the rows
says, the MB/s of ours and of TCP that reached the far end within some seconds, and their ratio.

    bench_lossy.py [--seconds=N] [--only=TEXT]

Needs root, for its network namespaces, and a build with the emulator in ROMON_BUILD. Over 3 hops, TCP is routed by the same machines in
the middle. Where there is loss, single runs differ: take more seconds to compare."""
import argparse
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "system"), str(Path(__file__).resolve().parents[1])]

from emulator import Emulated  # noqa: E402
from lab import PORTS, Lab, conf, wait  # noqa: E402
from wire import namespace  # noqa: E402

SINK, TCP_PORT = 2000, 4711
CASES = [
    ("nothing lost, no delay, 1 hop", 1, Emulated()),
    ("nothing lost, no delay, 3 hops", 3, Emulated()),
    ("nothing lost, 5 ms a wire, 3 hops", 3, Emulated(delay=0.005)),
    ("0.1 % lost, 5 ms, 1 hop", 1, Emulated(loss=0.001, delay=0.005)),
    ("1 % lost, 5 ms, 1 hop", 1, Emulated(loss=0.01, delay=0.005)),
    ("1 % lost, 5 % reordered, 1 % doubled, 5 ms, 3 hops", 3, Emulated(loss=0.01, reorder=0.05, duplicate=0.01, delay=0.005)),
    ("10 % lost, 20 ms, 1 hop", 1, Emulated(loss=0.1, delay=0.02)),
    ("10 % lost, 20 ms, 3 hops", 3, Emulated(loss=0.1, delay=0.02)),
    ("100 Mbit/s, 5 ms, queue of 64 KiB, 1 hop", 1, Emulated(rate=100e6, limit=64 << 10, delay=0.005)),
    ("10 Mbit/s, 20 ms, queue of 64 KiB, 3 hops", 3, Emulated(rate=10e6, limit=64 << 10, delay=0.02)),
]


def romon(nodes, seconds):
    """MB/s of one stream."""
    far = nodes[-1]
    with open("/dev/zero", "rb") as zeros:
        begin = time.monotonic()
        process = subprocess.Popen(nodes[0].romon_line("connect", far.id, str(SINK)), stdin=zeros, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
    try:
        time.sleep(seconds)
        received = sum(stream["received"] for stream in far.varlink("GetStreams")["streams"])
        return received / (time.monotonic() - begin) / 1e6
    finally:
        process.kill()
        process.wait()


def addresses(nodes):
    """Gives every wire a network, lets all nodes forward, and returns the address of the far end."""
    for number, (left, right) in enumerate(zip(nodes, nodes[1:])):
        left.ip("addr", "add", f"10.9.{number}.1/24", "dev", "eth1")
        right.ip("addr", "add", f"10.9.{number}.2/24", "dev", "eth0")
    for number, node in enumerate(nodes):
        with namespace(node.netns):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        for there in range(len(nodes) - 1):
            if there > number:
                node.ip("route", "add", f"10.9.{there}.0/24", "via", f"10.9.{number}.2")
            elif there < number - 1:
                node.ip("route", "add", f"10.9.{there}.0/24", "via", f"10.9.{number - 1}.1")
    return f"10.9.{len(nodes) - 2}.2"


def tcp(nodes, seconds):
    """MB/s of one connection of the kernel's, with the congestion control that ours has, too."""
    address, received = addresses(nodes), 0
    with namespace(nodes[-1].netns):
        server = socket.create_server((address, TCP_PORT))
    with namespace(nodes[0].netns):
        begin = time.monotonic()
        client = socket.create_connection((address, TCP_PORT), 30)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"cubic")

    def send():
        block = bytes(1 << 16)
        try:
            while True:
                client.sendall(block)
        except OSError:  # the end, see below
            pass
    with server, client:
        client.settimeout(None)
        sock, _ = server.accept()
        sender = threading.Thread(target=send)
        sender.start()
        with sock:
            sock.settimeout(0.1)
            while time.monotonic() - begin < seconds:
                try:
                    received += len(sock.recv(1 << 20))
                except socket.timeout:
                    pass
            took = time.monotonic() - begin
            client.shutdown(socket.SHUT_RDWR)
            sender.join()
    return received / took / 1e6


def run(name, hops, wire, seconds):
    with Lab() as lab:
        nodes = lab.line(hops + 1, wire=wire)
        lab.start(*nodes, configs={node.name: conf(f"identity={node.name} board=lab", PORTS) + "/tool romon service\n"
                                   f'add name=sink port={SINK} to="exec:/usr/bin/wc -c"\n' for node in nodes})
        ours = romon(nodes, seconds)
        wait(lambda: not nodes[0].varlink("GetStreams")["streams"], "the stream has gone", 30)
        against = tcp(nodes, seconds)
    return {"row": f"{name}: against the kernel's TCP (CUBIC)", "ours": round(ours, 3), "against": round(against, 3), "unit": "MB/s",
            "ratio": round(ours / against, 2) if against else None}


def main():
    parser = argparse.ArgumentParser(description="streams over bad wires, beside the kernel's TCP")
    parser.add_argument("--seconds", type=float, default=10, help="of each of both, for each row")
    parser.add_argument("--only", default="", help="rows with this text in their name")
    options = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("bench_lossy.py: needs root, for its network namespaces")
    for name, hops, wire in CASES:
        if options.only in name:
            print(json.dumps(run(name, hops, wire, options.seconds)), flush=True)


if __name__ == "__main__":
    main()
