# SPDX-License-Identifier: BSD-2-Clause
"""The test vectors: frames captured from real routers, which are shared beside the repository, and frames of our own in the same
form, which come with it. A line is `NAME HEX`; the hex starts at the RoMON header."""
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
CAPTURED = TESTS.parent.parent / "shared" / "vectors" / "frames.txt"
OWN = TESTS / "vectors" / "own-frames.txt"


def load(path):
    """A dictionary of name to message bytes."""
    lines = [line.split() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name: bytes.fromhex(text) for name, text in lines}


def sets():
    """The sets that exist, by name."""
    return {path_name: load(path) for path_name, path in (("captured", CAPTURED), ("own", OWN)) if path.exists()}
