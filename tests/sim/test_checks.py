# SPDX-License-Identifier: BSD-2-Clause
"""Each check of the simulator is alive: over a core that is broken on purpose (src/core/broken.h) it fails, and over the whole one, in the
very same run, it does not."""
import re

import pytest

from sim import BROKEN, TOP, run

SMALL = ["routers=10", "time=2m", "streams=0"]
# How the core is broken, which check sees it, and in which run.
BREAKS = [
    ("route", "route", []),
    ("hops", "hops", []),
    ("answer", "answer", []),
    ("wrong-id", "wrong-id", ["faults=lose", "fault-interval=5s"]),
    ("twice", "twice", ["duplicate=30%"]),
    ("content", "content", ["streams=2", "loss=2%"]),
    ("table", "table", ["hostile=3"]),
    ("secret", "secret", ["secrets=shared", "hostile=1"]),
    ("replay", "secret", ["secrets=shared", "duplicate=10%"]),
    ("sign", "secret", ["secrets=shared"]),
    ("bound", "bound", []),
    ("silence", "silence", ["askers=1"]),
    ("converge", "converge", ["costs=random"]),
    ("finish", "finish", ["streams=2", "loss=5%"]),
]


@pytest.mark.parametrize("broken, check, words", BREAKS, ids=[broken for broken, _, _ in BREAKS])
def test_alive(broken, check, words):
    words = [*SMALL, f"checks={check}", "shrink=no", *words]
    assert run(*words, "broken=nothing", program=BROKEN)["violated"] is None
    assert run(*words, f"broken={broken}", program=BROKEN)["violated"]["check"] == check


def test_all_are_shown_to_be_alive():
    """Every check, and every way to break the core."""
    checks = set(run("routers=2", "time=1s")["checks"])
    assert checks == {check for _, check, _ in BREAKS}
    ways = set(re.findall(r"^\tBROKEN_(\w+),", (TOP / "src/core/broken.h").read_text(), re.M)) - {"NOTHING"}
    assert {way.lower().replace("_", "-") for way in ways} == {broken for broken, _, _ in BREAKS}
