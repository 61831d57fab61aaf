# SPDX-License-Identifier: BSD-2-Clause
"""A line of 64 routers in 64 namespaces, with costs and MTUs that differ from place to place."""
import time

import pytest
from lab import conf

COUNT = 64


def cost(number, interface):
    """Of a port: something different nearly everywhere."""
    return 100 + 3 * number + (1 if interface == "eth1" else 0)


def mtu(number):
    """Of the wire from router `number` to the next."""
    return {20: 1450, 40: 1400}.get(number, 1500)


@pytest.fixture(scope="module")
def line(module_lab):
    nodes = [module_lab.node(f"n{number}") for number in range(COUNT)]
    configs = {}
    for number, node in enumerate(nodes):
        if number:
            module_lab.connect(nodes[number - 1], "eth1", node, "eth0", mtu=mtu(number - 1))
        ports = "".join(f"add interface={i} cost={cost(number, i)}\n" for i in ("eth0", "eth1"))
        configs[node.name] = conf(f"id={identifier(number)} identity={node.name} board=lab", ports)
    module_lab.start(*nodes, configs=configs)
    return nodes


def identifier(number):
    return f"02:64:00:00:00:{number + 1:02X}"


def expected(number):
    """What the first router must know of another."""
    wires = range(number)
    return {"hops": number, "cost": sum(cost(n, "eth1") + cost(n + 1, "eth0") for n in wires),
            "l2mtu": min(mtu(n) for n in wires), "path": [identifier(n + 1) for n in wires],
            "identity": f"n{number}", "active": True}


def test_the_first_sees_all_63_others_within_a_second(line):
    """The table at the end of one second is complete, and in it every column is right."""
    start = time.monotonic()
    seen = line[0].discover("1s")
    took = time.monotonic() - start
    assert {address: {key: router[key] for key in expected(1)} for address, router in seen.items()} == {
        identifier(n): expected(n) for n in range(1, COUNT)}
    assert took < 2, f"discover duration=1s took {took:.1f} s"


def test_the_first_pings_the_last(line):
    replies, totals = line[0].ping(identifier(COUNT - 1), count=5, interval="50ms")
    assert totals["received"] == 5 and {r["status"] for r in replies} == {"ok"}
    sent = line[-2].stats()["eth1"]["forwarded"]
    assert sent >= 5, "the pings went another way than over the line"


def test_the_middle_sees_both_ends(line):
    seen = line[32].discover("1s")
    assert (seen[identifier(0)]["hops"], seen[identifier(63)]["hops"], len(seen)) == (32, 31, 63)
