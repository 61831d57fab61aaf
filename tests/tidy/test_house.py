# SPDX-License-Identifier: BSD-2-Clause
"""The house around the code: installing and removing, the demo, what happens without root, and the counting of `make check`. Uses
the build that ROMON_BUILD names, and changes nothing outside of temporary folders and the demo's own namespaces."""
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("ROMON_BUILD", TOP / "build")).resolve()
CONFIG = Path("etc/romon/romon.conf")


def make(*words, **options):
    return subprocess.run(["make", "--no-print-directory", f"BUILD={BUILD}", *words], cwd=TOP, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, **options)


def tree(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture
def installed(tmp_path):
    done = make("install", f"DESTDIR={tmp_path}", "PREFIX=/usr")
    assert done.returncode == 0, done.stderr
    return tmp_path


def test_install(installed):
    assert tree(installed) == {
        str(CONFIG), "usr/bin/romon", "usr/sbin/romond", "usr/lib/systemd/system/romond.service",
        "etc/ssh/ssh_config.d/openromon.conf", "usr/lib/sysusers.d/openromon.conf",
        "usr/share/bash-completion/completions/romon", "usr/share/man/man8/romon.8",
        "usr/share/man/man8/romond.8", "usr/share/man/man8/romon-agent.8", "usr/sbin/romon-agent", "usr/share/man/man5/romon.conf.5"}
    assert (installed / CONFIG).stat().st_mode & 0o777 == 0o600
    assert 'ProxyCommand "/usr/bin/romon" connect' in (installed / "etc/ssh/ssh_config.d/openromon.conf").read_text()
    unit = (installed / "usr/lib/systemd/system/romond.service").read_text()
    assert "ExecStart=/usr/sbin/romond" in unit
    assert re.search("^RequiresMountsFor=.* /usr/sbin$", unit, re.M), "it waits for the file system that it is on, and no other"
    assert re.search("^StartLimitIntervalSec=0$", unit.partition("[Service]")[0], re.M), "it is never given up"


def test_uninstall(installed):
    (installed / "usr/bin/other").write_text("not ours")
    assert make("uninstall", f"DESTDIR={installed}", "PREFIX=/usr").returncode == 0
    assert tree(installed) == {"usr/bin/other"}
    assert [path.name for path in installed.iterdir()] == ["usr"]


def test_changed_configuration_stays(installed):
    (installed / CONFIG).write_text("/tool romon\nset enabled=yes\n")
    assert make("install", f"DESTDIR={installed}", "PREFIX=/usr").returncode == 0
    done = make("uninstall", f"DESTDIR={installed}", "PREFIX=/usr")
    assert "kept" in done.stdout
    assert tree(installed) == {str(CONFIG)}
    assert (installed / CONFIG).read_text() == "/tool romon\nset enabled=yes\n"


@pytest.mark.parametrize("words, offered", [
    (["str"], ["streams"]), (["streams", ""], ["ended"]), (["print", ""], ["show-sensitive"]), (["-j", "port", "p"], ["print"]),
    (["help", "pi"], ["ping"]), (["help", "port", "a"], ["add"]), (["help", "ping", ""], []), (["help", "--"], []),
    (["winbox-agent", "user", "s"], ["set"]), (["winbox-agent", "user", "set", "--"], ["--password"]), (["map", "--"], ["--dot"]),
    (["-s", f"{TOP}/Makef"], [f"{TOP}/Makefile"]),
])
def test_completion(words, offered):
    """What bash offers; the last word is the one that is being typed."""
    script = '. "$0"; COMP_WORDS=(romon "$@"); COMP_CWORD=$#; _romon; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, TOP / "packaging/completions/romon", *words], capture_output=True, text=True)
    assert (done.stdout.split(), done.stderr) == (offered, "")


@pytest.mark.parametrize("target", ["all", "install"])
def test_what_root_builds_is_the_owners(tmp_path, target):
    """After `sudo make demo` the user's own `make` has to be able to write. The programs that build are played."""
    clone, programs = tmp_path / "clone", tmp_path / "programs"
    programs.mkdir()
    shutil.copytree(TOP / "packaging", clone / "packaging")
    shutil.copy(TOP / "Makefile", clone)
    for name, does in {"meson": "mkdir -p build && touch build/build.ninja build/$1", "ninja": "touch build/program"}.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    os.chown(clone, 65534, 65533)
    done = subprocess.run(["make", target, f"DESTDIR={tmp_path}/destination"], cwd=clone, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    assert {"build.ninja", "program"} <= tree(clone / "build")
    owners = {(path.stat().st_uid, path.stat().st_gid) for path in [clone / "build", *(clone / "build").rglob("*")]}
    assert owners == {(65534, 65533)}


@pytest.mark.parametrize("target", ["demo", "check", "soak", "chaos", "demo-clean"])
def test_without_root(target):
    done = make(target, user=65534, group=65534, extra_groups=[])
    assert done.returncode != 0
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"needs root, for its network namespaces: sudo make {target}" in done.stderr


def demo(*words):
    return subprocess.run([TOP / "tests/demo/demo.sh", *words], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def left_behind():
    spaces = os.listdir("/run/netns") if os.path.isdir("/run/netns") else []
    return [name for name in spaces if name.startswith("romon-demo-")] + list(Path("/run").glob("romon-demo*"))


def test_demo():
    done = demo("run", str(BUILD))
    assert done.returncode == 0, done.stdout + done.stderr
    before, after = done.stdout.split("is cut")
    assert before.count("farm") > 3 and "00:00:5E:00:53:21" in before
    for part in (before, after):
        assert "packet-loss=0%" in part and "timeout" not in part
    # The table of README.md is the one that the demo shows, but for version and model.
    shown = (TOP / "README.md").read_text().split("## Read it")[1].split("\n##")[0].splitlines()
    head, *rows = [line[4:] for line in shown if re.match(r" {7}ADDRESS| +.*:5E:00:53:", line)]
    assert len(rows) == 10
    for row in rows:
        assert row[:head.index("VERSION")].rstrip() in before
    assert left_behind() == []


def test_demo_that_fails(tmp_path):
    """A daemon that does not start: the demo says so, shows its log, and takes everything down again."""
    for name, text in {"daemon/romond": "echo no luck; exit 1", "cli/romon": "exit 1"}.items():
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
    done = demo("run", str(tmp_path))
    assert done.returncode == 1
    assert "no luck" in done.stderr and "does not start" in done.stderr
    assert left_behind() == []


def test_need_refuses_nonsense():
    done = subprocess.run([TOP / "packaging/need.sh", "nonsense"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "need.sh: unknown purpose 'nonsense'\n")


@pytest.fixture
def check():
    """tests/check.py as a module."""
    spec = importlib.util.spec_from_file_location("check", TOP / "tests/check.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("stdout, result, expected", [
    ("1..2\nok 1 - a\nok 2 - b\n", "OK", (2, 0, 0)),
    ("1..2\nok 1 - a\nnot ok 2 - b\n# why\n", "FAIL", (1, 1, 0)),
    ("1..2\nok 1 - a\nnot ok 2 # SKIP b\n", "OK", (1, 0, 1)),
    ("1..2\nok 1 - a\n", "FAIL", (1, 1, 0)),  # crashed in the second one
    ("", "TIMEOUT", (0, 1, 0)),
    ("no TAP at all\n", "OK", (1, 0, 0)),
])
def test_counting_of_unit_tests(check, stdout, result, expected):
    results = check.Results()
    check.unit_program("gcc", {"name": "t", "stdout": stdout, "result": result}, results)
    assert (len(results.passed), len(results.failed), len(results.skipped)) == expected


PYTEST = """
import pytest
def test_good(): pass
def test_bad(): assert 0
@pytest.fixture
def ends_badly():
    yield
    assert 0
def test_bad_end(ends_badly): pass
@pytest.mark.skip(reason='no card')
def test_skipped(): pass
"""


def test_counting_of_pytest(check, tmp_path, capfd):
    (tmp_path / "test_some.py").write_text(PYTEST)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # names are told from here, and not from a folder that we share with it
    results = check.Results()
    results.add_all("some", check.pytest(str(tmp_path), "gcc"))
    results.print()
    assert capfd.readouterr().out.splitlines()[-4:] == [
        "skipped: test_some.test_skipped (gcc): no card", "FAILED: test_some.test_bad (gcc)",
        "FAILED: test_some.test_bad_end (gcc)", "1 passed, 2 failed, 1 skipped"]


def test_nothing_ran_is_a_failure(check, tmp_path):
    assert len(check.pytest(str(tmp_path), "gcc").failed) == 1
    results = check.Results()
    results.add_all("some stage", check.Results())
    assert results.failed == ["some stage: no test ran"]
