"""A shop that several tests look at and none changes."""

from collections.abc import AsyncIterator, Iterator

import psycopg
import pytest

from autoshop.kit.db import Pool, open_pool
from autoshop.kit.embedded import Cluster
from tests.conftest import Database


@pytest.fixture(scope="module")
def untouched_database(cluster: Cluster) -> Iterator[Database]:
    """The cast, for all tests of a module that leave it as it is."""
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE untouched TEMPLATE autoshop OWNER autoshop STRATEGY file_copy")
        urls = (cluster.url(role, "untouched") for role in ("autoshop_app", "autoshop", "postgres"))
        yield Database(*urls)
        admin.execute("DROP DATABASE untouched WITH (FORCE)")


@pytest.fixture(scope="module")
async def untouched(untouched_database: Database) -> AsyncIterator[Pool]:
    """Connections to it, as the application has them."""
    opened = await open_pool(untouched_database.settings(), name="test")
    yield opened
    await opened.close()
