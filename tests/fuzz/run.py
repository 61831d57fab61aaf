#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
#
# Runs the fuzz targets:
#
#     run.py replay PROGRAM                  a target over what it begins with (seeds.py), as `meson test` does
#     run.py seeds TARGET FOLDER             writes that into a folder, for AFL++: afl-fuzz -i FOLDER -o OUT -- PROGRAM @@
#     run.py fuzz BUILD SECONDS [TARGET...]  libFuzzer so long on each target, then the coverage of the parsers: `make fuzz`
#     run.py coverage BUILD [TARGET...]      the latter alone, of what was found so far
#     run.py keep BUILD [TARGET...]          what was found since that reaches new code, into the corpora of the tree
#
# Own frames stand in for the captured ones with --own, which `keep` needs: nothing captured belongs into the tree.

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import seeds

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
LINES_WANTED = 95  # per cent, of each parser
KEPT_MAX = 150  # inputs of one target in the tree, none of them of more than KEPT_BYTES
KEPT_BYTES = 1000
INPUT_MAX = {"fuzz_control": 16384, "fuzz_config": 16384, "fuzz_capture": 8192, "fuzz_wire_encode": 4096}  # bytes; others 2048
DICTIONARY = {"fuzz_config": "config", "fuzz_message": "json", "fuzz_control": "json"}  # others: frames
TARGETS = list(seeds.MAKERS)

# What reads strangers' bytes, and the targets that reach it.
PARSERS = {
    "frames": (["src/core/wire_decode.c", "src/core/wire_encode.c", "src/core/reader.c", "src/core/writer.c"],
               ["fuzz_wire_decode", "fuzz_wire_encode"]),
    "authentication": (["src/core/auth.c", "src/core/auth_batch.c", "src/core/auth_peer.c", "src/core/window.c"], ["fuzz_engine"]),
    "discovery": (["src/core/discover.c", "src/core/relay.c", "src/core/neighbor.c"], ["fuzz_engine"]),
    "data and pings": (["src/core/forward.c", "src/core/ping.c"], ["fuzz_engine"]),
    "streams": (["src/core/stream_receive.c", "src/core/stream_ack.c", "src/core/flight.c", "src/core/stream_close.c",
                 "src/core/stream_open.c", "src/core/ranges.c", "src/core/buffer.c"], ["fuzz_stream", "fuzz_engine"]),
    "configuration": (["src/daemon/config_lexer.c", "src/daemon/config_parse.c", "src/daemon/config_value.c",
                       "src/daemon/config_service.c", "src/daemon/config_edit.c", "src/daemon/target.c"], ["fuzz_config"]),
    "control messages": (["src/control/message.c", "src/daemon/control.c", "src/daemon/args.c"], ["fuzz_message", "fuzz_control"]),
    "WinBox's frames": (["src/winbox/chunk.c", "src/winbox/cipher.c"], ["fuzz_winbox_chunk", "fuzz_winbox_channel"]),
    "WinBox's messages": (["src/winbox/m2_read.c"], ["fuzz_winbox_m2"]),
    "WinBox's login": (["src/winbox/channel.c", "src/winbox/srp.c"], ["fuzz_winbox_channel"]),
    "captures": (["tests/fuzz/capture.c"], ["fuzz_capture"]),
}


def replay(program):
    """A target over its seeds and corpus, each input once."""
    with tempfile.TemporaryDirectory(prefix="romon-fuzz-") as folder:
        count = seeds.write(Path(program).name, folder)
        wrapper = os.environ.get("ROMON_FUZZ_WRAPPER", "").split()  # what plays a foreign machine
        done = subprocess.run([*wrapper, program, folder], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="")
    return done.returncode or int(f"{count} inputs" not in done.stdout)


def fuzz_one(build, target, seconds, own):
    """libFuzzer on one target. False: it found something, which is then in crashes/."""
    found, crashes = build / "found" / target, build / "crashes"
    found.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(exist_ok=True)
    seeds.write(target, found, own)
    done = subprocess.run(
        [build / "tests/fuzz" / target, f"-max_total_time={seconds}", f"-max_len={INPUT_MAX.get(target, 2048)}", "-timeout=20",
         f"-dict={HERE}/dict/{DICTIONARY.get(target, 'frames')}.dict", f"-artifact_prefix={crashes}/{target}-", "-rss_limit_mb=1024",
         "-print_final_stats=1", "-entropic_scale_per_exec_time=1", found],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        env={**os.environ, "LLVM_PROFILE_FILE": os.devnull})
    if done.returncode:
        print("\n".join(line for line in done.stdout.splitlines() if not line.startswith("#"))[-6000:])
        print(f"{target}: FAILED; the input is in {crashes}")
        return False
    runs = [line.split()[-1] for line in done.stdout.splitlines() if "number_of_executed_units" in line]
    print(f"{target}: {runs[0] if runs else '?'} inputs, {len(list(found.iterdir()))} of them kept", flush=True)
    return True


def profile(build, target):
    """What is executed by all that was found for a target, each once."""
    raw = build / f"{target}.profraw"
    subprocess.run([build / "tests/fuzz" / target, "-runs=0", build / "found" / target], stdin=subprocess.DEVNULL,
                   capture_output=True, check=True, env={**os.environ, "LLVM_PROFILE_FILE": str(raw)})
    return raw


def coverage(build, targets):
    """Prints the share of each parser's lines that was executed. False: one of them is below what is wanted."""
    merged, good = build / "fuzz.profdata", True
    subprocess.run(["llvm-profdata", "merge", "-o", merged, *(profile(build, target) for target in targets)], check=True)
    objects = [word for target in targets for word in ("-object", str(build / "tests/fuzz" / target))][1:]
    said = subprocess.run(["llvm-cov", "export", "-summary-only", f"-instr-profile={merged}", *objects], check=True,
                          capture_output=True, text=True).stdout
    known = {os.path.normpath(build / file["filename"]): file["summary"]["lines"] for file in json.loads(said)["data"][0]["files"]}
    for name, (files, reached_by) in PARSERS.items():
        if not set(reached_by) <= set(targets):
            continue
        lines = [known[str(TOP / file)] for file in files]
        share = 100 * sum(line["covered"] for line in lines) / sum(line["count"] for line in lines)
        enough = share >= LINES_WANTED
        print(f"{name}: {share:.1f} % of {sum(line['count'] for line in lines)} lines{'' if enough else ': TOO FEW'}")
        good = good and enough
    return good


def keep(build, targets):
    """The smallest inputs that together reach what all of them do, into the corpora of the tree."""
    for target in targets:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([build / "tests/fuzz" / target, "-merge=1", folder, build / "found" / target], check=True,
                           stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "LLVM_PROFILE_FILE": os.devnull})
            given = set(seeds.MAKERS[target](True))
            inputs = sorted((path.read_bytes() for path in Path(folder).iterdir()), key=len)
        new = [data for data in inputs if data not in given and len(data) <= KEPT_BYTES]
        step = max(1, -(-len(new) // KEPT_MAX))  # short ones and long ones
        lines = [data.hex() for data in new[::-step]]
        path = HERE / "corpus" / f"{target.removeprefix('fuzz_')}.txt"
        path.write_text("# An input a line, made by the fuzzer out of our own frames: run.py keep\n" + "\n".join(lines) + "\n")
        print(f"{target}: {len(inputs)} inputs, {len(lines)} kept in the tree")
    return 0


def main(words):
    own = "--own" in words
    words = [word for word in words if word != "--own"]
    if words[:1] == ["replay"] and len(words) == 2:
        return replay(words[1])
    if words[:1] == ["seeds"] and len(words) == 3:
        Path(words[2]).mkdir(parents=True, exist_ok=True)
        print(f"{seeds.write(words[1], words[2], own)} inputs")
        return 0
    if words[:1] == ["keep"] and len(words) >= 2:
        return keep(Path(words[1]), words[2:] or TARGETS)
    if words[:1] == ["coverage"] and len(words) >= 2:
        return int(not coverage(Path(words[1]).absolute(), words[2:] or TARGETS))
    if words[:1] == ["fuzz"] and len(words) >= 3:
        build, targets = Path(words[1]).absolute(), words[3:] or TARGETS
        good = all([fuzz_one(build, target, words[2], own) for target in targets])
        return int(not (good and coverage(build, targets)))
    sys.exit("usage: run.py replay PROGRAM | seeds TARGET FOLDER | fuzz BUILD SECONDS [TARGET...] | coverage BUILD [TARGET...] | "
             "keep BUILD [TARGET...]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
