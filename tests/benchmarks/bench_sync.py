"""Sync of pre-rendered Stripe pages, beside a bare httpx + orjson loop and Stripe's own SDK on the same pages."""

import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import orjson
from tests.benchmarks.sync_of import sync_of

from tallystick.testing.simulation import start_simulator

CHARGES = 100_000
MANY = 1_000_000
SDK_CHARGES = 5_000
MODULE = "tallystick_stripe.simulator"
KEY = "rk_live_demo"


def _bare(origin):
    """Read all pages one after the other and decode them; give records per second."""
    count, after = 0, None
    began = time.perf_counter()
    with httpx.Client(base_url=origin, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client:
        while True:
            params = {"limit": 100} | ({"starting_after": after} if after else {})
            page = orjson.loads(client.get("/v1/charges", params=params).content)
            count += len(page["data"])
            if not page["has_more"]:
                break
            after = page["data"][-1]["id"]
    assert count == CHARGES
    return count / (time.perf_counter() - began)


def _sdk(origin):
    """Page through the first charges with Stripe's SDK; give records per second."""
    import stripe

    stripe.enable_telemetry = False
    client = stripe.StripeClient(KEY, base_addresses={"api": origin})
    began = time.perf_counter()
    for count, _ in enumerate(client.v1.charges.list({"limit": 100}).auto_paging_iter(), 1):
        if count == SDK_CHARGES:
            break
    return SDK_CHARGES / (time.perf_counter() - began)


def _ours(origin, folder):
    source = (
        f"    connector: stripe\n    base_url: {origin}\n    key: env:STRIPE_KEY\n    start: 2020-01-01\n"
        "    requests_per_second: 10000\n"
    )
    return sync_of(folder, source, environment={"STRIPE_KEY": KEY})


def run():
    """Give records per second of the three clients, the ratios, and the memory at a million records."""
    found = {}
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(CHARGES)]) as simulator, _folder() as folder:
        bare = _bare(simulator.origin)
        stored, seconds, *_ = _ours(simulator.origin, folder)
        assert stored == CHARGES
        found["bare httpx + orjson, records/s"] = f"{bare:,.0f}"
        found["tallystick sync, evidence durable, records/s"] = f"{stored / seconds:,.0f}"
        found["ratio tallystick / bare (target >= 0.60)"] = f"{stored / seconds / bare:.2f}"
        sdk = _sdk(simulator.origin)
        found["stripe SDK auto-paging, records/s"] = f"{sdk:,.0f}"
        found["ratio tallystick / stripe SDK"] = f"{stored / seconds / sdk:.1f}"
    with start_simulator(MODULE, seed=1, options=["--prerendered", str(MANY)]) as simulator, _folder() as folder:
        stored, seconds, peak, _ = _ours(simulator.origin, folder)
        found[f"{stored:,} records, records/s"] = f"{stored / seconds:,.0f}"
        found["peak memory at 1,000,000 records, MB (target 300)"] = f"{peak:.0f}"
    return found


@contextmanager
def _folder():
    with tempfile.TemporaryDirectory() as held:
        yield Path(held)
