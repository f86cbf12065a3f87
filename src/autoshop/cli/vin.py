"""autoshop vin: what a VIN says, for one, for a file of them, and how often that is right. Needs no database."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from autoshop.kit.language import Language
from autoshop.selection.vin import api, report, service
from autoshop.selection.vin.facts import known
from autoshop.selection.vin.report import Tally

InLanguage = Annotated[str, typer.Option("--language", help="ru or en: the language of sentences")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    family = typer.Typer(help="What a VIN says, and why.", no_args_is_help=True)
    family.command(name="decode")(decode)
    family.command(name="batch")(batch)
    family.command(name="report")(tell)
    app.add_typer(family, name="vin")


def decode(
    vin: Annotated[str, typer.Argument(help="as it was typed or pasted")],
    language: InLanguage = "ru",
) -> None:
    """One VIN: the JSON of GET /api/v1/vin/{vin}. Exit 1 where there is no VIN in it."""
    answer = service.read(vin, datetime.now(UTC))
    typer.echo(api.out(answer, _language(language)).model_dump_json(indent=2, by_alias=True))
    if answer.decoded is None:
        raise SystemExit(1)


def batch(
    file: Annotated[Path, typer.Argument(help="a text file with a VIN in each line; - for the standard input")],
    language: InLanguage = "ru",
) -> None:
    """Many VINs: a line of JSON for each line that is not empty, in the same order."""
    now, spoken = datetime.now(UTC), _language(language)
    if str(file) != "-" and not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    with sys.stdin if str(file) == "-" else file.open(encoding="utf-8-sig", errors="replace") as lines:
        for line in lines:
            if line.strip():
                answer = service.read(line.rstrip("\r\n"), now)
                typer.echo(api.out(answer, spoken).model_dump_json(by_alias=True))


def tell() -> None:
    """How many of the known cars are told right, make by make. Exit 1 where a year is false or invented."""
    facts = known()
    told = report.report(report.cars(facts), facts, datetime.now(UTC).year)
    console = Console(width=max(Console().width, WIDTH))
    for kind in dict.fromkeys(kind for kind, _ in told):
        by_make = {make: tally for (one, make), tally in told.items() if one == kind}
        console.print(_table(kind, by_make))
    console.print(MEANING)
    if any(tally.false_year or tally.invented_year for tally in told.values()):
        raise SystemExit(1)


WIDTH = 120  # a table that is cut tells nothing
COLUMNS = ("cars", "make", "among", "right", "contains", "wrong", "unknown", "year", "of", "false years", "invented")


MEANING = (
    "make: that make alone; among: it, or it among makes that share the code; right: that model alone; contains: it "
    "among several; wrong: others; year: told right, of those known and coded (no false or invented one is allowed)"
)


def _table(kind: str, by_make: dict[str, Tally]) -> Table:
    table = Table("", *COLUMNS, title=kind)
    whole = sum(by_make.values(), Tally())
    for make, tally in by_make.items():
        table.add_row(make, *_cells(tally))
    table.add_section()
    table.add_row("all", *_cells(whole))
    shares = [whole.make, whole.make_among, whole.right, whole.contains, whole.wrong, whole.unknown]
    table.add_row("%", "", *(f"{100 * share / whole.cars:.1f}" for share in shares), _percent(whole.year, whole.years))
    return table


def _cells(tally: Tally) -> list[str]:
    numbers = (tally.cars, tally.make, tally.make_among, tally.right, tally.contains, tally.wrong, tally.unknown)
    years = (tally.year, tally.years, tally.false_year, tally.invented_year)
    return [str(number) if number else "" for number in (*numbers, *years)]


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else ""


def _language(given: str) -> Language:
    if given not in ("ru", "en"):
        raise typer.BadParameter("ru or en", param_hint="--language")
    return "en" if given == "en" else "ru"
