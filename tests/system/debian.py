# SPDX-License-Identifier: BSD-2-Clause
"""Programs of Debian's packages that run services. Installing such a package would start its service on the user's machine, now and
after each boot: so where it is not installed, it is unpacked into a folder of ours, with the libraries that are missing."""
import re
import subprocess


class Missing(Exception):
    """It is not there, and cannot be had; says why."""


def _run(*words, **options):
    try:
        return subprocess.run(words, check=True, capture_output=True, text=True, **options).stdout
    except FileNotFoundError:
        raise Missing(f"no {words[0]}") from None
    except subprocess.CalledProcessError as error:
        raise Missing(f"{' '.join(map(str, words))}: {error.stderr.strip()}") from None


def _with_its_libraries(package):
    words = ["apt-get", "install", "--simulate", "--no-install-recommends", package]
    try:
        listing = _run(*words)
    except Missing:  # the lists of a fresh machine are empty
        _run("apt-get", "update")
        listing = _run(*words)
    return re.findall(r"^Inst (\S+)", listing, re.MULTILINE)


def unpack(package, folder):
    """The files of a package that is not installed, and of what would be installed with it, below the folder returned."""
    root = folder / "root"
    _run("apt-get", "download", *_with_its_libraries(package), cwd=folder)
    for archive in folder.glob("*.deb"):
        _run("dpkg-deb", "-x", str(archive), str(root))
        archive.unlink()
    return root


def libraries(root):
    """What LD_LIBRARY_PATH has to be for programs below root."""
    return ":".join(str(path) for name in ("usr/lib", "lib") for path in (root / name).glob("*-linux-*"))
