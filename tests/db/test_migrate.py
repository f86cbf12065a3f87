"""Migrations: SQL files run as they are."""

from pathlib import Path

import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations

from autoshop.kit.migrate import run_sql_beside
from tests.conftest import Database

PERCENT = """
CREATE TABLE discounts (name text CHECK (name LIKE '%s' OR name LIKE '%(name)s' OR name ~ '^[0-9]+%$'));
INSERT INTO discounts VALUES ('10%');
-- 100 % as it stands: {braces}, :names, %% and $1
"""


def test_a_percent_sign_in_a_migration_is_a_percent_sign(database: Database, tmp_path: Path) -> None:
    (tmp_path / "0099_percent.sql").write_text(PERCENT, encoding="utf-8")
    engine = sqlalchemy.create_engine(database.owner_url.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        run_sql_beside(str(tmp_path / "0099_percent.py"))
    with engine.connect() as connection:
        assert connection.scalar(sqlalchemy.text("SELECT name FROM discounts")) == "10%"
    engine.dispose()
