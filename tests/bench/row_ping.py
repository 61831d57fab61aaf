# SPDX-License-Identifier: BSD-2-Clause
"""Row about ping: the round trip through RoMON against the kernel's ICMP over the same line of routed hops."""
import re
import statistics
import subprocess

from lab import PORTS, conf
from measure import Absent, Case, Side
from routed import DATAPATHS, Line, datapath_settings, program

COUNT, SIZE = 200, 56
INTERVAL_MS = 5


class Pings:
    """A line, and both kinds of ping along it. A turn is the median of its replies, in microseconds."""

    def __init__(self, hops, datapath):
        self.line = Line(hops, datapath=datapath, configs=lambda lab, nodes: {
            node.name: conf(f"identity={node.name} board=lab{datapath_settings(datapath)}", PORTS) for node in nodes})

    def romon(self):
        replies, totals = self.line.nodes[0].ping(self.line.far_id, COUNT, size=SIZE, interval=f"{INTERVAL_MS}ms")
        if totals["received"] < COUNT * 0.9:
            raise RuntimeError(f"only {totals['received']} of {COUNT} pings were answered")
        return 1000 * statistics.median(reply["time"] for reply in replies if reply["status"] == "ok")

    def icmp(self):
        line = self.line.nodes[0].command(program("ping", "iputils-ping"), "-c", COUNT, "-i", INTERVAL_MS / 1000, "-s", SIZE,
                                          self.line.far_ip)
        text = subprocess.run(line, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout
        return 1000 * statistics.median(float(time) for time in re.findall(r" time=([\d.]+) ms", text))


def cases(rounds):
    for hops in (1, 8):
        for datapath in DATAPATHS:
            sides = [Side(f"romon ping, {datapath}", ours=True), Side("ICMP, routed")]
            case = Case("ping", f"round trip over {hops} hop{'s' if hops > 1 else ''}, {datapath}", "us", sides)
            try:
                pings = Pings(hops, datapath)
            except Absent as reason:
                sides[0].missing, sides[1].missing = str(reason), "nothing to compare with"
                yield case
                continue
            with pings.line:
                sides[0].measure, sides[1].measure = pings.romon, pings.icmp
                yield case.run(rounds or 7)
