# SPDX-License-Identifier: BSD-2-Clause
"""What happens to the network: each actor does one thing at a time, so and so often, and may say what is to be undone when. Relies on
world.py; none of them waits for anything."""
import contextlib
import subprocess

from lab import BUILD, ip
from world import ECHO, OUTSIDE

FLOOD = BUILD / "tests/flood/flood"
ROTATION = 5  # seconds between its steps: longer than anything is frozen or down


class Actors:
    """Their table is ACTORS, at the end: name, how often in a second with 8 stations, method."""

    def __init__(self, world, later):
        self.world, self.random, self.later = world, world.random, later
        self.done = {}
        self.rotated, self.key = 0, 0

    def act(self, name, method):
        if method(self) is not False:
            self.done[name] = self.done.get(name, 0) + 1

    def up(self):
        """Some station that runs."""
        running = [s for s in self.world.stations if not s.down and not s.frozen and s.node.daemon.alive()]
        return self.random.choice(running) if running else None

    def cut(self):
        """A cable, at one of its ends."""
        a, a_if, b, b_if = self.random.choice(self.world.wires)
        station, interface = self.random.choice(((a, a_if), (b, b_if)))
        station.node.ip("link", "set", "dev", interface, "down")
        self.later(self.random.uniform(0.3, 4), lambda: station.node.ip("link", "set", "dev", interface, "up"))

    def kill(self):
        station = self.up()
        if station is None or len(station.pids()) < 2:
            return False
        station.kill(self.random.randrange(3))
        self.later(self.random.uniform(0.1, 2), lambda: station.start_again() if station.down else None)
        return True

    def freeze(self):
        station = self.up()
        if station is None or len(station.pids()) < 2:
            return False
        station.freeze(self.random.randrange(3))
        self.later(self.random.uniform(0.1, 3), station.thaw)
        return True

    def reload(self):
        """Half of the files are broken; the right one comes back soon."""
        station = self.up()
        if station is None or not station.serves():
            return False
        if self.random.random() < 0.5:
            text = station.text().encode()
            at = self.random.randrange(1, len(text))
            junk = self.random.choice((b"", b"\0", b'"', b"= =", b"\nset nothing=1\n", b"\xff\xfe", b"\n/tool romon port\nadd\n"))
            station.write(text[:at] + junk + self.random.choice((b"", text[at:])))
            station.hang_up()
            self.later(self.random.uniform(0.1, 1), station.configure)
        else:
            station.cost = self.random.randrange(50, 300)
            station.configure()
        return True

    def rotate(self):
        """One step of three from one secret to the next, everywhere."""
        self.rotated += 1
        old, new = f"key{self.key}", f"key{self.key + 1}"
        self.world.secrets = (f"{old},{new}", f"{new},{old}", new)[(self.rotated - 1) % 3]
        if self.rotated % 3 == 0:
            self.key += 1
        for number, station in enumerate(self.world.stations):
            self.later(number * 0.02, station.configure)

    def churn(self):
        """Interfaces that come, change and go; their ports take part."""
        station = self.random.choice(self.world.stations)
        names, netns = station.extra, station.node.netns
        with contextlib.suppress(RuntimeError):  # it went with its peer
            if len(names) < 4:
                first = self.random.randrange(100, 9000)
                pair = [f"eth{first}", f"eth{first + 1}"]
                ip("link", "add", "name", pair[0], "type", "veth", "peer", "name", pair[1], netns=netns)
                names += pair
                return
            name = self.random.choice(names)
            change = self.random.randrange(6)
            if change == 0:
                names.remove(name)
                ip("link", "del", "dev", name, netns=netns)
            elif change == 1:
                ip("link", "set", "dev", name, "address", f"02:cc:00:00:00:{self.random.randrange(256):02x}", netns=netns)
            elif change == 2:
                ip("link", "set", "dev", name, "mtu", str(self.random.choice((68, 200, 1280, 1500, 9000))), netns=netns)
            else:
                ip("link", "set", "dev", name, self.random.choice(("up", "up", "down")), netns=netns)

    def flood(self):
        """From outside, where a port takes unhashed frames."""
        target = self.random.choice(self.world.targets)
        number = self.world.targets.index(target)
        kind = self.random.choice(("strangers", "invalid"))
        line = ["ip", "netns", "exec", self.world.outsider.netns, FLOOD, f"w{number}", kind, "2000", "2000",
                target.node.mac(OUTSIDE), target.address, str(target.node.index(OUTSIDE))]
        self.world.lab.processes.append(subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                                         stderr=subprocess.PIPE, text=True))

    def ping(self):
        a, b = self.random.sample(self.world.stations, 2)
        return self.world.traffic.ping(a, b)

    def stream(self):
        a, b = self.random.sample(self.world.stations, 2)
        return self.world.traffic.stream(a, b, self.random.choice((0, 1, 1000, 20000, 200000)), ECHO)


ACTORS = (
    ("cut", 1.0, Actors.cut),
    ("kill", 0.25, Actors.kill),
    ("freeze", 0.3, Actors.freeze),
    ("reload", 0.8, Actors.reload),
    ("churn", 20, Actors.churn),
    ("flood", 0.3, Actors.flood),
    ("rotate", 1 / ROTATION, Actors.rotate),
    ("ping", 3, Actors.ping),
    ("stream", 1, Actors.stream),
)
SCALED = ("cut", "kill", "freeze", "reload", "ping", "stream")  # with the number of stations
REGULAR = ("rotate", "churn")  # by the clock, the others by chance
