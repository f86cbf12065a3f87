"""autoshop import crosses, autoshop facts load: links between articles, from a file and from what is known."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from autoshop.accounts.model import system
from autoshop.catalog.imports.csv_file import ENCODINGS, delimiter_named
from autoshop.catalog.imports.model import Options, Problem
from autoshop.cli.run import with_pool
from autoshop.kit.db import Pool, transaction
from autoshop.kit.language import Language
from autoshop.selection.crosses import importing, texts
from autoshop.selection.crosses.importing import Loaded
from autoshop.selection.fitment import loading as fitment

SHOWN = 50
SUMMARY = {
    "ru": "Строк {rows}, с ошибками {bad_rows}; новых артикулов {articles}, новых или уточнённых пар {pairs}, "
    "спорных пар свечей {conflicts}",
    "en": "rows {rows}, with errors {bad_rows}; new articles {articles}, pairs new or surer {pairs}, "
    "pairs of plugs in conflict {conflicts}",
}
FACTS = "Facts: {rows}; new articles {articles}, pairs new or surer {pairs}, gone {forgotten}, in conflict {conflicts}."
REFUSED = {"ru": "Ничего не записано.", "en": "Nothing was written."}
MORE = {"ru": "… и ещё {}; все: --errors ФАЙЛ", "en": "… and {} more; all of them: --errors FILE"}


def register(imports: typer.Typer, app: typer.Typer) -> None:
    """Add the commands: `crosses` to the imports, and a family of their own."""
    imports.command(name="crosses")(crosses)
    family = typer.Typer(help="What is known of parts and plugs.", no_args_is_help=True)
    family.callback()(lambda: None)  # so that `load` stays a command of its own while it is the only one
    family.command(name="load")(load)
    app.add_typer(family, name="facts")


def crosses(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or Windows-1251), XLSX or XLS", exists=True, dir_okay=False)],
    kind: Annotated[
        Literal["analog", "oe", "supersession", "spec_equal"], typer.Option(help="of rows that do not say")
    ] = "analog",
    confidence: Annotated[Literal["high", "medium", "low"], typer.Option(help="of rows that do not say")] = "medium",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="check everything, write nothing")] = False,
    encoding: Annotated[str | None, typer.Option(help=f"else found by itself: {', '.join(ENCODINGS)}")] = None,
    delimiter: Annotated[str | None, typer.Option(help="one character, or tab; else found by itself")] = None,
    sheet: Annotated[str | None, typer.Option(help="sheet of a workbook; else the first")] = None,
    ignore_column: Annotated[list[str] | None, typer.Option(help="heading of a column that does not matter")] = None,
    errors: Annotated[Path | None, typer.Option(help="where every bad row is written, a line each")] = None,
    language: Annotated[Literal["ru", "en"], typer.Option("--lang", help="ru or en")] = "ru",
) -> None:
    """Pairs of articles from a file: good rows are loaded, each other one is told with its line and reason."""
    try:
        options = Options(
            dry_run=dry_run, encoding=encoding, sheet=sheet, ignore=tuple(ignore_column or ()),
            delimiter=None if delimiter is None else delimiter_named(delimiter),
        )  # fmt: skip
    except ValueError as wrong:
        raise typer.BadParameter(str(wrong), param_hint="--delimiter") from None
    with open(errors or "/dev/null", "w", encoding="utf-8") as told:

        def tell(problems: Sequence[Problem]) -> None:
            told.writelines(f"{texts.told(problem, language)}\n" for problem in problems)

        loaded = with_pool(
            lambda pool: importing.import_file(
                pool, system("import"), file, file.name, kind=kind, confidence=confidence, options=options, tell=tell
            )
        )
    _print(loaded, language)
    if loaded.refused:
        raise SystemExit(1)


def _print(loaded: Loaded, language: Language) -> None:
    for problem in loaded.problems[:SHOWN]:
        typer.secho(texts.told(problem, language), fg="red", err=True)
    if loaded.bad_rows > SHOWN:
        typer.secho(MORE[language].format(loaded.bad_rows - SHOWN), fg="red", err=True)
    if loaded.refused:
        typer.secho(REFUSED[language], fg="red", bold=True, err=True)
    else:
        typer.echo(SUMMARY[language].format(**{name: getattr(loaded, name) for name in loaded.__slots__}))


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
        FACTS.format(**{name: getattr(loaded, name) for name in loaded.__slots__}),
        f"Cars: {cars.vehicles}, engines {cars.engines}; fitments {cars.fitments}.",
    ]
