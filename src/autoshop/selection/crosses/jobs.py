"""The job that imports an uploaded file of crosses. It may be begun twice: what is written stays."""

from autoshop.catalog.imports.jobs import import_file
from autoshop.kit.db import Pool
from autoshop.selection.crosses.importing import CrossImport


async def import_crosses(pool: Pool, run_id: int) -> None:
    """Pairs of articles."""
    await import_file(pool, run_id, CrossImport)
