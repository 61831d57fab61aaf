# SPDX-License-Identifier: BSD-2-Clause
"""Row about authentication: what the programs of C beside this file measure, in one process and by turns."""
import json
import os
import subprocess
from pathlib import Path

from measure import Case, Side


def measured(row, program, *arguments):
    """The cases that a program of the build prints."""
    path = Path(os.environ["ROMON_BUILD"]) / "tests/bench" / program
    text = subprocess.run([path, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout
    for case in json.loads(text):
        sides = [Side(side["side"], ours=side["ours"], values=side["values"]) for side in case["sides"]]
        yield Case(row, case["case"], case["unit"], sides)


def cases(_rounds):
    yield from measured("auth", "bench_auth")
