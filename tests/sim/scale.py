#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# `make sim-scale`: measures discovery in networks of 10 to 10,000 routers, and writes docs/scale.md and its plots.
#
# usage: scale.py ROMON-SIM FOLDER [--quick]. Takes some minutes of one core; with --quick only networks of up to 100
# routers are measured, and the hour is a minute. Needs matplotlib. Figures in the page are those of this run; the seed
# is fixed, so that only the seconds of the machine differ from one run to the next.
import ast
import json
import subprocess
import sys
from pathlib import Path

TOPOLOGIES = {
    "line": "one after the other",
    "ring": "a line that is closed",
    "star": "a hub of at most 250 ports; where there are more leaves, they share its segments",
    "tree": "four children each",
    "grid": "rows and columns of the same length",
    "mesh": "all on one segment",
    "geometric": "at random in a square, linked to those that are near: seven on average",
    "rings": "as many rings as each has routers, in a ring",
    "access": "aggregation routers in a ring; 24 access routers on a segment of each, and on one of the next",
}
ROUNDS = 4
DELAY_MS = 0.02


def measure(program, topology, routers, rounds=ROUNDS, *words):
    command = [program, f"topology={topology}", f"routers={routers}", f"scale={rounds}", "checks=none", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def typical(measured):
    """A round in which everybody knows their neighbours: the last one that cost something."""
    return [line for line in measured["rounds"] if line["discovers"] > 0][-1]


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def plot(path, title, label, sizes, series):
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "openromon", "font.size": 9})
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(6, 3.6))
    for (name, values), marker in zip(series.items(), "osv^D*PX<"):
        axes.plot(sizes[:len(values)], values, marker=marker, markersize=4, linewidth=1, label=name)
    axes.set(xscale="log", yscale="log", xlabel="routers", ylabel=label, title=title)
    axes.grid(True, which="major", linewidth=0.3)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text().splitlines()))


def reach(measured):
    everybody = measured["routers"] - 1
    return "all" if measured["reachable"] == everybody else f"{measured['reachable']:,}"


def round_table(results, sizes):
    rows = []
    for topology in TOPOLOGIES:
        for size in sizes:
            m, r = results[topology, size], typical(results[topology, size])
            rows.append([topology, f"{size:,}", reach(m), f"{m['hops']}", number(r["discovers"] / m["cables"]),
                         number(r["answers"] / max(1, m["reachable"])), number(r["bytes"] / 1e3), number(r["received"]),
                         number(r["cable-bytes"] / 1e3), f"{m['round-trip-ms']:.2f}", f"{m['complete-ms']:.1f}",
                         number(m["idle-bytes"] / 1e3), number(m["bytes"] / 1e3), f"{r['cpu']:.2f}"])
    return table(["topology", "routers", "reached", "hops", "Discovers a cable", "answer frames a router", "kB in all",
                  "frames to the asker", "kB on the busiest cable", "longest round trip, ms", "table full after, ms",
                  "kB a router, idle", "kB a router, after", "seconds"], rows)


def hour_table(hours):
    rows = []
    for topology, m in hours.items():
        first, seconds = m["rounds"][5], len(m["rounds"])
        total = {key: sum(line[key] for line in m["rounds"]) for key in ("discovers", "answers", "bytes", "cable-bytes")}
        rows.append([topology, number(first["discovers"] + first["answers"]),
                     number((total["discovers"] + total["answers"]) / seconds),
                     number(first["bytes"] / 1e6), number(total["bytes"] / seconds / 1e6),
                     number(first["cable-bytes"] * 8 / 1e6), number(total["cable-bytes"] * 8 / seconds / 1e6)])
    return table(["topology, 1,000 routers", "frames a second, first 10 s", "over the hour", "MB a second, first 10 s",
                  "over the hour", "Mbit/s on the busiest cable, first 10 s", "over the hour"], rows)


PAGE = """# How discovery scales

Measured by `make sim-scale`: romon-sim runs the core that runs in romond, one engine for each router, in a network
without faults. All figures and plots on this page were written by that program; the seed is fixed, and only the seconds
depend on the machine. What the rules are that these figures follow from is in
[protocol.md](protocol.md#5-discovery-behaviour).

One router in the middle of the network asks. A frame takes {delay} ms from port to port, and a port's MTU is 1,500. A
*round* is what one question costs until the next one; those below are rounds in which everybody knows their neighbours.

| topology | what it is |
| --- | --- |
{topologies}

## One round

{rounds}

- *Discovers a cable*: how often the question crosses a cable, in both directions together. It is passed on once by each
  port at most, so never more than twice over a wire.
- *Answer frames a router*: each router answers each copy of the question that it hears, since that is how the asker
  learns of every link; an answer crosses as many cables as its question had hops, and one more. This is what a round
  costs.
- *Table full*: the last answer of the first round has come, for every router and every link. In the first round nobody
  knows who is behind a port, and each router waits up to 1 ms before it passes the question on; later it does not.
- *kB a router*: of memory, that of the simulator's own included (about 1 kB).

![answer frames](scale-answers.svg)

![busiest cable](scale-busiest.svg)

![time to the full table](scale-time.svg)

![memory](scale-memory.svg)

## What limits growth

- **The hop list against the MTU.** A question is passed on as long as its answer will fit: 123 hops with an MTU of
  1,500, which is why a line or a ring of 1,000 routers is not seen whole. It is 255 hops with jumbo frames of 2,814
  bytes and more: the hop count is one byte.
- **Answers at the asker.** All of them cross its own cables: at 1,000 routers of a grid the busiest of these carries
  {grid_busiest} kB in a round, at 10,000 of a geometric network {geometric_busiest} MB. Beyond some thousand routers it
  is the link of the asker that decides, not the protocol.
- **Long ways.** Answers are not gathered on their way, since their form is RouterOS's: n routers that are h hops away
  on average cost n·h frames for each link. In a grid h grows with the root of n, in a line with n.
- Tables: an asker holds 16,384 routers and 65,536 links, and a router 250 ports in these networks (256 at most).

## Left open for an hour

`romon discover` in a terminal that somebody forgets. Discovery asks once a second at first. After ten rounds it asks so
rarely that no more than 500 answers a second come, but at least every 5 s; whoever starts a ping, a stream or another
discovery makes it fast again. In networks of fewer answers nothing changes. Without this rule the first figure of each
pair would hold for the hour.

{hours}

## Bounds

What the tests hold every round to (`tests/sim/test_simulator.py`), in networks of 100 routers with five seeds each; and
a grid of 1,000:

| topology | Discovers a cable, at most | answer frames a router, at most |
| --- | ---: | ---: |
{bounds}

- Grid of 1,000: at most 3 Discovers a cable; each answer in at most hops + 1 frames; the table is full within twice the
  longest round trip and 50 ms.
- In every run, faults or not: a port asks once a second at most; it passes one asker's Discover on once in 800 ms; a
  router answers one asker at most 256 times in that time.
"""


def bounds():
    text = (Path(__file__).parent / "test_simulator.py").read_text().split("(\"topology, discovers, answers\", [")[1].split("])")[0]
    lines = [line for line in text.splitlines() if not line.strip().startswith("#")]
    rows = ast.literal_eval(f"[{''.join(lines)}]")
    return "\n".join(f"| {name} | {number(discovers)} | {number(answers)} |" for name, discovers, answers in rows)


def main(program, folder, quick):
    sizes = [10, 100] if quick else [10, 100, 1000, 10000]
    results = {}
    for topology in TOPOLOGIES:
        for size in sizes:
            print(f"{topology} {size}", flush=True)
            results[topology, size] = measure(program, topology, size)
    hours = {topology: measure(program, topology, 1000, 60 if quick else 3600)
             for topology in ("tree", "grid", "geometric", "access")}

    def curves(value):
        return {topology: [max(value(results[topology, size]), 1e-6) for size in sizes] for topology in TOPOLOGIES}

    plot(folder / "scale-answers.svg", "Answers in a round", "frames for each router that is reached", sizes,
         curves(lambda m: typical(m)["answers"] / max(1, m["reachable"])))
    plot(folder / "scale-busiest.svg", "The busiest cable in a round", "bytes", sizes, curves(lambda m: typical(m)["cable-bytes"]))
    plot(folder / "scale-time.svg", "First round", "ms to the full table", sizes, curves(lambda m: m["complete-ms"]))
    plot(folder / "scale-memory.svg", "Memory after discovery", "bytes for each router", sizes, curves(lambda m: m["bytes"]))
    last = sizes[-1]
    (folder / "scale.md").write_text(PAGE.format(
        delay=DELAY_MS, topologies="\n".join(f"| {name} | {text} |" for name, text in TOPOLOGIES.items()),
        rounds=round_table(results, sizes), hours=hour_table(hours), bounds=bounds(),
        grid_busiest=number(typical(results["grid", min(1000, last)])["cable-bytes"] / 1e3),
        geometric_busiest=number(typical(results["geometric", last])["cable-bytes"] / 1e6)))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: scale.py ROMON-SIM FOLDER [--quick]")
    main(sys.argv[1], Path(sys.argv[2]), "--quick" in sys.argv[3:])
