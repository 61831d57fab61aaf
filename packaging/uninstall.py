#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""uninstall.py BUILD [DESTDIR]: removes the files that `meson install` of this build put there, and the configuration if nobody
changed it. Directories that others use too stay, except below a DESTDIR, where nothing empty is left."""
import json
import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
CONFIG = Path("/etc/romon/romon.conf")


def below(destdir, path):
    return Path(destdir + str(path)) if destdir else Path(path)


def remove_empty(folder, stop):
    """Removes folder and those above it, stop excluded, as far as they are empty."""
    while folder != stop and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def main():
    build, destdir = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    listing = subprocess.run(["meson", "introspect", "--installed", build], check=True, capture_output=True, text=True).stdout
    paths = [below(destdir, path) for path in json.loads(listing).values()]
    config = below(destdir, CONFIG)
    if config.exists():
        if config.read_bytes() == (TOP / "packaging" / "romon.conf").read_bytes():
            paths.append(config)
        else:
            print(f"kept, since it was changed: {config}")
    for path in paths:
        if os.path.lexists(path):
            path.unlink()
            print(f"removed {path}")
        if destdir:
            remove_empty(path.parent, Path(destdir))
    remove_empty(config.parent, Path(destdir) if destdir else config.parent.parent)


main()
