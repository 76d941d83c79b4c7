"""Dead letters: events that were given up. A person lets them be tried again, or lets them rest."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Engine, insert, select, update

from tallystick.database import schema
from tallystick.database.engine import transaction
from tallystick.errors import ConfigurationError

__all__ = ["dismiss", "retry"]

_BATCH = 100


def retry(engine: Engine, key: str | None, now: int) -> int:
    """Let dead letters be tried again, whatever became of earlier attempts; gives how many.

    Those of one claim go in their order: with a dead letter go the later ones of its claim. One that a later
    correction or reversal has overtaken stays: what it tells holds no more.

    Args:
        engine: The project's database.
        key: The event's key; None for all of them.
        now: The instant from which they are due.
    """
    table, other = schema.outbox, schema.outbox.alias("other")
    same = (other.c.sink == table.c.sink, other.c.contract == table.c.contract, other.c.subject == table.c.subject)
    behind = (other.c.id > table.c.id, other.c.state == "delivered", other.c.event.in_(("corrected", "reversed")))
    overtaken = select(other.c.id).where(*same, *behind).exists()
    where = [table.c.state == "dead", ~overtaken]
    if key is not None:
        where.append(select(other.c.id).where(*same, other.c.key == key, other.c.state == "dead").exists())
        where.append(table.c.id >= select(other.c.id).where(*same, other.c.key == key).scalar_subquery())
    fresh = {"state": "waiting", "attempts": 0, "unsure_since": None, "next_at": now, "done_at": None, "note": None}
    with transaction(engine) as connection:
        found = connection.execute(select(table.c.id).where(*where)).scalars().all()
        for start in range(0, len(found), _BATCH):
            some = table.c.id.in_(found[start : start + _BATCH])
            connection.execute(update(table).where(some).values(**fresh))
    return len(found)


def dismiss(engine: Engine, sink: str, keys: Sequence[str] | None, reason: str, now: int) -> int:
    """Let dead letters of a sink rest, for a reason that is kept; gives how many.

    Such an event is not tried again. It counts as told: what is corrected or reversed later goes out all the same.

    Args:
        engine: The project's database.
        sink: The sink, which the project file need not name any more.
        keys: Keys of dead letters, all of which are dismissed or none; None for all of the sink.
        reason: Why.
        now: The instant.

    Raises:
        ConfigurationError: The sink has no dead letter of one of the keys.
    """
    table = schema.outbox
    where = (table.c.sink == sink, table.c.state == "dead")
    with transaction(engine) as connection:
        dead = connection.execute(select(table.c.key).where(*where).order_by(table.c.id)).scalars().all()
        chosen = dead if keys is None else list(dict.fromkeys(keys))
        if unknown := sorted(set(chosen) - set(dead)):
            raise ConfigurationError(
                f"the sink {sink} has no dead letter {unknown[0]}", hint="Run `tallystick sinks dead --all`."
            )
        for start in range(0, len(chosen), _BATCH):
            some = chosen[start : start + _BATCH]
            connection.execute(update(table).where(*where, table.c.key.in_(some)).values(state="dismissed"))
            rows = [{"sink": sink, "key": key, "at": now, "reason": reason} for key in some]
            connection.execute(insert(schema.dismissal), rows)
    return len(chosen)
