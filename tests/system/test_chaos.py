# SPDX-License-Identifier: BSD-2-Clause
"""A little chaos (tests/chaos), so that it stays alive; `make chaos` has much of it."""
import os
import subprocess
import sys
from pathlib import Path

from lab import BUILD, sanitized

CHAOS = Path(__file__).resolve().parents[1] / "chaos" / "chaos.py"


def test_chaos():
    seconds = 12 if sanitized() else 4
    done = subprocess.run([sys.executable, CHAOS, "--minutes", str(seconds / 60), "--nodes", "5", "--seed", "20"], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
                          env={**os.environ, "ROMON_BUILD": str(BUILD)})
    assert done.returncode == 0, done.stdout
    assert "all of them arrived" in done.stdout and done.stdout.endswith("chaos: 0 faults\n")
