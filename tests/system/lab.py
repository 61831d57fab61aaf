# SPDX-License-Identifier: BSD-2-Clause
"""A laboratory of routers: network namespaces, veth pairs and bridges between them, and a romond in each that shall have one.

    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        lab.connect(a, "eth0", b, "eth0")
        a.start(); b.start()
        a.json("discover", "duration=1s")["routers"]

Loopback stays down, there are no IP addresses, and IPv6 is off, so that a capture shows RoMON and nothing else. Veth ports take part
only because an entry of the configuration matches them; the default one here is `eth*`. Closing the lab ends every process, deletes
every namespace and the folder, and tells of a daemon that did not end cleanly or of a sanitizer's report."""
import contextlib
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from emulator import Emulator, offloads
from wire import Wire, namespace

BUILD = Path(os.environ.get("ROMON_BUILD", Path(__file__).resolve().parents[2] / "build")).resolve()
ROMOND, ROMON = BUILD / "src/daemon/romond", BUILD / "src/cli/romon"
PREFIX = f"romon-{os.getpid()}"
SANITIZER = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|runtime error:")
PORTS = "add interface=eth*\n"  # entries of the default configuration
XDP = (BUILD / "src/link/romon.bpf.o").exists()  # was romond built with it?
DATAPATH = os.environ.get("ROMON_DATAPATH", "auto")  # of all routers whose configuration does not say anything else
EVERY_PID = set()               # of all labs of this run: what must be gone at its end
_numbers = itertools.count()


def sanitized():
    """Was romond built with AddressSanitizer?"""
    return ROMOND.exists() and b"__asan_init" in ROMOND.read_bytes()


def wait(condition, what, timeout=5.0):
    """Polls until the condition is true, and returns its value. `what` says in a failure what was awaited."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:g} s: {what}")
        time.sleep(0.01)


def ip(*args, netns=None):
    """Runs ip, in a namespace if one is given. Failing is an error of the test."""
    command = ["ip"] + (["-n", netns] if netns else []) + [str(a) for a in args]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def kernel_has(kind):
    """Can this kernel make an interface of that kind?"""
    name = f"{PREFIX}-try"
    ip("netns", "add", name)
    try:
        ip("link", "add", "parent0", "type", "veth", "peer", "name", "parent1", netns=name)
        extra = {"vlan": ["link", "parent0", "name", "try0", "type", "vlan", "id", "5"]}
        ip("link", "add", *extra.get(kind, ["name", "try0", "type", kind]), netns=name)
        return True
    except RuntimeError:
        return False
    finally:
        ip("netns", "del", name)


def conf(settings="", ports=PORTS, enabled="yes"):
    """The text of a configuration. Texts are fixed, so that nothing depends on the machine."""
    path = "" if DATAPATH == "auto" or "datapath=" in settings else f"datapath={DATAPATH} "
    return f"/tool romon\nset enabled={enabled} {path}{settings}\n/tool romon port\n{ports}"


class VarlinkError(Exception):
    """An error that the daemon answered with: its name without the interface, and its parameters."""

    def __init__(self, name, parameters):
        super().__init__(f"{name} {parameters}")
        self.name, self.parameters = name.rsplit(".", 1)[-1], parameters


class Control:
    """A client of the control socket."""

    def __init__(self, path, timeout=5.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.buffer = b""

    def close(self):
        self.socket.close()

    def send(self, method, more=False, **parameters):
        if "." not in method:
            method = "io.openromon." + method
        call = {"method": method, "parameters": parameters}
        self.send_raw(json.dumps({**call, "more": True} if more else call).encode() + b"\0")

    def send_raw(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next message, or None at the end of the stream."""
        while b"\0" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                return None
            self.buffer += data
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **parameters):
        self.send(method, **parameters)
        answer = self.receive()
        if answer is None:
            raise ConnectionError("the daemon closed the connection")
        if answer.get("error"):
            raise VarlinkError(answer["error"], answer.get("parameters"))
        return answer.get("parameters", {})


class Daemon:
    """One romond: its processes, what it logs, and its end."""

    def __init__(self, process, log, socket_path):
        self.process, self.log_path, self.socket = process, log, socket_path
        self.pid, self.killed = process.pid, False
        EVERY_PID.add(process.pid)

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def pids(self):
        """The two processes: [monitor, worker] by the time that it answers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = [self.pid] + [int(child) for child in children]
        EVERY_PID.update(found)
        return found

    def worker(self):
        """The process of the two that is not root; and the other one by monitor()."""
        return next(pid for pid in self.pids() if status(pid)["Uid"].split()[0] != "0")

    def monitor(self):
        return next(pid for pid in self.pids() if status(pid)["Uid"].split()[0] == "0")

    def alive(self):
        return self.process.poll() is None

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self, pid, number=signal.SIGKILL):
        """Ends one of the processes the hard way; the daemon's exit status is then no fault."""
        self.killed = True
        os.kill(pid, number)

    def stop(self):
        """Ends it. Returns what was wrong with that, or with its life: a list of lines."""
        if self.alive():
            with contextlib.suppress(FileNotFoundError):
                self.pids()
            self.process.terminate()
        faults = []
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            faults.append("romond did not end by SIGTERM")
        if not self.killed and self.process.returncode not in (0, None):
            faults.append(f"romond ended with status {self.process.returncode}")
        if SANITIZER.search(self.log):
            faults.append("a sanitizer reported something")
        return [f"{fault}:\n{self.log[-6000:]}" for fault in faults]


def status(pid):
    """/proc/PID/status as a dictionary."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def switches(pids):
    """Context switches of these processes so far: how often they ran."""
    return {pid: sum(int(status(pid)[f"{kind}_ctxt_switches"]) for kind in ("voluntary", "nonvoluntary")) for pid in pids}


class Node:
    """A namespace, with or without a daemon in it."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.netns = f"{lab.name}-{name}"
        self.folder = lab.folder / name
        self.config = self.folder / "romon.conf"
        self.socket = self.folder / "romond.sock"
        self.daemon, self.stopped = None, []
        self.ends = 0  # of veth pairs, so far
        self.watched = False
        self.folder.mkdir()
        ip("netns", "add", self.netns)
        with namespace(self.netns):
            for scope in ("all", "default"):
                path = Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6")
                if path.exists():
                    path.write_text("1")

    # The namespace

    def ip(self, *args):
        return ip(*args, netns=self.netns)

    def links(self):
        """The interfaces, by name, as `ip -json` shows them."""
        return {link["ifname"]: link for link in json.loads(ip("-json", "-details", "link", netns=self.netns))}

    def mac(self, interface):
        return self.links()[interface]["address"]

    def index(self, interface):
        return self.links()[interface]["ifindex"]

    def bridge(self, name, *members):
        """A bridge over these interfaces."""
        self.ip("link", "add", "name", name, "type", "bridge", "mcast_snooping", "0")
        for member in members:
            self.ip("link", "set", "dev", member, "master", name)
        self.ip("link", "set", "dev", name, "up")

    def wire(self, interface):
        """A packet socket on the interface, closed with the lab."""
        wire = Wire(self.netns, interface)
        self.lab.wires.append(wire)
        return wire

    # The daemon

    def command(self, *arguments, mounts=None, user=None):
        """A command line for this namespace. mounts: {file: the file that hides it}; user: (uid, gid) to become, without other
        groups."""
        line = [str(a) for a in arguments]
        if user:
            line = ["setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups", "--"] + line
        line = ["ip", "netns", "exec", self.netns] + line
        if mounts:
            # Nothing can be bound where there is no file (a container without machine-id): a copy of the folder gets one first.
            binds = "".join(f"{{ [ -e '{old}' ] || {{ rm -rf '{new}.d' && cp -a '{Path(old).parent}' '{new}.d' && "
                            f"mount --bind '{new}.d' '{Path(old).parent}' && touch '{old}'; }}; }} && "
                            f"mount --bind '{new}' '{old}' && "
                            for old, new in mounts.items())
            line = ["unshare", "--mount", "sh", "-c", binds + 'exec "$@"', "sh"] + line
        return line

    def watch(self):
        """A test wants to see on this node's interfaces what they receive: so it uses packet sockets, unless its configuration says
        something else. To be called before it starts. Returns the node."""
        self.watched = True
        return self

    def start(self, config=None, ports=None, pcap=None, mounts=None, expect=True, write=True, options=()):
        """Writes the configuration (a default one if it is None and there is no file yet) and starts romond, with more options if some
        are given. With expect it waits until the daemon answers and the interfaces named in `ports`, by default every eth… that is
        up, are active."""
        if write and (config is not None or not self.config.exists()):
            text = config if config is not None else conf(f"identity={self.name} board=lab")
            if self.watched:
                text = text.replace(f"datapath={DATAPATH} ", "").replace("\nset enabled=", "\nset datapath=packet enabled=", 1)
            self.config.write_text(text)
        arguments = [ROMOND, "-f", "-c", self.config, "-s", self.socket, "--state", self.folder / "state"]
        (self.folder / "state").mkdir(exist_ok=True)
        arguments += ["--pcap", pcap] if pcap else []
        arguments += options
        log = self.folder / f"log{len(self.stopped)}"
        with log.open("wb") as stream:
            process = subprocess.Popen(self.command(*arguments, mounts=mounts), stdin=subprocess.DEVNULL, stdout=stream,
                                       stderr=stream)
        self.daemon = Daemon(process, log, self.socket)
        if expect:
            self.wait_ready(ports)
        return self.daemon

    def wait_ready(self, ports=None):
        wait(lambda: self.answers() or not self.daemon.alive(), f"{self.name} answers", 15)
        assert self.daemon.alive(), f"{self.name} ended:\n{self.daemon.log}"
        self.daemon.pids()
        if ports is None:
            ports = [name for name, link in self.links().items() if name.startswith("eth") and "UP" in link["flags"]]
        self.wait_active(*ports)

    def answers(self):
        try:
            self.varlink("GetSettings")
            return True
        except (OSError, ConnectionError):
            return False

    def states(self):
        """Of each interface that takes part: "active", "down", "no-carrier" or "failed"."""
        if not self.varlink("GetSettings")["settings"]["enabled"]:
            return {}
        return {m["interface"]: m["state"] for port in self.varlink("GetPorts")["ports"] for m in port["members"]}

    def wait_active(self, *interfaces):
        if self.varlink("GetSettings")["settings"]["enabled"]:
            wait(lambda: all(self.states().get(i) == "active" for i in interfaces),
                 f"{self.name}: {interfaces} active", 15)

    def stop(self):
        """Ends the daemon; faults come to light when the lab is closed, or here with expect."""
        if self.daemon:
            self.stopped.append((self.daemon, self.daemon.stop()))
            self.daemon = None

    def varlink(self, method, **parameters):
        control = Control(self.socket)
        try:
            return control.call(method, **parameters)
        finally:
            control.close()

    # The command

    def romon_line(self, *arguments, user=None):
        return self.command(self.lab.romon, "-s", self.socket, *arguments, user=user)

    def romon(self, *arguments, user=None, timeout=30):
        """Runs romon to its end. Returns a CompletedProcess with text."""
        return subprocess.run(self.romon_line(*arguments, user=user), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)

    def ok(self, *arguments):
        """Runs romon, which must end with status 0. Returns what it printed."""
        done = self.romon(*arguments)
        assert done.returncode == 0, f"romon {arguments}: status {done.returncode}: {done.stderr}"
        return done.stdout

    def json(self, *arguments):
        return json.loads(self.ok("--json", *arguments))

    def background(self, *arguments):
        """Starts romon --json and returns the process. Ended with the lab if it still runs."""
        process = subprocess.Popen(self.romon_line("--json", *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.lab.processes.append(process)
        EVERY_PID.add(process.pid)
        return process

    def discover(self, duration="400ms"):
        """The routers that a discovery of that length finds, by address."""
        return {r["address"]: r for r in self.json("discover", f"duration={duration}")["routers"]}

    def ping(self, target, count=1, **options):
        """Pings. Returns ([replies], totals); not getting one is no error."""
        words = [f"{key}={value}" for key, value in options.items()]
        done = self.romon("--json", "ping", target, f"count={count}", *words)
        assert done.returncode in (0, 1), done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert lines, f"ping said nothing, but {done.stderr}"
        assert done.returncode == (0 if lines[-1]["received"] else 1)
        return lines[:-1], lines[-1]

    @property
    def id(self):
        return self.json("print")["current-id"]

    def stats(self):
        """Counters by interface: {"eth0": {"rx":…, "tx":…, "drops": {…}}}."""
        return {port["interface"]: port for port in self.varlink("GetStats")["ports"]}

    def drops(self, reason=None):
        """How many frames were dropped on all ports, for one reason or for any."""
        counted = [port["drops"] for port in self.stats().values()]
        return sum(n for drops in counted for name, n in drops.items() if reason in (None, name))


class Lab:
    """All nodes of one test. Use it as a context, or call close()."""

    def __init__(self):
        self.name = f"{PREFIX}-{next(_numbers)}"
        self.folder = Path(tempfile.mkdtemp(prefix=self.name + "-"))
        self.folder.chmod(0o755)
        self.nodes, self.processes, self.wires, self.cables, self.emulator = [], [], [], [], None
        self.romon = self.folder / "romon"  # a copy that every user can reach
        if ROMON.exists():
            shutil.copy(ROMON, self.romon)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def node(self, name):
        node = Node(self, name)
        self.nodes.append(node)
        return node

    def connect(self, a, a_if, b, b_if, mtu=1500, up=True, wire=None, **options):
        """A veth pair; or two with an emulated wire (emulator.py) between them, a Cable, which is returned and kept in lab.cables.
        Options for one end: a_mac, a_index, a_mtu, and the same with b. The kernel tells of a new carrier at once only if the two ends
        have different ifindexes, else up to a second later: so they get different ones (the same in every node)."""
        def end(side, node, name):
            words = ["name", name]
            node.ends += 1
            options.setdefault(f"{side}_index", {"a": 100, "b": 200}[side] + node.ends)
            for option, word in (("mac", "address"), ("index", "index")):
                if options.get(f"{side}_{option}"):
                    words += [word, options[f"{side}_{option}"]]
            return words + ["mtu", options.get(f"{side}_mtu", mtu)]
        if wire:
            return self.connect_emulated((a, end("a", a, a_if)), (b, end("b", b, b_if)), up, wire)
        ip("link", "add", *end("a", a, a_if), "type", "veth", "peer", *end("b", b, b_if), "netns", b.netns, netns=a.netns)
        if up:
            a.ip("link", "set", "dev", a_if, "up")
            b.ip("link", "set", "dev", b_if, "up")

    def connect_emulated(self, a, b, up, wire):
        """The two ends are (node, words for ip link)."""
        if not self.emulator:
            self.emulator = Emulator(self.node("emulator"))
            EVERY_PID.add(self.emulator.process.pid)
        far = self.emulator.node
        names = [f"w{self.emulator.cables}{side}" for side in "ab"]
        for (node, words), name in zip((a, b), names):
            far.ends += 1
            # A frame that an end can send fits into the far end, whatever the other end can take.
            ip("link", "add", *words, "type", "veth", "peer", "name", name, "index", 1000 + 2 * far.ends, "mtu", 65535, "netns",
               far.netns, netns=node.netns)
            far.ip("link", "set", "dev", name, "up")
            offloads(node.netns, words[1], False)
            if up:
                node.ip("link", "set", "dev", words[1], "up")
        self.cables.append(self.emulator.cable(*names, wire))
        return self.cables[-1]

    def segment(self, name, *ends):
        """A node with a bridge that joins (node, interface) ends: a shared wire."""
        switch = self.node(name)
        for number, (node, interface) in enumerate(ends):
            self.connect(switch, f"p{number}", node, interface)
        switch.bridge("br0", *(f"p{number}" for number in range(len(ends))))
        return switch

    def line(self, count, **options):
        """Nodes in a row: eth1 of each to eth0 of the next. Not started."""
        nodes = [self.node(f"n{number}") for number in range(count)]
        for left, right in zip(nodes, nodes[1:]):
            self.connect(left, "eth1", right, "eth0", **options)
        return nodes

    def start(self, *nodes, configs=None):
        """Starts many daemons at once, then waits for them all."""
        for node in nodes:
            node.start(configs[node.name] if configs else None, expect=False)
        for node in nodes:
            node.wait_ready()

    def logs(self):
        """The end of what every daemon logged, for a failure's report."""
        daemons = [(node, daemon) for node in self.nodes
                   for daemon in [d for d, _ in node.stopped] + ([node.daemon] if node.daemon else [])]
        return "\n".join(f"--- {node.name}\n{daemon.log[-3000:]}" for node, daemon in daemons if daemon.log)

    def close(self):
        """Ends and deletes everything, whatever goes wrong meanwhile. Returns the faults of the daemons."""
        faults = []
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        for wire in self.wires:
            wire.close()
        if self.emulator:
            faults += self.emulator.close()
        for node in self.nodes:
            if node.daemon and node.daemon.alive():
                with contextlib.suppress(FileNotFoundError):
                    node.daemon.pids()
                node.daemon.process.terminate()  # all at once, so that 64 do not take their time one by one
        for node in self.nodes:
            node.stop()
            faults += [f"{node.name}: {fault}" for _, found in node.stopped for fault in found]
            with contextlib.suppress(RuntimeError):
                ip("netns", "del", node.netns)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.nodes, self.processes, self.wires, self.cables, self.emulator = [], [], [], [], None
        return faults
