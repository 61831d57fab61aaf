# SPDX-License-Identifier: BSD-2-Clause
"""Style as code: each check takes the project's top folder and yields one line for every place that breaks a rule of
CONTRIBUTING.md. test_tidy.py runs them over the project, and over planted violations."""
import os
import re
import subprocess

LINES_MAX = 700  # of a source file; design is 100 to 500
COLUMNS_MAX = 140  # 130 is the rule, and clang-format's; a comment may stick out
LICENCE = "SPDX-License-Identifier: BSD-2-Clause"
# The first lines of a source file: the licence, and then what it is for.
C_BEGIN = [rf"/\* {LICENCE}$", r" \*$", r" \* \w+\W+\w+"]
BPF_BEGIN = [C_BEGIN[0][:-1] + r" OR GPL-2\.0-only$", *C_BEGIN[1:]]  # for the kernel, which wants it
SCRIPT_BEGIN = [rf"# {LICENCE}$", r'#$|"""\w+']

# What core/ may include besides its own headers and the public one: types, limits, memory and strings, the lists of sys/queue.h, which
# are macros, and comparing in constant time. No stdio, no clock.
CORE_HEADERS = {"assert.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h",
                "sys/queue.h", "nettle/memops.h"}

# What the core library may take from outside, as patterns: memory and strings, assertions, comparing in constant time, and what
# compilers add (__cpu_model says which instructions the processor has).
CORE_SYMBOLS = [
    r"(mem|str)[a-z]+", r"__(mem|str)[a-z]+_chk", r"explicit_bzero",
    r"nettle_memeql_sec",
    r"malloc|calloc|realloc|reallocarray|free", r"qsort|bsearch", r"abort|__assert_fail",
    r"__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__cpu_model", r"__(asan|ubsan)_.*",
]

UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|\bissue" r" #?\d")
# Folders that many machines have: a checkout right below one of them says nothing of a machine.
COMMON = {"/", "/dev", "/etc", "/home", "/opt", "/root", "/run", "/srv", "/tmp", "/usr", "/usr/src", "/var"}
SKIPPED = {".git", "__pycache__", ".pytest_cache", ".cache"}
SOURCES = (".c", ".h")
SCRIPTS = (".py", ".sh")


def files(top, *folders, suffixes=None):
    """The project's files below these folders (all of it without any), by name; built ones are left out."""
    for folder in folders or ("",):
        for path, inner, names in os.walk(top / folder):
            inner[:] = sorted(name for name in inner if name not in SKIPPED and not name.startswith("build"))
            for name in sorted(names):
                if suffixes is None or name.endswith(suffixes):
                    yield (type(top)(path) / name)


def numbered(path):
    return enumerate(path.read_text(errors="replace").splitlines(), 1)


def core_includes(top):
    own = {f"core/{path.name}" for path in files(top, "src/core", suffixes=".h")}
    for path in files(top, "src/core", "include", suffixes=SOURCES):
        for number, line in numbered(path):
            match = re.match(r'\s*#\s*include\s*(?:<([^>]*)>|"([^"]*)")', line)
            if match and not (match[1] in CORE_HEADERS or match[1] == "romon/romon.h" or match[2] in own):
                yield f"{path.relative_to(top)}:{number}: core may not include {match[1] or match[2]}"


def core_symbols(library):
    """The symbols that a static library takes from outside, as far as they are not allowed. Takes the library's path."""
    listing = subprocess.run(["nm", "--format=posix", library], check=True, capture_output=True, text=True).stdout
    kinds = [line.split()[:2] for line in listing.splitlines() if len(line.split()) >= 2]
    defined = {name for name, kind in kinds if kind not in "Uw"}
    allowed = re.compile("|".join(f"(?:{pattern})" for pattern in CORE_SYMBOLS))
    for name in sorted({name for name, kind in kinds if kind in "Uw"} - defined):
        if not allowed.fullmatch(name):
            yield f"{library.name}: core may not use {name}"


def beginnings(top):
    """Every source file begins with its licence, and then with what it is for."""
    for path in files(top, suffixes=SOURCES + SCRIPTS):
        lines = [line for _, line in numbered(path)]
        if lines and lines[0].startswith("#!"):
            lines = lines[1:]
        style = BPF_BEGIN if path.name.endswith(".bpf.c") else C_BEGIN if path.name.endswith(SOURCES) else SCRIPT_BEGIN
        for number, pattern in enumerate(style):
            if not re.match(pattern, lines[number] if number < len(lines) else ""):
                what = "does not begin with its licence" if number == 0 else "does not say what it is for"
                yield f"{path.relative_to(top)}:{number + 1}: {what}"
                break


def lengths(top):
    for path in files(top, "src", "include", "tests", suffixes=SOURCES + SCRIPTS):
        lines = list(numbered(path))
        if len(lines) > LINES_MAX:
            yield f"{path.relative_to(top)}: {len(lines)} lines; does it still hold one noun?"
        for number, line in lines:
            if len(line.expandtabs(8)) > COLUMNS_MAX:
                yield f"{path.relative_to(top)}:{number}: more than {COLUMNS_MAX} columns"


def dead_files(top):
    """Every .c belongs to a build, every .h is included by somebody."""
    builds = "".join(path.read_text() for path in files(top, suffixes="meson.build"))
    includes = "".join(path.read_text(errors="replace") for path in files(top, suffixes=SOURCES))
    for path in files(top, "src", "tests", "include", suffixes=SOURCES):
        # Unit tests are listed by what they test: 'wire' is test_wire.c.
        names = {path.stem, path.stem.removeprefix("test_")}
        if path.suffix == ".c" and not any(re.search(rf"['/]{re.escape(name)}(\.c)?'", builds) for name in names):
            yield f"{path.relative_to(top)}: is in no meson.build"
        if path.suffix == ".h" and not re.search(rf'#include [<"]([\w./]*/)?{re.escape(path.name)}[>"]', includes):
            yield f"{path.relative_to(top)}: nobody includes it"


def unfinished(top):
    for path in files(top):
        for number, line in numbered(path):
            if UNFINISHED.search(line):
                yield f"{path.relative_to(top)}:{number}: not finished: {line.strip()}"


def machine_paths(top):
    """A home, the checkout or the folder around it have no place in the project."""
    here = {f"{path}/" for path in (top, top.parent) if str(path) not in COMMON}
    pattern = re.compile(r"(?<![\w.}])(?:" + "|".join([r"/home/\w", *map(re.escape, here)]) + ")")
    for path in files(top):
        for number, line in numbered(path):
            if pattern.search(line):
                yield f"{path.relative_to(top)}:{number}: a path of some machine: {line.strip()}"


def whitespace(top):
    """As .editorconfig says."""
    for path in files(top, suffixes=SOURCES + SCRIPTS + (".md", ".scd", ".build", ".varlink", ".service", "Makefile")):
        text = path.read_text(errors="replace")
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield f"{path.relative_to(top)}: does not end with one newline"
        for number, line in numbered(path):
            if line != line.rstrip():
                yield f"{path.relative_to(top)}:{number}: space at the end of the line"


def links(top):
    """What one page points to is there."""
    for path in files(top, suffixes=".md"):
        for number, line in numbered(path):
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", line):
                if not (path.parent / target).exists():
                    yield f"{path.relative_to(top)}:{number}: points to {target}, which is not there"


def commands(top):
    """Every command in the table of src/cli/main.c has its place in romon(8) and in the shell completion."""
    page = (top / "docs/man/romon.8.scd").read_text()
    completion = (top / "packaging/completions/romon").read_text()
    for name in re.findall(r'^\t\{"([a-z][a-z -]*)",', (top / "src/cli/main.c").read_text(), re.MULTILINE):
        if not re.search(rf"\*{name}\b", page):
            yield f"docs/man/romon.8.scd: says nothing of the command '{name}'"
        if not all(re.search(rf"\b{word}\b", completion) for word in name.split()):
            yield f"packaging/completions/romon: does not know the command '{name}'"


def methods(top):
    """Every method of the control interface is served by the daemon, and used by the command."""
    described = (top / "src/control/io.openromon.varlink").read_text()
    for name in re.findall(r"^method (\w+)", described, re.MULTILINE):
        for folder in ("src/daemon", "src/cli"):
            if not any(re.search(rf'"(io\.openromon\.)?{name}"', path.read_text())
                       for path in files(top, folder, suffixes=".c")):
                yield f"{folder}: nothing there knows the method {name}"
