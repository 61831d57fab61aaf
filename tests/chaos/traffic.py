# SPDX-License-Identifier: BSD-2-Clause
"""Pings and checked streams between stations while the network is being broken. They may fail, but what a stream brings is right as far as
it goes, one that ends well is complete, and nothing hangs."""
import json
import subprocess
import tempfile
import time

AT_ONCE = 12
HANGS = 120  # seconds: no ping or stream takes so long, whatever happens to it


class Job:
    """One that runs: its process, and what to do with its end."""

    def __init__(self, process, what, finish):
        self.process, self.what, self.finish, self.began = process, what, finish, time.monotonic()


class Traffic:
    def __init__(self, world):
        self.world, self.jobs = world, []
        self.replies = self.requests = self.whole = self.broken = self.carried = 0
        world.traffic = self

    def ping(self, a, b):
        """False: enough is going on."""
        if len(self.jobs) >= AT_ONCE:
            return False
        process = a.node.background("ping", b.address, "count=5", "interval=100ms")
        self.jobs.append(Job(process, f"a ping from {a.node.name} to {b.node.name}", self._pinged))
        return True

    def _pinged(self, job):
        lines = job.process.communicate()[0].splitlines()
        if lines and job.process.returncode in (0, 1):
            totals = json.loads(lines[-1])
            self.requests += totals.get("sent", 0)
            self.replies += totals.get("received", 0)

    def stream(self, a, b, size, port):
        if len(self.jobs) >= AT_ONCE:
            return False
        data = self.world.random.randbytes(size)
        given, got = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        given.write(data)
        given.seek(0)
        process = subprocess.Popen(a.node.romon_line("connect", b.address, str(port)), stdin=given, stdout=got, stderr=subprocess.PIPE)
        self.world.lab.processes.append(process)
        given.close()
        self.jobs.append(Job(process, f"a stream of {size} bytes from {a.node.name} to {b.node.name}",
                             lambda job: self._streamed(job, data, got)))
        return True

    def _streamed(self, job, data, got):
        error = job.process.communicate()[1].decode(errors="replace")
        got.seek(0)
        back = got.read()
        got.close()
        self.carried += len(back)
        if not data.startswith(back):
            self.world.fault(f"{job.what} brought bytes that were not sent")
        if job.process.returncode == 0:
            self.whole += 1
            if back != data:
                self.world.fault(f"{job.what} ended well, with {len(back)} bytes")
        else:
            self.broken += 1
            if job.process.returncode not in (1, 3) or not error.startswith("romon: "):
                self.world.fault(f"{job.what}: status {job.process.returncode}: {error}")

    def look(self):
        """Takes what has ended."""
        for job in list(self.jobs):
            if job.process.poll() is not None:
                self.jobs.remove(job)
                self.world.lab.processes.remove(job.process)
                job.finish(job)
            elif time.monotonic() - job.began > HANGS:
                self.world.fault(f"{job.what} hangs")
                self.jobs.remove(job)
                job.process.kill()

    def finish(self):
        while self.jobs:
            self.look()
            time.sleep(0.05)
