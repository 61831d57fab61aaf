# SPDX-License-Identifier: BSD-2-Clause
"""A fixed set of seeds: in every topology a network under all faults keeps every check, and heals. With ROMON_SOAK=1 the networks have 50
routers and the runs ten simulated hours each, and ROMON_SEED chooses others."""
import os

import pytest

from sim import SOAK, simulate

SEED = int(os.environ.get("ROMON_SEED", "1"))
TOPOLOGIES = ["line", "ring", "star", "tree", "grid", "mesh", "geometric", "rings", "access"]
SIZE = ["routers=50", "time=10h", "fault-interval=20s"] if SOAK else ["routers=20", "time=4m", "fault-interval=5s"]
NETWORKS = {
    "open": ["loss=0.1%", "routeros=30", "skew=0.1%"],
    "rotating": ["secrets=rotate", "hostile=2", "costs=random", "jitter=1ms"],
    "other": ["secrets=shared", "hostile=1", "unicast=no", "shared-mac=yes", "reorder=1%", "duplicate=1%"],
}


@pytest.mark.parametrize("kind", NETWORKS if not SOAK else ["rotating"])
@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_all_faults(topology, kind):
    result = simulate(f"topology={topology}", f"seed={SEED}", "faults=all", *SIZE, *NETWORKS[kind])
    assert result["faults"] > 20 and result["replies"] > 0 and result["streams-done"] > 0, "there was something to see"
    assert all(count > 0 for check, count in result["checks"].items() if check != "hops" or topology != "mesh")
