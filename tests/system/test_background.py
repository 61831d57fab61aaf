# SPDX-License-Identifier: BSD-2-Clause
"""romond without -f, as an init script starts it: the parent's exit status, and what the daemon takes along from its starter."""
import os
import signal
import subprocess
from pathlib import Path

import pytest
from lab import EVERY_PID, ROMOND, conf, wait


@pytest.fixture
def node(lab):
    made = lab.node("a")
    made.config.write_text(conf())
    (made.folder / "state").mkdir()
    yield made
    for pid in processes(made):
        os.kill(pid, signal.SIGKILL)


def processes(node):
    """Those that run with this node's control socket."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(node.socket).encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass  # it has just ended
    EVERY_PID.update(found)
    return found


def descriptors(pid):
    """What its descriptors are open on, by number."""
    return {int(fd.name): os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}


def begin(node, redirections="", **options):
    """Runs the parent to its end. Returns its status."""
    command = node.command("sh", "-c", f'exec "$0" "$@" {redirections}', ROMOND, "-c", node.config, "-s", node.socket, "--state",
                           node.folder / "state")
    with (node.folder / "said").open("wb") as said:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=30, **options).returncode


@pytest.mark.parametrize("redirections", ["", "<&- >&- 2>&-", "<&-", "2>&-"])
def test_it_serves_when_the_parent_has_ended(node, redirections):
    assert begin(node, redirections) == 0
    assert node.varlink("GetSettings")["settings"]["enabled"]
    pids = processes(node)
    assert len(pids) == 2
    for pid in pids:
        assert {descriptors(pid)[fd] for fd in (0, 1, 2)} == {"/dev/null"}
        assert os.getsid(pid) != os.getsid(0) and os.readlink(f"/proc/{pid}/cwd") == "/"
    os.kill(min(pids), signal.SIGTERM)
    wait(lambda: not processes(node), "both have ended")
    assert not node.socket.exists()


def test_a_parent_tells_that_it_did_not_work(node):
    node.config.write_text("nonsense\n")
    assert begin(node) == 1
    assert f"{node.config}:1:" in (node.folder / "said").read_text()
    assert not processes(node) and not node.socket.exists()


def test_descriptors_of_the_starter_are_not_kept(node):
    with (node.folder / "precious").open("wb") as precious:
        assert begin(node, pass_fds=[precious.fileno()]) == 0
    for pid in processes(node):
        assert str(node.folder / "precious") not in descriptors(pid).values()
