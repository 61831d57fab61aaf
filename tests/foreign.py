#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# `make foreign`: core's unit tests and fuzz corpora on machines of another kind, a big-endian one of 64 bits and a small one of 32, run by
# qemu-user. Needs Debian: the compilers are its cross compilers, and the foreign nettle and cmocka are its packages, fetched with
# package lists of their own and unpacked below build-foreign/. Nothing of this touches what the machine has installed.
#
# The last line is `N passed, N failed`, as that of `make check`, with each test program counted once a machine. A machine that cannot be
# played is a skipped test, named in a line of its own.

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BUILDS = TOP / "build-foreign"
PACKAGES = ["libnettle8", "nettle-dev", "libcmocka0", "libcmocka-dev"]
TIMEOUT = "10"  # times what a test is given: each instruction is played

# Debian's name of the machine: the compiler's prefix, qemu's name, meson's family, byte order.
MACHINES = {
    "s390x": ("s390x-linux-gnu", "s390x", "s390x", "big"),
    "armhf": ("arm-linux-gnueabihf", "arm", "arm", "little"),
}


def run(command, **options):
    """Runs a command; what it says is shown only if it fails, and then there is an exception."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-4000:]}")


def fetch(machine, folder):
    """The foreign packages, unpacked into folder/root."""
    root, state = folder / "root", folder / "apt"
    if root.exists():
        return root
    for inner in ("state/lists/partial", "cache/archives/partial", "debs"):
        (state / inner).mkdir(parents=True, exist_ok=True)
    options = [f"APT::Architecture={machine}", f"APT::Architectures={machine}", f"Dir::State={state}/state", "Dir::State::status=/dev/null",
               f"Dir::Cache={state}/cache", "APT::Sandbox::User=root"]
    apt = ["apt-get", "-q", *(word for option in options for word in ("-o", option))]
    subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, capture_output=True)  # whether that was enough shows in the next line
    run([*apt, "download", *PACKAGES], cwd=state / "debs")
    unpacked = folder / "unpacked"
    for package in sorted((state / "debs").glob("*.deb")):
        run(["dpkg-deb", "-x", package, unpacked])
    unpacked.rename(root)
    shutil.rmtree(state)
    return root


def write_cross_file(machine, folder, root):
    """How meson builds for the machine, and runs what it has built. Returns the wrapper, too."""
    prefix, qemu, family, order = MACHINES[machine]
    libraries = root / "usr/lib" / prefix
    wrapper = [f"qemu-{qemu}", "-L", f"/usr/{prefix}", "-E", f"LD_LIBRARY_PATH={libraries}:/usr/{prefix}/lib"]
    path = folder / "cross.txt"
    path.write_text(f"""[binaries]
c = '{prefix}-gcc'
ar = '{prefix}-ar'
strip = '{prefix}-strip'
pkgconfig = 'pkg-config'
exe_wrapper = {wrapper!r}

[properties]
sys_root = '{root}'
pkg_config_libdir = '{libraries}/pkgconfig'

[built-in options]
c_args = ['-I{root}/usr/include', '-I{root}/usr/include/{prefix}']
c_link_args = ['-L{libraries}', '-Wl,-rpath-link,{libraries}']

[host_machine]
system = 'linux'
cpu_family = '{family}'
cpu = '{family}'
endian = '{order}'
""")
    return path, wrapper


def play(machine):
    """Builds and runs everything for one machine. Returns the numbers of test programs that passed and failed."""
    folder = BUILDS / machine
    cross, wrapper = write_cross_file(machine, folder, fetch(machine, folder))
    build = folder / "build"
    if not (build / "build.ninja").exists():
        run(["meson", "setup", build, "--cross-file", cross, "-Dcore_only=true", "-Dtests=true", "-Dwerror=true"], cwd=TOP)
    run(["ninja", "-C", build])
    log = build / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    done = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "-t", TIMEOUT, "--print-errorlogs"], cwd=TOP, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "ROMON_FUZZ_WRAPPER": " ".join(wrapper)})
    results = [json.loads(line)["result"] for line in log.read_text().splitlines()] if log.exists() else []
    good = results.count("OK")
    bad = len(results) - good + (not results)
    if bad or done.returncode:
        print(done.stdout[-8000:])
    return good, bad or int(done.returncode != 0)


def why_not(machine):
    """Why this machine cannot be played here; None: it can."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "needs Debian's packages"
    for program in (f"{MACHINES[machine][0]}-gcc", f"qemu-{MACHINES[machine][1]}"):
        if shutil.which(program) is None:
            return f"no {program}"
    return None


def main():
    passed = failed = skipped = 0
    for machine in MACHINES:
        reason = why_not(machine)
        if reason:
            print(f"skipped: core's tests on {machine}: {reason}")
            skipped += 1
            continue
        (BUILDS / machine).mkdir(parents=True, exist_ok=True)
        try:
            good, bad = play(machine)
        except RuntimeError as error:
            print(error)
            good, bad = 0, 1
        print(f"{machine}: {good} of {good + bad} test programs passed", flush=True)
        passed += good
        failed += bad
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(bool(failed) or passed == 0 and skipped == 0)


if __name__ == "__main__":
    main()
