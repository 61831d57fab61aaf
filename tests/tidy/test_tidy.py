# SPDX-License-Identifier: BSD-2-Clause
"""The rules of CONTRIBUTING.md as failing tests. Every check runs over the project, and over a small tree in which its rule is
broken, so that a check that has gone blind is noticed. ROMON_BUILD names the folder of a build."""
import os
import subprocess
from pathlib import Path

import pytest

import tidy

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("ROMON_BUILD", TOP / "build"))
PAGES = ["romon-agent.8", "romon-sim.1", "romon.8", "romon.conf.5", "romond.8"]
HEAD = f"/* {tidy.LICENCE}\n *\n * Says what it is for.\n */\n"

TREES = [tidy.core_includes, tidy.beginnings, tidy.lengths, tidy.dead_files, tidy.unfinished, tidy.machine_paths,
         tidy.whitespace, tidy.links, tidy.commands, tidy.methods]

# A file with a violation for each of these checks: where it stands and what is in it.
PLANTED = [
    (tidy.core_includes, "src/core/bad.c", HEAD + "#include <stdio.h>\n"),
    (tidy.core_includes, "src/core/bad.c", HEAD + '#include "link/link.h"\n'),
    (tidy.core_includes, "src/core/bad.c", HEAD + "# include <time.h>\n"),
    (tidy.beginnings, "src/link/bad.c", "int x;\n"),
    (tidy.beginnings, "src/link/bad.c", f"/* {tidy.LICENCE} */\n#include <errno.h>\nint x;\n"),
    (tidy.beginnings, "tests/bad.py", "import sys\n"),
    (tidy.lengths, "src/link/bad.c", HEAD + "\n" * tidy.LINES_MAX),
    (tidy.lengths, "src/link/bad.c", HEAD + "\t" * 17 + "/* no */\n"),
    (tidy.dead_files, "src/link/bad.c", HEAD),
    (tidy.dead_files, "src/link/bad.h", HEAD),
    (tidy.unfinished, "src/link/bad.c", HEAD + "/* FIX" "ME */\n"),
    (tidy.unfinished, "docs/bad.md", "See issue" " 7.\n"),
    (tidy.machine_paths, "docs/bad.md", "Look into /ho" "me/someone.\n"),
    (tidy.whitespace, "src/link/bad.c", HEAD + "int x; \n"),
    (tidy.whitespace, "docs/bad.md", "No newline."),
    (tidy.links, "docs/bad.md", "See [more](nowhere.md#here).\n"),
    (tidy.commands, "src/cli/main.c", HEAD + '\t{"fly", cmd_fly},\n'),
    (tidy.methods, "src/control/io.openromon.varlink", "method Fly() -> ()\n"),
]


@pytest.fixture
def tree(tmp_path):
    """A small project without a violation."""
    for name, text in {
        "src/cli/main.c": HEAD + '\t{"port print", cmd_print},\n\t{"ping", cmd_ping},\n',
        "src/cli/meson.build": "files('main.c')\n",
        "src/core/good.c": HEAD + '#include <string.h>\n#include <romon/romon.h>\n#include "core/good.h"\n',
        "src/core/good.h": HEAD,
        "src/core/meson.build": "files('good.c')\n",
        "src/control/io.openromon.varlink": "method Good() -> ()\n",
        "src/daemon/serve.c": HEAD + 'x = "Good";\n',
        "src/daemon/meson.build": "files('serve.c')\n",
        "src/cli/good.c": HEAD + 'call("io.openromon.Good");\n',
        "src/link/meson.build": "files('../cli/good.c')\n",
        "docs/man/romon.8.scd": "*ping* _id_\n\n*port print*\n",
        "packaging/completions/romon": "port print ping\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("check", TREES, ids=lambda check: check.__name__)
def test_project(check):
    complaints = "\n".join(check(TOP))
    assert not complaints, complaints


@pytest.mark.parametrize("check", TREES, ids=lambda check: check.__name__)
def test_good_tree(check, tree):
    assert list(check(tree)) == []


@pytest.mark.parametrize("check, name, text", PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_planted(check, name, text, tree):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    assert [line for line in check(tree) if "bad" in line or "fly" in line or "Fly" in line]


def test_core_symbols():
    assert list(tidy.core_symbols(BUILD / "src/core/libromon-core.a")) == []


@pytest.mark.parametrize("call", ["socket(1, 1, 0)", "printf(0)", "time(0)", "random()", "open(0, 0)", "getenv(0)"])
def test_core_symbols_planted(call, tmp_path):
    name = call.split("(")[0]
    (tmp_path / "bad.c").write_text(f"int {name}(); void *malloc(unsigned long); int f(void);\n"
                                    f"int f(void) {{ return malloc(1) ? {call} : 0; }}\n")
    subprocess.run(["cc", "-w", "-fno-builtin", "-c", "bad.c"], cwd=tmp_path, check=True)
    subprocess.run(["ar", "rc", "libbad.a", "bad.o"], cwd=tmp_path, check=True)
    assert list(tidy.core_symbols(tmp_path / "libbad.a")) == [f"libbad.a: core may not use {name}"]


@pytest.mark.parametrize("page", PAGES)
def test_man_page(page):
    """scdoc takes it without a complaint, and it has the sections of a man page."""
    with open(TOP / "docs/man" / f"{page}.scd") as source:
        done = subprocess.run(["scdoc"], stdin=source, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    for section in ("NAME", "DESCRIPTION", "SEE ALSO"):
        assert f".SH {section}\n" in done.stdout


def test_man_pages_complete():
    assert sorted(path.stem for path in (TOP / "docs/man").glob("*.scd")) == PAGES
