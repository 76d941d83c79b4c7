"""Meetings and their guests, by the columns that join two sources."""

DAY = 86_400_000_000
MINUTE = 60_000_000
START = 1_790_000_000_000_000


def booking(name, start=0, minutes=30, **columns):
    """Give a meeting that begins some minutes after START."""
    times = {"starts_at": START + start * MINUTE, "ends_at": START + (start + minutes) * MINUTE}
    return {"id": name, "source": "crm", **times, **columns}


def invited(meeting, email="p@x.example", internal=False, **columns):
    """Give somebody who was asked to a meeting."""
    return {"meeting_id": meeting, "email": email, "internal": internal, **columns}
