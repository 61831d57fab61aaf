# SPDX-License-Identifier: BSD-2-Clause
"""Runs the simulator of the build that ROMON_BUILD names."""
import json
import os
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("ROMON_BUILD", TOP / "build")).resolve()
WHOLE = BUILD / "src/sim/romon-sim"
BROKEN = BUILD / "tests/sim/romon-sim-broken"
SOAK = os.environ.get("ROMON_SOAK") == "1"


def start(*words, program=WHOLE):
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def run(*words, program=WHOLE):
    """One run, as its JSON tells it."""
    done = start("--json", *words, program=program)
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert (done.returncode == 1) == (result["violated"] is not None)
    return result


def simulate(*words):
    """A run in which every check holds; one that does not shows its command, and the smaller one that was found."""
    done = start("--json", *words)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return json.loads(done.stdout)
