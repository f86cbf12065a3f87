"""A run of an import as the command tells it: a bar to watch, what is wrong, how it ended."""

import csv
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from autoshop.accounts.model import system
from autoshop.catalog.imports import service, store, texts
from autoshop.catalog.imports.csv_file import ENCODINGS, delimiter_named
from autoshop.catalog.imports.importing import Begin, Tell
from autoshop.catalog.imports.model import Options, Problem, Run, What
from autoshop.catalog.imports.texts import HEADINGS, OPTIONS, reason
from autoshop.cli.run import with_pool
from autoshop.kit.db import Pool, is_gone, transaction
from autoshop.kit.language import Language

SHOWN = 50
STANDARD_OUTPUT = Path("-")
PAGE = 1_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")

File = Annotated[Path, typer.Argument(help="CSV (UTF-8 or Windows-1251), XLSX or XLS", exists=True, dir_okay=False)]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="load the good rows although others are bad")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="check everything, write nothing")]
Encoding = Annotated[str | None, typer.Option(help=f"else found by itself: {', '.join(ENCODINGS)}")]
Delimiter = Annotated[str | None, typer.Option(help="one character, or tab; else found by itself")]
Sheet = Annotated[str | None, typer.Option(help="sheet of a workbook; else the first")]
Ignore = Annotated[list[str] | None, typer.Option("--ignore-column", help="heading of a column that does not matter")]
Errors = Annotated[
    Path | None,
    typer.Option(help="where all remarks go, as CSV; - = standard output; else FILE.errors.csv if there are many"),
]
Lang = Annotated[str, typer.Option("--lang", help="ru or en")]
Summary = dict[Language, str]  # with the names of what is counted

PHASES: dict[str, tuple[str, str]] = {
    "another import": ("идёт другая загрузка, ждём", "another import runs, waiting"),
    "reading": ("чтение", "reading"),
    "comparing": ("сверка", "comparing"),
    "loading": ("запись", "loading"),
}


def do(
    file: Path, options: Options, errors: Path | None, language: str, what: What, begin: Begin, summary: Summary
) -> None:
    """Import a file, with a bar to watch, and tell how it went; the command fails where the run did not end well."""
    words = _language(language)
    if options.delimiter is not None:
        try:
            options = replace(options, delimiter=delimiter_named(options.delimiter))
        except ValueError as wrong:
            raise typer.BadParameter(str(wrong), param_hint="--delimiter") from None
    if options.encoding is not None and options.encoding.lower() not in ENCODINGS:
        raise typer.BadParameter(f"one of {', '.join(ENCODINGS)}", param_hint="--encoding")
    run = with_pool(lambda pool: _import(pool, file, options, errors, words, what, begin, summary))
    if run.state != "done":
        raise SystemExit(1)


async def _import(
    pool: Pool,
    file: Path,
    options: Options,
    errors: Path | None,
    words: Language,
    what: What,
    begin: Begin,
    summary: Summary,
) -> Run:
    try:
        async with transaction(pool) as db:
            name = file.name.encode(errors="replace").decode()  # a name may hold bytes that are no text
            run = await service.start_run(db, system("import"), None, name, options, what)
        with _bar(words) as bar:
            run = await service.carry_out(pool, run.id, lambda _run: file, _teller(bar, words), begin)
            for task in bar.tasks:
                bar.update(task.id, total=task.total or 1, completed=task.total or 1)
        last_line = await _tell_problems(pool, run, errors, file.with_name(f"{file.name}.errors.csv"), words)
    except Exception as error:
        if not is_gone(error):
            raise
        typer.secho(GONE[words].format(error), fg="red", err=True)
        raise SystemExit(1) from None
    to_stderr = errors == STANDARD_OUTPUT  # which the remarks have for themselves
    _print_summary(run, words, summary, to_stderr)
    if last_line:
        typer.echo(last_line, err=to_stderr)
    return run


def _teller(bar: Progress, words: Language) -> Tell:
    """What moves the bar on: a line for each phase."""
    tasks: dict[str, TaskID] = {}

    def tell(phase: str, done: int, total: int) -> None:
        if phase not in tasks:
            tasks[phase] = bar.add_task(PHASES[phase][words == "en"], total=total or None)
        bar.update(tasks[phase], completed=done, total=total or None)

    return tell


class _Speed(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:>9,.0f}/s" if speed else "")


def _bar(words: Language) -> Progress:
    return Progress(
        TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.completed:>10,.0f}"), _Speed(),
        TimeElapsedColumn(), console=Console(stderr=True), disable=not sys.stderr.isatty(),
    )  # fmt: skip


def _language(asked: str) -> Language:
    """Russian, unless something else is asked for or the system speaks English."""
    if asked not in ("", "ru", "en"):
        raise typer.BadParameter("ru or en", param_hint="--lang")
    system_speaks = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "en" if asked == "en" or (not asked and system_speaks.startswith("en")) else "ru"


async def _tell_problems(pool: Pool, run: Run, errors: Path | None, usual: Path, words: Language) -> str:
    """The first ones on the screen, all of them in a file; or all on the screen, where no file can be written.

    Returns the line that says where they are.
    """
    first = await store.problems(pool, run.id, 0, None, SHOWN + 1)
    if len(first) <= SHOWN and (errors is None or not first):
        _print_problems([problem for _, problem in first], words)
        return ""
    path = errors or usual
    try:
        number = await _write_problems(pool, run, path, words)
    except OSError as error:
        async for page in _pages(pool, run):
            _print_problems(page, words)
        return NOT_WRITTEN[words].format(error)
    _print_problems([problem for _, problem in first[:SHOWN]], words)
    return WRITTEN[words].format(number, path)


async def _pages(pool: Pool, run: Run) -> AsyncIterator[list[Problem]]:
    """There may be a million."""
    number = 0
    while page := await store.problems(pool, run.id, number, None, PAGE):
        yield [problem for _, problem in page]
        number = page[-1][0]


def _print_problems(problems: list[Problem], words: Language) -> None:
    colours = {"error": "red", "difference": "yellow", "merged": None, "note": None}
    for problem in problems:
        typer.secho(texts.told(problem, words), fg=colours[problem.kind], err=True)


async def _write_problems(pool: Pool, run: Run, path: Path, words: Language) -> int:
    """All of them as a CSV that Excel opens; how many. Raises OSError."""
    written = 0
    # The descriptor that is open already: by its path it may belong to somebody else, and would be emptied first.
    ours = path == STANDARD_OUTPUT
    target = sys.stdout.fileno() if ours else path
    with open(target, "w", closefd=not ours, encoding="utf-8-sig", newline="") as file:  # noqa: ASYNC230 - nobody else waits here
        out = csv.writer(file, delimiter=";")
        out.writerow(HEADINGS[words])
        async for page in _pages(pool, run):
            out.writerows(_cells(problem, words) for problem in page)
            written += len(page)
    return written


def _cells(problem: Problem, words: Language) -> list[str]:
    """A line of that CSV; what begins like a formula is made harmless."""
    why = reason(problem.code, problem.detail, words, OPTIONS)
    texts = (problem.column_name, problem.value, why, problem.kind)
    return [str(problem.row or ""), *(f"'{text}" if text.startswith(FORMULA) else text for text in texts)]


REFUSED: dict[Language, str] = {
    "ru": "строк {rows}, с ошибками {bad_rows}",
    "en": "rows {rows}, with errors {bad_rows}",
}
ENDS: dict[str, tuple[str, str]] = {
    "done": ("Загружено", "Imported"),
    "dry": ("Проверено, ничего не записано", "Checked; nothing was written"),
    "refused": ("Ничего не записано", "Nothing was written"),
    "failed": ("Сбой, ничего не записано", "Failed; nothing was written"),
}
NUMBERED: dict[Language, str] = {"ru": "{} (загрузка № {}).", "en": "{} (import {})."}
WRITTEN: dict[Language, str] = {"ru": "Все замечания ({}): {}", "en": "All remarks ({}): {}"}
NOT_WRITTEN: dict[Language, str] = {
    "ru": "Замечания не записать в файл ({}): все показаны выше. --errors назовёт другое место.",
    "en": "The remarks could not be written to a file ({}): all are shown above. --errors names another place.",
}
GONE: dict[Language, str] = {
    "ru": "База данных пропала: {}. Запустите загрузку ещё раз: что уже записано, останется как есть.",
    "en": "The database went away: {}. Start the import again: what was written already stays as it is.",
}


def _print_summary(run: Run, words: Language, summary: Summary, to_stderr: bool) -> None:
    end = "dry" if run.state == "done" and run.options.dry_run else run.state
    ended = NUMBERED[words].format(ENDS[end][words == "en"], run.id)
    typer.secho(ended, fg="green" if run.state == "done" else "red", bold=True, err=to_stderr)
    if run.state == "done" or run.counts.get("rows"):
        told = summary if run.state == "done" else REFUSED
        typer.echo(told[words].format(**run.counts), err=to_stderr)
