# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the system tests, and what is checked around every one of them: daemons end cleanly, without a sanitizer's report,
and the whole run leaves nothing behind. Binaries are taken from the build folder ROMON_BUILD, by default ./build."""
import os
import subprocess
import sys
import tempfile
import time
import types
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import lab as laboratory  # noqa: E402
import vectors  # noqa: E402


def pytest_report_header():
    lines = [f"romond from {laboratory.BUILD}"]
    if not vectors.CAPTURED.exists():
        lines.append("the shared vectors are absent: frames of our own stand in for the captured ones")
    return lines


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """The resting test goes last. Tests that start daemons need root and a build; without, they fail at once and say so, rather
    than each in its own way."""
    items.sort(key=lambda item: item.get_closest_marker("resting") is not None)  # as late as possible
    for item in items:
        if {"lab", "module_lab"} & set(getattr(item, "fixturenames", ())):
            if os.geteuid() != 0:
                raise pytest.UsageError("system tests make network namespaces: run them as root")
            if not laboratory.ROMOND.exists() or not laboratory.ROMON.exists():
                raise pytest.UsageError(f"no romond and romon under {laboratory.BUILD}: build first, or set ROMON_BUILD")


def close(made):
    faults = made.close()
    assert not faults, "\n".join(faults)


@pytest.fixture
def lab():
    made = laboratory.Lab()
    yield made
    close(made)


@pytest.fixture(scope="module")
def module_lab():
    """One lab for all tests of a module: for networks that are dear to build."""
    made = laboratory.Lab()
    yield made
    close(made)


@pytest.fixture(scope="session", autouse=True)
def resting(request, nothing_left):
    """Three routers that are left alone from the start of the run, if a test that is marked `resting` wants them: so their idling
    takes no time of its own. Gives (nodes, wires, what was counted since when)."""
    if not any(item.get_closest_marker("resting") for item in request.session.items):
        yield None
        return
    made = laboratory.Lab()
    try:
        nodes = a, b, c = made.line(3)
        made.start(*nodes)
        assert len(a.discover()) == 2 and a.ping(c.id)[1]["received"] == 1
        wires = [a.wire("eth1"), b.wire("eth0"), b.wire("eth1"), c.wire("eth0")]
        yield nodes, wires, come_to_rest([pid for node in nodes for pid in node.daemon.pids()], wires)
    finally:
        faults = made.close()
    assert not faults, "\n".join(faults)


def come_to_rest(pids, wires):
    """Waits until nothing has run for a second, then empties the wires. Returns the time and the counters."""
    seen = laboratory.switches(pids)

    def settled():
        nonlocal seen
        time.sleep(1)
        before, seen = seen, laboratory.switches(pids)
        return before == seen
    laboratory.wait(settled, "the routers come to rest", 10)
    for wire in wires:
        wire.sent()
    return types.SimpleNamespace(time=time.monotonic(), switches=seen)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """What the daemons logged stands below every failure."""
    report = (yield).get_result()
    if report.failed:
        for name in ("lab", "module_lab"):
            made = getattr(item, "funcargs", {}).get(name)
            if made:
                report.sections.append(("romond", made.logs()))


@pytest.fixture(scope="session")
def nothing_left():
    """After everything: no namespace, no process and no file of this run."""
    yield
    left = [line for line in subprocess.run(["ip", "netns"], capture_output=True, text=True).stdout.splitlines()
            if line.startswith(laboratory.PREFIX)]
    left += [f"process {pid}" for pid in laboratory.EVERY_PID if still_ours(pid)]
    left += [str(path) for path in Path(tempfile.gettempdir()).glob(laboratory.PREFIX + "*")]
    assert not left, f"left behind: {left}"


def still_ours(pid):
    """Does a process of that number still run a program of ours? (The kernel may have given the number to another, even to a romond of
    another run: those of this one have its folder in their arguments.)"""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        return laboratory.PREFIX.encode() in line or b"/emulator" in line
    except FileNotFoundError:
        return False
