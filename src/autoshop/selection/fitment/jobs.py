"""The job that imports an uploaded file of fitments. It may be begun twice: the run says whether anything is left."""

from autoshop.catalog.imports.jobs import import_file
from autoshop.kit.db import Pool
from autoshop.selection.fitment.importing import FitmentImport


async def import_fitments(pool: Pool, run_id: int) -> None:
    """What fits which car, as sources say."""
    await import_file(pool, run_id, FitmentImport)
