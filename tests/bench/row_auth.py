# SPDX-License-Identifier: BSD-2-Clause
"""Rows about authentication: what the programs of C beside this file measure, each in one process and by turns, and `openssl speed`."""
import json
import os
import re
import statistics
import subprocess
from pathlib import Path

from measure import Absent, Case, Side
from routed import program

DIGESTS = 2  # a frame is signed by one router and verified by the next


def run(name, *arguments):
    """What a program of the build prints, as JSON says it."""
    path = Path(os.environ["ROMON_BUILD"]) / "tests/bench" / name
    return json.loads(subprocess.run([path, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout)


def cases(_rounds):
    for case in run("bench_auth"):
        yield Case("auth", case["case"], case["unit"], [
            Side(side["side"], ours=side["ours"], values=side["values"]) for side in case["sides"]])


def openssl(size):
    """Nanoseconds a frame."""
    text = subprocess.run([program("openssl", "openssl"), "speed", "-seconds", "1", "-bytes", str(size), "-hmac", "md5"], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    rate = re.search(r"hmac\(md5\)\s+([\d.]+)k", text)
    if not rate:
        raise Absent("openssl speed does not tell of HMAC-MD5")
    return DIGESTS * size / float(rate[1]) * 1e6


def md5_cases(rounds):
    """Every turn is one run of both programs; of the many rounds within one of ours, the median counts."""
    sides = {}
    for _ in range(rounds or 5):
        for case in run("bench_md5"):
            size = int(case["case"].split()[0])
            for side in case["sides"]:
                kept = sides.setdefault(case["case"], {}).setdefault(side["side"], Side(side["side"], ours=side["ours"]))
                kept.values.append(statistics.median(side["values"]))
            sides[case["case"]].setdefault("openssl", Side("openssl speed", lambda size=size: openssl(size))).turn()
    for name, found in sides.items():
        yield Case("md5", name, "ns a frame", list(found.values()))


def one_lane_limit(size):
    """How many frames a second one processor could sign and verify with one lane of HMAC-MD5, and nothing else to do."""
    return run("bench_md5", "limit", size)
