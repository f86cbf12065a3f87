"""Routes: send a file, see how far it is, read what is wrong with it."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response, StreamingResponse

from autoshop.accounts.access import needs
from autoshop.accounts.model import Caller
from autoshop.catalog.imports import service, store
from autoshop.catalog.imports.csv_file import ENCODINGS, delimiter_named
from autoshop.catalog.imports.model import Counts, Kind, NotTheFile, Options, Problem, Run, State, What
from autoshop.catalog.imports.texts import HEADINGS, PARAMETERS, reason
from autoshop.catalog.imports.uploads import uploaded
from autoshop.kit import idempotency
from autoshop.kit.answers import IdempotencyKey, answered
from autoshop.kit.csv_out import ROWS_AT_A_TIME, download, in_pieces
from autoshop.kit.db import Connection
from autoshop.kit.http import UPLOADS
from autoshop.kit.language import Language, language_of
from autoshop.kit.paging import Cursor, Limit, decode_cursor, page_of
from autoshop.kit.text import NO_NUL

router = APIRouter(prefix=UPLOADS, tags=["catalogue"])

FILE_TYPES = (
    "text/csv",
    "application/octet-stream",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel",
)
NOT_A_FILE = ("multipart/form-data", "application/json")


def _encoding(name: str) -> str:
    if name.lower() not in ENCODINGS:
        raise ValueError(f"one of {', '.join(ENCODINGS)}")
    return name.lower()


NAMED = "as people know it; the movements' document names it"
FileName = Annotated[str, Query(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f/\\]+$", description=NAMED)]
Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Heading = Annotated[str, Field(pattern=NO_NUL)]
Encoding = Annotated[Annotated[str, AfterValidator(_encoding)] | None, Query(description="else found by itself")]
Delimiter = Annotated[
    Annotated[str, AfterValidator(delimiter_named)] | None,
    Query(description="one character, or tab; else found by itself"),
]
Sheet = Annotated[Word, Query(description="of a workbook; else the first")]
SkipBad = Annotated[bool, Query(description="load the good rows although others are bad")]
DryRun = Annotated[bool, Query(description="check everything, write nothing")]
Ignore = Annotated[list[Heading], Query(max_length=600, description="headings that do not matter")]
AcceptLanguage = Annotated[str | None, Header(description="ru (default) or en: the language of reasons")]
RunId = Annotated[int, Path(ge=1, lt=2**63)]


class RunOut(BaseModel):
    """An import. It has ended once there is a `finished_at`; `counts` come with the end, of what the file brings in."""

    id: int
    what: What
    file_name: str
    options: Options
    actor: str
    state: State
    phase: str
    rows_done: int
    rows_total: int
    counts: Counts | dict[str, int] | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class RunsPage(BaseModel):
    items: list[RunOut]
    next_page: str | None


class ProblemOut(BaseModel):
    """Something about a row (null: about the file). `code` is for programs, `reason` for people."""

    number: int
    row: int | None
    kind: Kind
    column: str
    value: str | None
    code: str
    reason: str


class ProblemsPage(BaseModel):
    items: list[ProblemOut]
    next_page: str | None


def out(run: Run) -> RunOut:
    """A run as the API tells it."""
    counts = run.counts if run.finished_at is not None and run.counts else None
    return RunOut(
        id=run.id, what=run.what, file_name=run.file_name, options=run.options, actor=run.actor, state=run.state,
        phase=run.phase, rows_done=run.rows_done, rows_total=run.rows_total,
        counts=Counts(**counts) if counts and run.what == "catalog" else counts,
        created_at=run.created_at, updated_at=run.updated_at, finished_at=run.finished_at,
    )  # fmt: skip


# The body of each route that takes a file in, as its document tells it.
THE_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {name: {"schema": {"type": "string", "format": "binary"}} for name in FILE_TYPES},
    }
}


@router.post("", status_code=202, response_model=RunOut, openapi_extra=THE_FILE)
async def start_import(
    request: Request,
    caller: Annotated[Caller, needs("catalog:write")],
    name: FileName = "catalog",
    store_code: Annotated[Word, Query(alias="store", description="of a stock column that names none")] = None,
    skip_bad: SkipBad = False,
    dry_run: DryRun = False,
    set_stock: Annotated[bool, Query(description="correct stock that differs from the file")] = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    sheet: Sheet = None,
    ignore: Ignore = [],  # noqa: B006
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Import products, prices and opening stock from CSV, XLSX or XLS: all rows or, with every reason, none.

    The body is the file. The answer comes as soon as it has arrived; a worker does the rest, and `Location` tells how
    far it is.
    """
    options = Options(store_code, skip_bad, dry_run, set_stock, encoding, delimiter, sheet, tuple(ignore))
    return await take_in(request, caller, name, options, "catalog")


async def take_in(request: Request, caller: Caller, name: str, options: Options, what: What) -> Response:
    """Keep the body as a file, and have a worker import it: the answer is the run, once however often it is sent."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type in NOT_A_FILE:
        raise NotTheFile(content_type=content_type)
    pool = request.app.state.pool
    async with uploaded(pool, caller, name, request.stream()) as upload:

        async def verb(db: Connection) -> dict[str, Any]:
            run = await service.start_run(db, caller, upload.file_id, name, options, what)
            return out(run).model_dump(mode="json")

        key = idempotency.key_for(
            caller.actor,
            request.headers.get(idempotency.HEADER),
            request.method,
            f"{request.url.path}?{request.url.query}",
            upload.digest,
        )
        answer = await idempotency.once(pool, key, verb, 202)
    response = answered(answer)
    if answer.status == 202:
        response.headers["Location"] = f"{UPLOADS}/{answer.document['id']}"
        response.headers["Retry-After"] = "1"
    return response


@router.get("")
async def list_imports(
    request: Request, caller: Annotated[Caller, needs("catalog:write")], page: Cursor = None, limit: Limit = 100
) -> RunsPage:
    """Imports, newest first."""
    cursor = decode_cursor(page, "imports", int)
    async with request.app.state.pool.acquire() as db:
        found = await store.list_runs(db, cursor[0] if cursor else None, limit + 1)
    runs, next_page = page_of(found, limit, "imports", lambda run: (run.id,))
    return RunsPage(items=[out(run) for run in runs], next_page=next_page)


@router.get("/{run_id}")
async def show_import(request: Request, run_id: RunId, caller: Annotated[Caller, needs("catalog:write")]) -> RunOut:
    """How far an import is, and how it ended."""
    return out(await service.get_run(request.app.state.pool, run_id))


@router.get("/{run_id}/problems")
async def list_import_problems(
    request: Request,
    run_id: RunId,
    caller: Annotated[Caller, needs("catalog:write")],
    kind: Annotated[Kind | None, Query(description="error: the row was kept out; else only worth knowing")] = None,
    page: Cursor = None,
    limit: Limit = 100,
    accept_language: AcceptLanguage = None,
) -> ProblemsPage:
    """What is wrong with which row, errors first; all of it once the import has ended."""
    cursor = decode_cursor(page, "problems", int)
    async with request.app.state.pool.acquire() as db:
        await service.get_run(db, run_id)
        found = await store.problems(db, run_id, cursor[0] if cursor else 0, kind, limit + 1)
    language = language_of(accept_language)
    may_see_cost = caller.may("cost:read")
    listed, next_page = page_of(found, limit, "problems", lambda numbered: (numbered[0],))
    return ProblemsPage(
        items=[_problem(number, problem, language, may_see_cost) for number, problem in listed],
        next_page=next_page,
    )


@router.get(
    "/{run_id}/problems.csv",
    response_class=StreamingResponse,
    responses={200: {"description": "CSV in UTF-8 with semicolons", "content": {"text/csv": {}}}},
)
async def download_import_problems(
    request: Request,
    run_id: RunId,
    caller: Annotated[Caller, needs("catalog:write")],
    accept_language: AcceptLanguage = None,
) -> Response:
    """The same, all of it, as a file that Excel opens."""
    pool, language = request.app.state.pool, language_of(accept_language)
    await service.get_run(pool, run_id)
    may_see_cost = caller.may("cost:read")

    async def rows() -> AsyncIterator[Sequence[Any]]:
        after = 0
        while page := await store.problems(pool, run_id, after, None, ROWS_AT_A_TIME):
            for number, problem in page:
                one = _problem(number, problem, language, may_see_cost)
                yield one.row, one.column, one.value, one.reason, one.kind
            after = page[-1][0]

    return download(in_pieces(HEADINGS[language], rows()), f"import-{run_id}-problems.csv")


def _problem(number: int, problem: Problem, language: Language, may_see_cost: bool) -> ProblemOut:
    return ProblemOut(
        number=number,
        row=problem.row,
        kind=problem.kind,
        column=problem.column_name,
        value=None if problem.is_cost and not may_see_cost else problem.value,
        code=problem.code,
        reason=reason(problem.code, problem.detail, language, PARAMETERS),
    )
