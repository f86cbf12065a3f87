"""The jobs that import an uploaded file. They may be begun twice: the run says whether there is anything left to do."""

import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path

from autoshop.catalog.imports import service, store
from autoshop.catalog.imports.importing import Begin, Import
from autoshop.catalog.imports.model import Run
from autoshop.kit.db import Pool, transaction
from autoshop.kit.log import log


async def import_catalog(pool: Pool, run_id: int) -> None:
    """Products, prices and opening stock."""
    await import_file(pool, run_id, Import)


async def import_file(pool: Pool, run_id: int, begin: Begin) -> None:
    """Carry out one run, from the pieces of its file."""

    async def file(run: Run) -> AsyncGenerator[Path, None]:
        """The file on a disk of this machine, for as long as it is read."""
        with tempfile.NamedTemporaryFile(prefix="autoshop-import-") as spool:
            size = 0
            if run.file_id is not None:
                async for chunk in store.chunks(pool, run.file_id):
                    size += spool.write(chunk)
            spool.flush()
            yield Path(spool.name)

    run = await service.carry_out(pool, run_id, file, begin=begin)
    log.info("import", run=run.id, what=run.what, file=run.file_name, state=run.state, counts=run.counts)


async def take_up_again(pool: Pool) -> None:
    """Have runs done that nobody works on any more."""
    async with transaction(pool) as db:
        found = await service.take_up_again(db)
    if found:
        log.warning("imports taken up again", runs=found)


async def forget(pool: Pool) -> None:
    """Remove runs of long ago and files that became none."""
    await store.forget(pool)
