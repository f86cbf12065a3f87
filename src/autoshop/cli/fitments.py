"""autoshop import fitments: what fits which car, from a file."""

from typing import Annotated, Literal

import typer

from autoshop.catalog.imports.model import Options
from autoshop.cli import runs
from autoshop.cli.runs import Delimiter, DryRun, Encoding, Errors, File, Ignore, Lang, Sheet, SkipBad, Summary
from autoshop.selection.fitment.importing import FitmentImport

SUMMARY: Summary = {
    "ru": "строк {rows}, с ошибками {bad_rows}, повторов {merged_rows}; "
    "источников {sources}, новых артикулов {articles}\n"
    "применимость: новых {new}, изменено {changed}, больше не заявлено {gone}",
    "en": "rows {rows}, with errors {bad_rows}, repeats {merged_rows}; sources {sources}, new articles {articles}\n"
    "fitments: new {new}, changed {changed}, told no more {gone}",
}


def register(imports: typer.Typer) -> None:
    """Add the command to the imports."""
    imports.command(name="fitments")(fitments)


def fitments(
    file: File,
    source: Annotated[str | None, typer.Option(help="who says so, of rows that do not say")] = None,
    confidence: Annotated[Literal["high", "medium", "low"], typer.Option(help="of rows that do not say")] = "medium",
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore_column: Ignore = None,
    errors: Errors = None,
    language: Lang = "",
) -> None:
    """What fits which car, from a file: all rows or none; what its sources said before is replaced."""
    said = {"source": source.strip()} if source and source.strip() else {}
    options = Options(
        skip_bad=skip_bad, dry_run=dry_run, encoding=encoding, delimiter=delimiter, sheet=sheet,
        ignore=tuple(ignore_column or ()), defaults={"confidence": confidence} | said,
    )  # fmt: skip
    runs.do(file, options, errors, language, "fitments", FitmentImport, SUMMARY)
