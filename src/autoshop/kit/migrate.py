"""Bring a database to the newest migration, one process at a time."""

from pathlib import Path

import sqlalchemy
from alembic import command, op
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection, make_url

from autoshop.kit.health import MIGRATIONS

_ONE_AT_A_TIME = 0x6175746F  # "auto": the advisory lock under which migrations run


def upgrade(owner_url: str) -> str:
    """Apply what is missing and return the revision reached.

    Two processes may start at once (compose restarts, two hosts): the second waits for the first
    and then finds nothing to do. A statement that cannot get its table lock in ten seconds fails
    instead of queueing up all sales behind it.
    """
    engine = _engine(owner_url)
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (_ONE_AT_A_TIME,))
        connection.exec_driver_sql("SET lock_timeout = '10s'")
        connection.commit()
        try:
            command.upgrade(_config(connection), "head")
            connection.commit()
            return current(connection) or ""
        finally:
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (_ONE_AT_A_TIME,))
            connection.commit()
            connection.close()
            engine.dispose()


def current(connection: Connection) -> str | None:
    """The revision that the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def run_sql_beside(migration_file: str) -> None:
    """Run the .sql file that lies beside a migration, as it is: no bind parameters, no escapes.

    By the driver itself: SQLAlchemy hands it an empty list of values, and then it takes a % for a place to put one.
    """
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(Path(migration_file).with_suffix(".sql").read_text(encoding="utf-8"))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _engine(owner_url: str) -> sqlalchemy.Engine:
    url = make_url(owner_url).set(drivername="postgresql+psycopg")
    return sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
