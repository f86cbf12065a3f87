"""autoshop import: a file becomes catalogue, prices and opening stock."""

from typing import Annotated

import typer

from autoshop.catalog.imports.importing import Import
from autoshop.catalog.imports.model import Options
from autoshop.cli import crosses, fitments, runs
from autoshop.cli.runs import Delimiter, DryRun, Encoding, Errors, File, Ignore, Lang, Sheet, SkipBad, Summary

SUMMARY: Summary = {
    "ru": (
        "строк {rows}: новых товаров {new}, изменено {changed}, без изменений {unchanged}; "
        "плохих строк {bad_rows}, повторов {merged_rows}\n"
        "цен {prices}, штрихкодов {barcodes}, брендов {brands}, категорий {categories}, движений {movements}, "
        "расхождений остатка {differences}"
    ),
    "en": (
        "rows {rows}: new products {new}, changed {changed}, unchanged {unchanged}; "
        "bad rows {bad_rows}, repeats {merged_rows}\n"
        "prices {prices}, barcodes {barcodes}, brands {brands}, categories {categories}, movements {movements}, "
        "stock that differs {differences}"
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="Bring files in.", no_args_is_help=True)
    family.command(name="catalog")(catalog)
    crosses.register(family, app)
    fitments.register(family)
    app.add_typer(family, name="import")


def catalog(
    file: File,
    store_code: Annotated[
        str | None, typer.Option("--store", help="store of a column «Остаток» without a name")
    ] = None,
    skip_bad: SkipBad = False,
    set_stock: Annotated[bool, typer.Option("--set-stock", help="correct stock that differs from the file")] = False,
    dry_run: DryRun = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore_column: Ignore = None,
    errors: Errors = None,
    language: Lang = "",
) -> None:
    """Products, prices and opening stock from a file: all rows or, with every reason, none."""
    options = Options(
        store_code, skip_bad, dry_run, set_stock, encoding, delimiter, sheet, tuple(ignore_column or ())
    )  # fmt: skip
    runs.do(file, options, errors, language, "catalog", Import, SUMMARY)
