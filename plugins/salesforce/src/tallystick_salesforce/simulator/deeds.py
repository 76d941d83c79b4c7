"""What a deed does to the records."""

from __future__ import annotations

from collections.abc import Callable

from tallystick_salesforce.simulator import history
from tallystick_salesforce.simulator.gatherings import copy_down, invite, relate
from tallystick_salesforce.simulator.plan import DAY, Deed
from tallystick_salesforce.simulator.rules import COMPUTED, STAMPS, derive
from tallystick_salesforce.simulator.tables import Tables
from tallystick_salesforce.simulator.values import Row, kept

__all__ = ["do", "update"]

_AUDIT = {"CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById"}
_MERGED = {"Account", "Contact", "Lead", "Case"}


def do(org: Tables, deed: Deed) -> None:
    """Do one deed; its stamps say `deed.at`.

    Raises:
        ValueError: It cannot be done; the message names the key.
    """
    try:
        _sign_in(org, deed)
        _KINDS[deed.kind](org, deed)
    except (KeyError, ValueError) as error:
        raise ValueError(f"{deed.kind} {deed.key} at {deed.at}: {error}") from error


def _by(org: Tables, deed: Deed) -> str:
    if deed.by not in org.keys:
        raise ValueError(f"there is no user {deed.by}")
    return org.keys[deed.by]


def _values(org: Tables, name: str, deed: Deed) -> Row:
    shape, found = org.shapes[name], Row()
    for field_name, value in deed.fields.items():
        field = shape.fields.get(field_name)
        if field is None:
            raise ValueError(f"{name} has no field {field_name}")
        if field_name in STAMPS or field_name in COMPUTED.get(name, ()):
            raise ValueError(f"{field_name} is set by Salesforce")
        found[field_name] = kept(field, value, org.keys)
    return found


def _create(org: Tables, deed: Deed) -> None:
    name, by = deed.object, _by(org, deed)
    row = org.blank(name, org.keys[deed.key])
    given = _values(org, name, deed)
    row |= given
    row |= {field: by for field in ("CreatedById", "LastModifiedById") if field in row}
    row |= {field: deed.at for field in ("CreatedDate", "LastModifiedDate", "SystemModstamp") if field in row}
    if "OwnerId" in row:
        row["OwnerId"] = row["OwnerId"] or by
    if "CurrencyIsoCode" in row:
        row["CurrencyIsoCode"] = row["CurrencyIsoCode"] or org.plan.currencies[0]
    derive(org, name, row, None, given=set(given), at=deed.at)
    for field, value in deed.audit.items():
        if field not in _AUDIT:
            raise ValueError(f"{field} is no audit field that can be set")
        row[field] = kept(org.shapes[name].fields[field], value, org.keys)
    org.add(name, row, deed.key)
    history.created(org, name, row, history.Writer(by, deed.at))
    history.trail(org, name, None, row, history.Writer(by, deed.at))
    if deed.invitees:
        invite(org, row, deed)
    if name == "Event":
        relate(org, None, row, by, deed.at)


def _update(org: Tables, deed: Deed) -> None:
    row = _living(org, deed.key)
    update(org, row, _values(org, org.kind(row["Id"]), deed), _by(org, deed), deed.at, system=deed.system)


def update(org: Tables, row: Row, values: Row, by: str, at: int, *, system: bool = False) -> None:
    """Change a record in place, with its stamps, its history and the copies that follow it."""
    name, old = org.kind(row["Id"]), dict(row)
    row |= values
    derive(org, name, row, old, given=set(values), at=at)
    stamp(row, by, at, system=system)
    history.record_changes(org, name, old, row, history.Writer(by, at))
    history.trail(org, name, old, row, history.Writer(by, at))
    if name == "Event":
        copy_down(org, old, row, by, at)
        relate(org, old, row, by, at)


def stamp(row: Row, by: str, at: int, *, system: bool = False) -> None:
    """Move the stamps of a record, so far as it has them."""
    if not system:
        row |= {key: value for key, value in (("LastModifiedById", by), ("LastModifiedDate", at)) if key in row}
    if "SystemModstamp" in row:
        row["SystemModstamp"] = at


def _delete(org: Tables, deed: Deed) -> None:
    row = _living(org, deed.key)
    _bin(org, row, _by(org, deed), deed.at)


def _bin(org: Tables, row: Row, by: str, at: int) -> None:
    name = org.kind(row["Id"])
    if "IsDeleted" not in row:
        raise ValueError(f"{name} cannot be deleted")
    row["IsDeleted"] = True
    stamp(row, by, at)
    org.deletions[name].append((at, row["Id"]))
    for record in org.belongings.get(row["Id"], ()):
        belonging = org.find(record)
        if belonging is not None and belonging.get("IsDeleted") is False:
            _bin(org, belonging, by, at)


def _undelete(org: Tables, deed: Deed) -> None:
    row = _there(org, deed.key)
    if not row["IsDeleted"] or row.get("MasterRecordId"):
        raise ValueError("it is not in the recycle bin, or was merged")
    when = max(at for at, record in org.deletions[org.kind(row["Id"])] if record == row["Id"])
    _restore(org, row, _by(org, deed), deed.at, when)


def _restore(org: Tables, row: Row, by: str, at: int, when: int) -> None:
    name = org.kind(row["Id"])
    org.deletions[name].remove((when, row["Id"]))
    row["IsDeleted"] = False
    stamp(row, by, at)
    for record in org.belongings.get(row["Id"], ()):
        if (when, record) in org.deletions[org.kind(record)]:
            _restore(org, _found(org, record), by, at, when)


def _hard_delete(org: Tables, deed: Deed) -> None:
    org.drop(_there(org, deed.key)["Id"])


def _merge(org: Tables, deed: Deed) -> None:
    row, loser, by = _living(org, deed.key), _living(org, deed.loser), _by(org, deed)
    name = org.kind(row["Id"])
    if name not in _MERGED or org.kind(loser["Id"]) != name or row is loser:
        raise ValueError(f"{deed.loser} cannot be merged into it")
    for kind, shape in org.shapes.items():
        ways = [way.name for way in shape.fields.values() if name in way.refers_to and way.name != "MasterRecordId"]
        # History stays with the record whose history it is.
        for child in org.rows[kind].values() if ways and kind not in history.ALL_HISTORIES else ():
            _repoint(org, child, ways, loser["Id"], row["Id"], at=deed.at)
    loser["MasterRecordId"] = row["Id"]
    _bin(org, loser, by, deed.at)
    update(org, row, _values(org, name, deed), by, deed.at)


def _repoint(org: Tables, child: Row, ways: list[str], loser: str, winner: str, *, at: int) -> None:
    for way in ways:
        if child[way] == loser:
            child[way] = winner
            stamp(child, "", at, system=True)
            if child["Id"] in org.belongings.get(loser, ()):
                org.belongings[loser].remove(child["Id"])
                org.belong(child["Id"], winner)


def _sign_in(org: Tables, deed: Deed) -> None:
    """Write the first sign-in of a day of a user through an application."""
    user, name = _by(org, deed), "LoginHistory"
    key = f"{name}:{user}:{deed.client}:{deed.at // DAY}"
    if key in org.keys:
        return
    row = org.blank(name, org.new_id(name, deed.at))
    by_hand = deed.client == "Browser"
    row |= {"UserId": user, "LoginTime": deed.at, "Application": deed.client, "Status": "Success"}
    row |= {"LoginType": "Application" if by_hand else "Remote Access 2.0", "SourceIp": "203.0.113.7"}
    org.add(name, row, key)


def _found(org: Tables, record: str) -> Row:
    row = org.find(record)
    if row is None:
        raise ValueError("it is not there")
    return row


def _there(org: Tables, key: str) -> Row:
    if key not in org.keys:
        raise ValueError(f"there is no {key}")
    return _found(org, org.keys[key])


def _living(org: Tables, key: str) -> Row:
    row = _there(org, key)
    if row.get("IsDeleted"):
        raise ValueError(f"{key} is deleted")
    return row


_KINDS: dict[str, Callable[[Tables, Deed], None]] = {
    "create": _create,
    "update": _update,
    "delete": _delete,
    "undelete": _undelete,
    "hard_delete": _hard_delete,
    "merge": _merge,
}
