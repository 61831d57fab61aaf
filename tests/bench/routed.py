# SPDX-License-Identifier: BSD-2-Clause
"""A line of routers for measurements: romond and the kernel's IP routing over the very same veth pairs, side by side."""
import atexit
import contextlib
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import debian
from lab import Lab, conf, wait
from measure import Absent
from wire import namespace

SERVICES = "/tool romon service\n"
DATAPATHS = ["packet", "xdp"]  # what a romond may offer
OFFLOADS = ["tso", "gso", "gro", "tx", "rx", "sg"]


@functools.lru_cache
def unpacked(package):
    """The root of a package that is not installed; it goes at the end."""
    place = Path(tempfile.mkdtemp(prefix="openromon-peer-"))
    atexit.register(shutil.rmtree, place)
    try:
        return debian.unpack(package, place)
    except debian.Missing as reason:
        raise Absent(f"no {package}: {reason}") from None


def program(name, package):
    """The path of a peer's program, or of a script that runs it where its package is not installed; Absent if it cannot be had."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/bin:/bin")
    if found:
        return found
    root = unpacked(package)
    path = next((root / folder / name for folder in ("usr/sbin", "usr/bin", "sbin", "bin") if (root / folder / name).exists()), None)
    if not path:
        raise Absent(f"no {name} in {package}")
    script = root.parent / name
    script.write_text(f'#!/bin/sh\nexport LD_LIBRARY_PATH="{debian.libraries(root)}"\nexec "{path}" "$@"\n')
    script.chmod(0o755)
    return str(script)


@contextlib.contextmanager
def folder(path):
    """A folder that a peer's service would have made; it goes again if we made it."""
    path = Path(path)
    mine = not path.exists()
    path.mkdir(exist_ok=True)
    try:
        yield
    finally:
        if mine:
            shutil.rmtree(path)


def datapath_settings(datapath):
    """What the settings of a configuration say to get it; a romond that offers but one has no such property."""
    return f" datapath={datapath}" if datapath != "packet" or has_datapaths() else ""


@functools.lru_cache
def has_datapaths():
    """Can this romond choose between data paths?"""
    with Lab() as lab:
        return accepts(lab.node("try"), "datapath=packet")


def accepts(node, settings):
    """Does romond start with these settings?"""
    daemon = node.start(conf(settings), expect=False)
    wait(lambda: node.answers() or not daemon.alive(), "romond answers or refuses", 15)
    good = daemon.alive()
    daemon.killed = True  # its status is no fault
    return good


def need_datapath(lab, datapath):
    """Absent if romond does not offer it on this machine. packet is what every romond has."""
    if datapath != "packet" and not accepts(lab.node("try"), f"datapath={datapath}"):
        raise Absent(f"this romond has no datapath={datapath}")


def used_datapath(node, datapath):
    """Absent unless every port of the node runs on it, with the reason that romond gives."""
    for port in node.varlink("GetPorts")["ports"]:
        for member in port["members"]:
            used = member.get("datapath", "packet")
            if not used.startswith(datapath):
                raise Absent(f"{member['interface']} runs on {used}, not {datapath}: {member.get('datapath_reason') or 'no reason given'}")


def offloads_off(node):
    """Every frame goes through the line as it would go through wires between machines without such help."""
    ethtool = program("ethtool", "ethtool")
    for name in node.links():
        if name.startswith("eth"):
            for feature in OFFLOADS:
                subprocess.run(["ip", "netns", "exec", node.netns, ethtool, "-K", name, feature, "off"], check=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def address(link, end):
    """IP address on link number `link` of the line: end 1 is the left one, 2 the right one."""
    return f"10.77.{link}.{end}"


def route(nodes):
    """Gives the line addresses and routes, so that IP works from any node to any other."""
    for number, node in enumerate(nodes):
        with namespace(node.netns):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        if number > 0:
            node.ip("addr", "add", f"{address(number - 1, 2)}/30", "dev", "eth0")
        if number < len(nodes) - 1:
            node.ip("addr", "add", f"{address(number, 1)}/30", "dev", "eth1")
    for number, node in enumerate(nodes):
        for link in range(len(nodes) - 1):
            if link < number - 1:
                node.ip("route", "add", f"10.77.{link}.0/30", "via", address(number - 1, 1))
            elif link > number:
                node.ip("route", "add", f"10.77.{link}.0/30", "via", address(number, 2))


class Line:
    """So many hops, with romond everywhere and IP routes. Use it as a context. configs: what lab.start() takes, as a function of the
    lab's nodes."""

    def __init__(self, hops, offloads=True, configs=None, mtu=1500, datapath="packet"):
        self.lab = Lab()
        try:
            need_datapath(self.lab, datapath)
            self.nodes = self.lab.line(hops + 1, mtu=mtu)
            route(self.nodes)
            if not offloads:
                for node in self.nodes:
                    offloads_off(node)
            self.lab.start(*self.nodes, configs=configs(self.lab, self.nodes) if configs else None)
            self.far = self.nodes[-1]
            self.far_id, self.far_ip = self.far.id, address(hops - 1, 2)
            wait(lambda: self.far_id in self.nodes[0].discover(), "the far end is discovered", 30)
            for node in self.nodes:
                used_datapath(node, datapath)
        except BaseException:
            self.lab.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        faults = self.lab.close()
        if faults:
            raise RuntimeError("\n".join(faults))

    def start(self, node, *command, **options):
        """Starts a program in the namespace of a node. It ends with the line at the latest."""
        process = subprocess.Popen(node.command(*command), stdin=subprocess.DEVNULL, **options)
        self.lab.processes.append(process)
        return process
