#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# `make check`: builds OpenRoMON in three ways with warnings as errors, runs every test, and sums up what really ran.
#
# The last line is `N passed, N failed` (and `, N skipped`, with the skipped tests named above it). The status is not zero if a
# test failed, if a stage ran no test at all, or if something was left behind. Relies on meson, on pytest's JUnit XML and on
# cmocka's TAP output. Everything is built in build-check/, which the next run uses again; `make clean` removes it.

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILDS = TOP / "build-check"
CAPTURED = TOP.parent / "shared" / "vectors" / "frames.txt"
TEST_TIMEOUT = "4"  # times the 30 s that meson gives a test: the sanitizers are slow on a busy machine

# How each build is set up: compiler, and options of meson beyond the common ones.
VARIANTS = {
    "gcc": ("gcc", []),
    "clang": ("clang", []),
    "sanitize": ("gcc", ["-Db_sanitize=address,undefined", "-Dc_args=-fno-sanitize-recover=all"]),
}

# The system tests that run a second time, under the sanitizers: those about what strangers can send.
STRANGERS = ["agent_cli", "agent_ros", "bad_input", "captured", "chaos", "cli", "cli_streams", "config", "control", "faults", "secrets",
             "secrets_rotation", "secrets_restart", "secrets_hidden", "datapath_load", "stream_strangers", "winbox_agent",
             "winbox_links", "winbox_client"]
# The system tests in which romond sends no frame, those about agents, those of XDP itself, which say which data path they
# want, and long ones of what streams do over bad wires, whatever takes their frames there. All others run once with each.
ONCE = ["agent", "agent_cli", "agent_ros", "chaos", "cli", "format", "datapath", "datapath_load", "emulator", "stream_bulk", "stream_lossy",
        "stream_session", "winbox_agent", "winbox_links", "winbox_client"]
# The simulator's tests: all of them, and the networks under all faults once more under the sanitizers.
SIMULATED = [("tests/sim", "gcc"), ("tests/sim/test_seeds.py", "sanitize")]
# Files of system tests that run at the same time: they wait more than they compute.
AT_ONCE = 3
# Those that run by themselves, since they measure time.
ALONE = ["line64", "flood"]

CHILDREN = set()  # what run() waits for


class Results:
    """What ran, by the names that the last lines print."""

    def __init__(self):
        self.passed = []
        self.failed = []
        self.skipped = []

    def add(self, outcome, name):
        {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}[outcome].append(name)

    def add_all(self, stage, others):
        """Takes over the results of a stage, which must have had some."""
        if others.count() == 0:
            self.add("failed", f"{stage}: no test ran")
        self.passed += others.passed
        self.failed += others.failed
        self.skipped += others.skipped

    def count(self):
        return len(self.passed) + len(self.failed) + len(self.skipped)

    def print(self):
        for name in self.skipped:
            print(f"skipped: {name}")
        for name in self.failed:
            print(f"FAILED: {name}")
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        print(f"{len(self.passed)} passed, {len(self.failed)} failed{skipped}")


def run(command, **environment):
    """Runs a command without standard input in the project's top folder. Returns its status and all that it said."""
    with subprocess.Popen(command, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, **environment}) as process:
        CHILDREN.add(process)
        try:
            said = process.communicate()[0]
        finally:
            CHILDREN.discard(process)
    return process.returncode, said


def stop(*_):
    """SIGTERM: the children end as on ^C, which lets pytest's fixtures take down what they built, and then we do."""
    for child in list(CHILDREN):
        child.send_signal(signal.SIGINT)
    sys.exit(143)


def run_quietly(command, **environment):
    """The same, but what it says, ninja's progress left out, is shown only if it fails. True if it did not."""
    status, said = run(command, **environment)
    if status:
        print(re.sub(r"(?m)^\[\d+/\d+\] .*\n", "", said))
    return status == 0


def build(variant):
    """Builds one variant with warnings as errors. True if that worked."""
    compiler, options = VARIANTS[variant]
    folder = BUILDS / variant
    options = ["-Dtests=true", "-Dbench=true", "-Dwerror=true", *options]
    if (folder / "build.ninja").exists():
        ready = run_quietly(["meson", "configure", folder, *options])
    else:
        ready = run_quietly(["meson", "setup", folder, *options], CC=compiler)
    return ready and run_quietly(["ninja", "-C", folder])


def unit(variant):
    """Runs the unit tests of one build; each is a program of several cmocka tests, which speak TAP."""
    results = Results()
    log = BUILDS / variant / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    status, said = run(["meson", "test", "-C", BUILDS / variant, "--no-rebuild", "--print-errorlogs", "-t", TEST_TIMEOUT],
                       CMOCKA_MESSAGE_OUTPUT="TAP")
    print(said)
    for line in log.read_text().splitlines() if log.exists() else []:
        unit_program(variant, json.loads(line), results)
    if status and not results.failed:
        results.add("failed", f"meson test ({variant}): status {status}")
    return results


def unit_program(variant, program, results):
    """Adds the results of one test program: those that it printed, and its own if it did not end as it should."""
    known = len(results.failed)
    count = results.count()
    for line in program.get("stdout", "").splitlines():
        match = re.match(r"(not )?ok \d+ (?:- |# SKIP )?(.*)", line)
        if match:
            outcome = "skipped" if "# SKIP" in line else "failed" if match[1] else "passed"
            results.add(outcome, f"{program['name']}: {match[2]} ({variant})")
    good = program["result"] == "OK"
    if not good and len(results.failed) == known:
        results.add("failed", f"{program['name']}: {program['result']} ({variant})")
    elif results.count() == count:
        results.add("passed" if good else "failed", f"{program['name']} ({variant})")


def pytest(path, variant, datapath="auto"):
    """Runs the pytest tests of a file or folder with the programs of one build, and by that data path where they do not choose one."""
    results = Results()
    report = Path(tempfile.gettempdir()) / f"{Path(path).stem}-{variant}-{datapath}.xml"
    how = variant if datapath == "auto" else f"{variant}, {datapath}"
    root = TOP / path if (TOP / path).is_dir() else (TOP / path).parent  # wherever this tree lies, the names are the same
    status, said = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={root}",
                        f"--junit-xml={report}", path],
                       ROMON_BUILD=str(BUILDS / variant), ROMON_DATAPATH=datapath, PYTHONDONTWRITEBYTECODE="1")
    print(f"-- {path} ({how})\n{said}", flush=True)
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else []:
        tags = {child.tag for child in case}
        outcome = "failed" if tags & {"failure", "error"} else "skipped" if "skipped" in tags else "passed"
        why = f": {case.find('skipped').get('message')}" if outcome == "skipped" else ""
        results.add(outcome, f"{case.get('classname')}.{case.get('name')} ({how}){why}")
    if status and not results.failed:
        results.add("failed", f"{path} ({how}): pytest ended with status {status}")
    return results


def system(built):
    """Runs the system tests, each file in a pytest of its own, and those of the simulator."""
    names = sorted(path.stem.removeprefix("test_") for path in (TOP / "tests/system").glob("test_*.py"))
    each = ["xdp", "packet"] if (BUILDS / "gcc/src/link/romon.bpf.o").exists() else ["auto"]
    if each == ["auto"]:
        print("There is no clang, bpftool or libbpf: the system tests run without XDP.")
    jobs = [(name, "gcc", datapath) for name in names for datapath in (["auto"] if name in ONCE else each)]
    jobs += [(name, "sanitize", "auto") for name in STRANGERS]
    jobs = [(f"tests/system/test_{name}.py", variant, path, name in ALONE) for name, variant, path in jobs if variant in built]
    jobs = [(path, variant, "auto", False) for path, variant in SIMULATED if variant in built] + jobs
    results = Results()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(pytest, *job): job[0] for *job, alone in jobs if not alone}
        try:
            for future in as_completed(running):
                results.add_all(running[future], future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for *job, alone in jobs:
        if alone:
            results.add_all(job[0], pytest(*job))
    return results


def processes():
    """The processes that run a program of ours."""
    found = set()
    for exe in Path("/proc").glob("[0-9]*/exe"):
        try:
            if str(exe.readlink()).startswith(f"{BUILDS}/"):
                found.add(int(exe.parent.name))
        except OSError:  # it ended meanwhile, or is a kernel thread
            pass
    return found


def check(results):
    begin = time.monotonic()

    def heading(name):
        print(f"== {name}  [{time.monotonic() - begin:.0f} s]", flush=True)

    if not CAPTURED.exists():
        print("The shared vectors, frames captured from RouterOS, are not there: frames of our own stand in for them.")
    built = []
    for variant in VARIANTS:
        heading(f"build with {variant}, warnings are errors")
        if build(variant):
            built.append(variant)
        else:
            results.add("failed", f"build with {variant}")
    for variant in ("gcc", "sanitize"):
        if variant in built:
            heading(f"unit tests ({variant})")
            results.add_all(f"unit tests ({variant})", unit(variant))
    if "gcc" in built:
        heading("style and house")
        results.add_all("tests/tidy", pytest("tests/tidy", "gcc"))
    heading("system tests")
    results.add_all("system tests", system(built))
    heading("done")


def main():
    if os.geteuid() != 0:
        sys.exit("make check: needs root, for its network namespaces: sudo make check")
    signal.signal(signal.SIGTERM, stop)
    results = Results()
    running = processes()
    folder = tempfile.mkdtemp(prefix="openromon-check-")
    try:
        os.chmod(folder, 0o755)  # the daemon's worker and the tests' unprivileged clients pass through
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        check(results)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for pid in sorted(processes() - running):
        results.add("failed", f"left behind: process {pid}")
    results.print()
    sys.exit(bool(results.failed))


if __name__ == "__main__":
    main()
