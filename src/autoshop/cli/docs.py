"""autoshop schema-doc: the document that is written from the thing itself."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from autoshop.kit import schema_doc

DOCUMENT = Path(__file__).resolve().parents[3] / "project" / "db_schema.md"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(name="schema-doc")(schema_doc_)


def schema_doc_(
    check: Annotated[bool, typer.Option("--check", help="write nothing; exit 1 if the document is stale")] = False,
    output: Annotated[Path, typer.Option(help="where to write it")] = DOCUMENT,
) -> None:
    """Write project/db_schema.md from a new, migrated database of its own."""
    with _fresh_database() as url:
        text = _render(url)
    if not check:
        output.write_text(text, encoding="utf-8")
        typer.echo(f"Wrote {output.name}.")
    elif not output.exists() or output.read_text(encoding="utf-8") != text:
        typer.secho(f"{output.name} is stale: run `bin/autoshop schema-doc` and commit it.", fg="red", err=True)
        raise SystemExit(1)


@contextmanager
def _fresh_database() -> Iterator[str]:
    from autoshop.kit import migrate
    from autoshop.kit.embedded import Cluster

    with tempfile.TemporaryDirectory(prefix="autoshop-schema-") as directory:
        Path(directory).chmod(0o755)
        with Cluster(Path(directory) / "postgres", {"fsync": "off"}) as cluster:
            cluster.bootstrap()
            migrate.upgrade(cluster.url("autoshop"))
            yield cluster.url()


def _render(url: str) -> str:
    import asyncio

    from autoshop.kit.db import open_pool
    from autoshop.kit.settings import Settings

    async def work() -> str:
        pool = await open_pool(Settings(database_url=url), name="schema-doc")
        try:
            return await schema_doc.render(pool)
        finally:
            await pool.close()

    return asyncio.run(work())
