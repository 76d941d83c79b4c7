"""The daily quota: what is read of it, and where we stop."""

import pytest

from tallystick_salesforce.budget import Budget, Usage, read_usage
from tallystick_salesforce.faults import QuotaError


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("api-usage=18/5000", Usage(18, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=us)", Usage(25, 5000, 17, 250)),
        ("per-app-api-usage=17/250(appName=us)", None),
        ("api-usage=1/0", None),
        ("api-usage=x/5", None),
        ("", None),
    ],
)
def test_the_header_tells_usage(header, expected):
    """The org's usage and, where our app has a cap, its own are read; anything else is none."""
    assert read_usage({"sforce-limit-info": header}) == expected


def test_without_a_header_nothing_is_known():
    """An answer without it changes nothing."""
    budget = Budget(stop_at=0.8, per_run=0.25)
    budget.note({"sforce-limit-info": "api-usage=1/100"})
    budget.note({})

    assert budget.usage == Usage(1, 100)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        ("api-usage=80/100", "80 of the org's 100"),
        ("api-usage=5/100; per-app-api-usage=8/10(appName=us)", "8 of our app's 10"),
    ],
)
def test_at_its_share_no_further_call_is_made(header, named):
    """Whoever used the calls, we stop where the org would suffer."""
    budget = Budget(stop_at=0.8, per_run=1)
    budget.spend()
    budget.note({"sforce-limit-info": header})

    with pytest.raises(QuotaError, match=named):
        budget.spend()
    assert budget.calls == 1


def test_one_run_uses_no_more_than_its_share():
    """The calls of a run are counted by ourselves, against what the org allows."""
    budget = Budget(stop_at=0.8, per_run=0.25)
    budget.note({"sforce-limit-info": "api-usage=5/20"})
    for _ in range(5):
        budget.spend()

    with pytest.raises(QuotaError, match="25% of the org's 20"):
        budget.spend()
