"""autoshop import crosses, autoshop facts load: links between articles, from a file and from what is known."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from autoshop.accounts.model import system
from autoshop.catalog.imports.model import Options
from autoshop.cli import runs
from autoshop.cli.run import with_pool
from autoshop.cli.runs import Delimiter, DryRun, Encoding, Errors, File, Ignore, Lang, Sheet, Summary
from autoshop.kit.db import Pool, transaction
from autoshop.selection.crosses import importing
from autoshop.selection.crosses.importing import CrossImport
from autoshop.selection.fitment import loading as fitment

SUMMARY: Summary = {
    "ru": "строк {rows}, с ошибками {bad_rows}; новых артикулов {articles}, новых или уточнённых пар {pairs}, "
    "спорных пар свечей {conflicts}",
    "en": "rows {rows}, with errors {bad_rows}; new articles {articles}, pairs new or surer {pairs}, "
    "pairs of plugs in conflict {conflicts}",
}
FACTS = "Facts: {rows}; new articles {articles}, pairs new or surer {pairs}, gone {forgotten}, in conflict {conflicts}."


def register(imports: typer.Typer, app: typer.Typer) -> None:
    """Add the commands: `crosses` to the imports, and a family of their own."""
    imports.command(name="crosses")(crosses)
    family = typer.Typer(help="What is known of parts and plugs.", no_args_is_help=True)
    family.callback()(lambda: None)  # so that `load` stays a command of its own while it is the only one
    family.command(name="load")(load)
    app.add_typer(family, name="facts")


def crosses(
    file: File,
    kind: Annotated[
        Literal["analog", "oe", "supersession", "spec_equal"], typer.Option(help="of rows that do not say")
    ] = "analog",
    confidence: Annotated[Literal["high", "medium", "low"], typer.Option(help="of rows that do not say")] = "medium",
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore_column: Ignore = None,
    errors: Errors = None,
    language: Lang = "",
) -> None:
    """Pairs of articles from a file: good rows are loaded, each other one is told with its line and reason."""
    options = Options(
        dry_run=dry_run, encoding=encoding, delimiter=delimiter, sheet=sheet, ignore=tuple(ignore_column or ()),
        defaults={"kind": kind, "confidence": confidence},
    )  # fmt: skip
    runs.do(file, options, errors, language, "crosses", CrossImport, SUMMARY)


def load() -> None:
    """Load what is known: brands, crosses, cars and what fits them. Safe to repeat; nothing else is touched."""
    told = with_pool(_load)
    for line in told:
        typer.echo(line)


async def _load(pool: Pool) -> list[str]:
    loaded = await importing.load_facts(pool, system("facts"))
    async with transaction(pool, unhurried=True) as db:
        cars = await fitment.load_facts(db)
    return [
        FACTS.format(**asdict(loaded)),
        f"Cars: {cars.vehicles}, engines {cars.engines}; fitments {cars.fitments}.",
    ]
