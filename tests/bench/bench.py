#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the benchmarks of `make bench`: OpenRoMON side by side with what people would use instead, all in one run; a table or JSON.
Needs root for its network namespaces. docs/benchmarks.md says what each row is and how to read the figures.

    bench.py [--json] [--rounds N] [--rows NAME,...] BUILD"""
import argparse
import json
import os
import platform
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser(description="measures OpenRoMON beside what people would use instead")
    parser.add_argument("build", type=Path, help="the folder of a build with -Dbench=true")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=0, help="how often each side has its turn (a row's own number)")
    parser.add_argument("--rows", default="", help="only these rows, by name, with commas between them")
    return parser.parse_args()


def load(build):
    """The rows, by name. They find the programs by ROMON_BUILD, and the lab of the system tests beside them."""
    os.environ["ROMON_BUILD"] = str(build.resolve())
    sys.path[:0] = [str(HERE), str(HERE.parent / "system"), str(HERE.parent)]
    import row_auth
    import row_discovery
    import row_memory
    import row_ping
    import row_streams
    import row_transit
    return {"md5": row_auth.md5_cases, "auth": row_auth.cases, "transit": row_transit.cases, "ping": row_ping.cases,
            "discovery": row_discovery.cases, "memory": row_memory.cases,
            "streams": row_streams.cases, "scp": row_streams.scp_cases}


def main():
    options = arguments()
    rows = load(options.build)
    from measure import table
    wanted = [name for name in options.rows.split(",") if name] or list(rows)
    unknown = [name for name in wanted if name not in rows]
    if unknown:
        sys.exit(f"bench.py: no row {unknown[0]}; there are {', '.join(rows)}")
    records = []
    for name in wanted:
        for case in rows[name](options.rounds):
            records.append(case.record())
            if not options.json:
                print("\n".join(table(case)), flush=True)
    if options.json:
        print(json.dumps({"kernel": platform.release(), "machine": platform.machine(), "processors": os.cpu_count(),
                          "cases": records}, indent=1))


if __name__ == "__main__":
    main()
