"""Running migrations with Alembic; apart from `engine`, because importing Alembic takes time a start-up has not."""

from __future__ import annotations

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tallystick.database.schema import metadata

__all__ = ["scripts", "upgrade"]


def scripts() -> ScriptDirectory:
    """Give the revisions this version ships."""
    config = Config()
    config.set_main_option("script_location", "tallystick.database:migrations")
    config.set_main_option("version_locations", "tallystick.database:migrations")
    config.set_main_option("path_separator", "newline")
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection, revision: str) -> None:
    """Bring a database to a revision inside the caller's transaction, which keeps all of it or nothing."""
    directory = scripts()

    def steps(current: object, _context: object) -> object:
        return directory._upgrade_revs(revision, current)  # type: ignore[arg-type]  # noqa: SLF001 - as alembic's own command does

    with EnvironmentContext(Config(), directory, fn=steps, destination_rev=revision) as environment:
        environment.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
        with environment.begin_transaction():
            environment.run_migrations()
