"""A contract that is built from the text in somebody else's ledger."""

import json

import pytest
from tests.bundles import CONTRACT

from tallystick.canonical import canonical
from tallystick.contracts import contract_from_body, load_contract


@pytest.mark.parametrize("percent", ["1E+999999999", "-1E-999999999", "NaN", "Infinity"])
def test_a_number_of_no_real_size_is_refused(tmp_path, percent):
    """A price whose digits would fill the memory builds no contract."""
    path = tmp_path / "acme.yaml"
    path.write_text(CONTRACT)
    contract = load_contract(path, templates={}, custom={"billing": {}})
    body = json.loads(canonical(contract.body))
    assert contract_from_body(body) == contract
    body["outcomes"][0]["price"]["percent"] = percent

    with pytest.raises(ValueError, match="is no number that a contract has"):
        contract_from_body(body)
