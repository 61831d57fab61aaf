#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A RouterOS that is none: the command line of one, as far as RoMON goes, for ssh to run with the command in SSH_ORIGINAL_COMMAND. It
prints what MikroTik's page shows, and, as versions differ, other things too: `routeros.py [old] [endless] [strict] [colours] [off]
[empty] [far]`."""
import os
import re
import sys
import time

TABLE = """\
Flags: A - active
Columns: ADDRESS, COSt, Hops, PATH, L2MTu, IDENTITY, VERSION, BOARD
   ADDRESS            COS  H  PATH               L2MT  IDENTITY   VERSION    BOARD
A  6C:3B:6B:48:0E:8B  200  1  6C:3B:6B:48:0E:8B  1500  hEX        6.47beta7  RB750Gr3
A  6C:3B:6B:ED:83:69  200  1  6C:3B:6B:ED:83:69  1500  CCR1009    6.47beta7  CCR1009-7G-1C-1S+
A  B8:69:F4:B3:1B:D2  200  1  B8:69:F4:B3:1B:D2  1500  4K11       6.47beta7  RB4011iGS+5HacQ2HnD
A  CC:2D:E0:26:22:4D  200  1  CC:2D:E0:26:22:4D  1500  CCR1036    6.47beta7  CCR1036-8G-2S+
A  CC:2D:E0:8D:01:88  200  1  CC:2D:E0:8D:01:88  1500  CRS328     6.47beta7  CRS328-24P-4S+
A  E4:8D:8C:1C:D3:0E  200  1  E4:8D:8C:1C:D3:0E  1500  MikroTik   6.47beta7  RB2011iLS
A  E4:8D:8C:49:49:DB  200  1  E4:8D:8C:49:49:DB  1500  hAP        6.47beta7  RB962UiGS-5HacT2HnT
"""
# An older one: other widths, numbers at the right, no titles of text; and a router that is gone.
OLD = """\
Flags: A - active
     ADDRESS                COST      HOPS PATH                  L2MTU
 A   00:22:00:00:00:02        200          1 00:22:00:00:00:02      1500
     01:02:03:04:05:06        400          2 00:22:00:00:00:02      1500
                                             01:02:03:04:05:06
"""
# Names that are as strangers like them, twice the same one, a long path, and numbers at the right.
FAR = """\
Flags: A - active
Columns: ADDRESS, COST, HOPS, PATH, L2MTU, IDENTITY, VERSION, BOARD
   ADDRESS            COST  HOPS  PATH               L2MTU  IDENTITY           VERSION  BOARD
A  02:00:00:00:00:01    50     1  02:00:00:00:00:01   1500  twice              7.13     x86
A  02:00:00:00:00:02  1200     3  02:00:00:00:00:01    900  the  old barn's 1  7.13     RB 750
                                  02:00:00:00:00:03
                                  02:00:00:00:00:02
A  02:00:00:00:00:04   200     1  02:00:00:00:00:04   1500  twice
A  02:00:00:00:00:05   200     1  02:00:00:00:00:05   1500                     7.13
A  02:00:00:00:00:06   200     1  02:00:00:00:00:06   1500  m\u00fcll               7.13     x86
"""
ID = "(?:[0-9A-F]{2}:){5}[0-9A-F]{2}"


def table(modes):
    if "empty" in modes:
        return "".join(TABLE.splitlines(True)[:3])
    return OLD if "old" in modes else FAR if "far" in modes else TABLE


def put(text, modes):
    if "colours" in modes:
        text = re.sub("^(.+)$", "\x1b[m\x1b[1;33m\\1\x1b[0m", text, flags=re.MULTILINE)
        text = "[admin@MikroTik] > /tool/romon/discover\n" + text
    sys.stdout.buffer.write(text.replace("\n", "\r\n").encode())
    sys.stdout.flush()


def discover(rest, modes):
    seconds = re.fullmatch(r" duration=(\d+)s", rest)
    if rest and ("strict" in modes or not seconds):
        return put(f"expected end of command (line 1 column {len('/tool/romon/discover') + 2})\n", modes)
    if not rest or "endless" in modes:
        while True:  # a table, and again what has become of it
            put(table(modes), modes)
            time.sleep(0.1)
    time.sleep(0.2)
    put(table(modes), modes)


def ping(rest, modes):
    words = re.fullmatch(rf" id=({ID})(?: count=(\d+))?(?: size=\d+)?(?: interval=(\d+)ms)?", rest)
    if not words:
        return put("invalid value for argument id\n", modes)
    host, count, received, seq = words[1], int(words[2] or 10 ** 9), 0, 0
    put("  SEQ HOST                                    TIME  STATUS\n", modes)
    for seq in range(count):
        lost = host.endswith("99") or seq == 3
        received += not lost
        put(f"{seq:5d} {host}                {'' if lost else '1ms' if seq else '412us':>13}  {'timeout' if lost else ''}\n", modes)
        if seq % 20 == 19:  # the titles come again
            put(f"    sent={seq + 1} received={received} packet-loss=0%\n  SEQ HOST     TIME  STATUS\n", modes)
        time.sleep(int(words[3] or 20) / 1000)
    put(f"    sent={count} received={received} packet-loss={(count - received) * 100 // count}%"
        + (" min-rtt=0ms avg-rtt=0ms max-rtt=1ms" if received else "") + "\n", modes)


def ssh(rest, modes):
    """Asks for a password, and is the router's command line then."""
    words = re.fullmatch(rf" address=({ID})(?: user=([\w.+@-]+))?", rest)
    if not words:
        return put("syntax error (line 1 column 17)\n", modes)
    if not sys.stdin.isatty():
        return put("no terminal\n", modes)
    put("password:", modes)
    sys.stdin.readline()
    put(f"\n  MikroTik RouterOS 7.13 (c) 1999-2023       https://www.mikrotik.com/\n\n[{words[2] or 'admin'}@hEX] > ", modes)
    while line := sys.stdin.readline().strip():
        if line == "/quit":
            return put("\n", modes)
        put(f"  name: hEX at {words[1]}\n[{words[2] or 'admin'}@hEX] > ", modes)


def main():
    modes, command = sys.argv[1:], os.environ.get("SSH_ORIGINAL_COMMAND", "")
    with open(os.environ.get("ROUTEROS_LOG", "/dev/null"), "a") as log:
        log.write(command + "\n")
    for name, run in ((("discover"), discover), ("ping", ping), ("ssh", ssh)):
        head = "/tool/romon/" + name
        if command.startswith(head):
            return put("failure: RoMON not running\n", modes) if "off" in modes else run(command[len(head):], modes)
    put("bad command name (line 1 column 1)\n", modes)


if __name__ == "__main__":
    main()
