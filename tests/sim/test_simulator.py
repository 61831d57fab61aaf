# SPDX-License-Identifier: BSD-2-Clause
"""The simulator itself: one seed is one run, a failing run is shrunk and can be repeated, a quiet network costs nothing."""
import json
import re
import shlex

import pytest

from sim import BROKEN, run, simulate, start

FAULTS = ["routers=12", "time=2m", "faults=all", "fault-interval=3s", "hostile=1", "secrets=rotate", "loss=1%", "jitter=1ms"]


def test_one_seed_is_one_run(tmp_path):
    first = simulate("seed=7", *FAULTS)
    again = simulate(*shlex.split(first["command"])[1:])
    for changing in ("seconds", "router-hours-a-minute"):
        del first[changing], again[changing]
    assert first == again
    assert simulate("seed=8", *FAULTS)["trace"] != first["trace"]
    traced = simulate("seed=7", *FAULTS, f"trace={tmp_path}/frames")
    assert traced["trace"] == first["trace"]
    assert len((tmp_path / "frames").read_text().splitlines()) == first["frames"]


def test_rotation_loses_nothing():
    """Hundreds of secrets, one after the other, so many that their numbers begin anew."""
    result = simulate("topology=line", "routers=3", "time=9h", "secrets=rotate", "askers=1", "streams=0", "pings=2")
    assert result["replies"] == result["pings"] > 40000


def test_a_failing_run_is_shrunk():
    words = ["routers=20", "time=5m", "faults=all", "fault-interval=3s", "broken=wrong-id", "checks=wrong-id"]
    done = start(*words, program=BROKEN)
    assert done.returncode == 1
    whole, small = done.stdout.split("shrunk:")
    command = re.search("^run: +romon-sim (.*)$", small, re.M)[1].split()
    faults = re.findall(r"^ +fault \d+: (\S+)", small, re.M)
    assert len(faults) == 1 and faults[0] == "lose", "one router that lost its ID is enough"
    assert "VIOLATED wrong-id" in whole and "VIOLATED wrong-id" in small
    again = run(*command, "shrink=no", program=BROKEN)
    assert again["violated"]["check"] == "wrong-id" and again["trace"] == re.search(r"^trace: +(\w+)$", small, re.M)[1]


def test_quiet_costs_nothing():
    """A thousand routers for a year: nobody is called, nothing is sent. What happens is counted, since time says little here."""
    result = simulate("routers=1000", "time=8760h", "askers=0", "pings=0", "streams=0", "heal=no", "change=8760h")
    assert result["frames"] == 0
    assert result["events"] < 10


@pytest.mark.parametrize("word", ["topology=square", "routers=0", "routers=x", "loss=101%", "time=1y", "faults=cut,rain", "seed", "other=1",
                                  "topology=file", "checks=some", "broken=route"])
def test_wrong_words(word):
    done = start(word)
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_words_that_exclude_each_other():
    """The routers would be our own ones, and the run say nothing of RouterOS's."""
    done = start("secrets=shared", "routeros=50", "time=1s")
    assert done.returncode == 2
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1 and "secrets=none" in done.stderr


def test_help_names_every_option():
    done = start("--help")
    assert done.returncode == 0
    for name in ("topology", "seed", "faults", "only", "secrets", "hostile", "scale"):
        assert re.search(rf"^  {name}=", done.stdout, re.M)


def test_a_network_of_ones_own(tmp_path):
    path = tmp_path / "network"
    path.write_text("# two sites\ncore-1:10 core-2:20\n\ncore-1 a b c  # a switch\ncore-2 c:7 mtu=1400\n")
    layout = json.loads(start("--dot", "--json", "topology=file", f"file={path}").stdout)
    assert layout["routers"] == ["core-1", "core-2", "a", "b", "c"] and layout["cables"] == 3
    assert {"router": "c", "cable": 2, "cost": 7, "mtu": 1400} in layout["ports"]
    assert start("--dot", "topology=file", f"file={path}").stdout.startswith("graph")
    assert simulate("topology=file", f"file={path}", "faults=all", "time=1m", "fault-interval=5s")["replies"] > 0
    for line, reason in {"a b:0": "cost", "a b mtu=9": "MTU", "a b/c": "name", ":3 a": "without a name"}.items():
        path.write_text(f"a b\n{line}\n")
        done = start("topology=file", f"file={path}")
        assert done.returncode == 2 and f"{path}:2" in done.stderr and reason in done.stderr


@pytest.mark.parametrize("topology, cables", {"line": 19, "ring": 20, "star": 19, "tree": 19, "grid": 31, "mesh": 1, "rings": 24,
                                              "access": 2}.items())
def test_layouts(topology, cables):
    layout = json.loads(start("--dot", "--json", f"topology={topology}", "routers=20").stdout)
    assert len(layout["routers"]) == 20 and layout["cables"] == cables


def scale(*words):
    return json.loads(start("checks=none", *words).stdout)


def test_a_grid_of_1000_stays_within_its_bounds():
    measured = scale("topology=grid", "routers=1000", "scale=3")
    assert measured["reachable"] == 999
    assert measured["complete-ms"] <= 2 * measured["round-trip-ms"] + 50
    for line in measured["rounds"]:
        assert line["seen"] == 999
        assert line["discovers"] <= 3 * measured["cables"]
        # Each answer crosses as many cables as its question had hops, and one more.
        assert line["answers"] <= line["received"] * (measured["hops"] + 1)


@pytest.mark.parametrize("topology, discovers, answers", [
    # Frames in a round of 100 routers, at most: Discovers for each cable, and answers for each router.
    ("line", 1, 25), ("ring", 1.1, 30), ("star", 1, 1), ("tree", 1, 4), ("grid", 1.6, 30), ("mesh", 1, 1),
    ("geometric", 1.6, 35), ("rings", 1.2, 9), ("access", 3, 9)])
def test_rounds_stay_within_their_bounds(topology, discovers, answers):
    for seed in range(1, 6):
        measured = scale(f"topology={topology}", "routers=100", "scale=5", f"seed={seed}")
        for line in measured["rounds"]:
            assert line["seen"] == measured["reachable"] == 99
            assert line["discovers"] <= discovers * measured["cables"]
            assert line["answers"] <= answers * 100
