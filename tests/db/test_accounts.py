"""`autoshop staff` and `autoshop token` as the owner of the shop uses them, and what comes of it."""

import asyncio
import os
import pty
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from autoshop.accounts import service, store
from autoshop.kit.db import Pool, transaction
from autoshop.kit.errors import Refusal
from tests.cast import CENTRE_CODE, NORTH_CODE
from tests.conftest import Database, client_for
from tests.people import PASSWORD, SYSTEM, hire, signed_in, with_token

STRANGER = "203.0.113.9"
SESSION = "/api/v1/session"
NEW_PASSWORD = "battery staple"
HASH = "SELECT password_hash FROM staff WHERE login = 'vera'"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def run(database: Database, *words: str, typed: str = "") -> tuple[int, str]:
    """Exit code and all that `autoshop WORDS` says."""
    done = subprocess.run(
        [sys.executable, "-m", "autoshop", *words],
        env={**os.environ, "AUTOSHOP_DATABASE_URL": database.url},
        input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60,
    )  # fmt: skip
    assert "Traceback" not in done.stdout, done.stdout
    return done.returncode, done.stdout


def add(database: Database, login: str, role: str, *words: str) -> None:
    code, told = run(database, "staff", "add", login, "--role", role, *words, "--password-stdin", typed=PASSWORD + "\n")
    assert code == 0, told


def audited(database: Database) -> list[tuple[str, str]]:
    with psycopg.connect(database.url) as db:
        return db.execute("SELECT subject, action FROM audit WHERE actor = 'system:cli' ORDER BY id").fetchall()


# ------------------------------------------------------------------------------------------------ the commands
def test_people_come_go_and_come_back(database: Database) -> None:
    add(database, "ivan", "owner", "--name", "Иван Петров")
    add(database, "vera", "clerk", "--store", NORTH_CODE, "--store", CENTRE_CODE)
    assert run(database, "staff", "dismiss", "VERA") == (0, "VERA is dismissed.\n")
    code, told = run(database, "staff", "list")
    assert code == 0
    shown = [[cell for cell in line.split("  ") if cell] for line in told.splitlines()]
    assert [cell.strip() for cell in shown[0]] == ["login", "name", "role", "stores", "since", "state"]
    assert [[line[at].strip() for at in (0, 1, 2, 3, 5)] for line in shown[1:]] == [
        ["ivan", "Иван Петров", "owner", "all", "active"],
        ["vera", "vera", "clerk", "centre,north", "dismissed"],
    ]
    assert run(database, "staff", "restore", "vera") == (0, "vera may sign in again.\n")
    typed = NEW_PASSWORD + "\n"
    assert run(database, "staff", "password", "vera", "--password-stdin", typed=typed)[0] == 0
    assert audited(database) == [
        ("staff:ivan", "add"),
        ("staff:vera", "add"),
        ("staff:vera", "dismiss"),
        ("staff:vera", "restore"),
        ("staff:vera", "change password"),
    ]
    with psycopg.connect(database.url) as db:
        written = str(db.execute("SELECT before, after FROM audit").fetchall())
    assert PASSWORD not in written
    assert "argon2" not in written


def test_what_cannot_be_is_told_in_a_line(database: Database) -> None:
    add(database, "ivan", "owner")
    add(database, "vera", "clerk", "--store", CENTRE_CODE)
    assert run(database, "staff", "dismiss", "ivan")[1].startswith("The last owner cannot be dismissed: ")
    assert run(database, "staff", "restore", "ivan") == (1, "Conflict: «ivan» is not dismissed\n")
    assert run(database, "staff", "dismiss", "nobody") == (1, "Not found: Nobody has the login «nobody»\n")
    assert run(database, "staff", "dismiss", "vera")[0] == 0
    assert run(database, "staff", "dismiss", "vera") == (1, "Conflict: «vera» was dismissed before\n")
    short = run(database, "staff", "password", "vera", "--password-stdin", typed="short\n")
    assert short == (1, "The request is not valid: A password needs at least 8 characters\n")
    unknown = run(database, "staff", "password", "nobody", "--password-stdin", typed=PASSWORD)
    assert unknown == (1, "Not found: Nobody has the login «nobody»\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--role", "boss"), "Unknown role «boss»; there are owner, manager, buyer and clerk"),
        (("--role", "monitor"), "Unknown role «monitor»"),
        (("--role", "clerk"), "A clerk acts for named stores: name at least one"),
        (("--role", "owner", "--store", CENTRE_CODE), "The role «owner» acts for all stores: name none"),
    ],
    ids=["boss", "monitor", "clerk", "owner"],
)
def test_the_role_is_looked_at_before_a_password_is_asked(
    untouched_database: Database, words: tuple[str, ...], says: str
) -> None:
    code, told = run(untouched_database, "staff", "add", "petr", *words)
    assert code == 1
    assert told.startswith(f"The request is not valid: {says}"), told
    assert "Password" not in told


def test_only_the_store_that_is_not_there_is_named(untouched_database: Database) -> None:
    words = ("--store", CENTRE_CODE, "--store", "nix")
    refusal = (1, "Not found: There is no store with the code nix\n")
    hiring = ("staff", "add", "petr", "--role", "clerk", *words, "--password-stdin")
    assert run(untouched_database, *hiring, typed=PASSWORD) == refusal
    assert run(untouched_database, "token", "new", "--name", "till", *words) == refusal


def test_a_new_password_is_asked_twice(database: Database) -> None:
    add(database, "ivan", "owner")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "autoshop", "staff", "password", "ivan"],
        env={**os.environ, "AUTOSHOP_DATABASE_URL": database.url},
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours, "rb+", buffering=0) as terminal:
        shown = ""
        for question in ("Password: ", "Repeat for confirmation: "):
            shown += until(terminal, question)
            terminal.write(NEW_PASSWORD.encode() + b"\n")
        shown += until(terminal, "new password.")
        assert process.wait(timeout=60) == 0
    assert NEW_PASSWORD not in shown


def until(terminal: IO[bytes], words: str) -> str:
    """What the terminal shows, up to these words."""
    shown = ""
    while words not in shown:
        shown += terminal.read(1024).decode()
    return shown


def test_a_name_of_a_token_can_be_given_again_once_nobody_uses_it(database: Database) -> None:
    code, first = run(database, "token", "new", "--name", "till", "--store", CENTRE_CODE, "--scope", "inventory:read")
    assert code == 0
    taken = (1, "That name is taken: There is already a token named «till»\n")
    assert run(database, "token", "new", "--name", "till") == taken
    assert run(database, "token", "revoke", "till") == (0, "till is revoked.\n")
    assert run(database, "token", "revoke", "till") == (1, "Not found: No living token is named «till»\n")
    assert run(database, "token", "new", "--name", "till", "--days", "1")[0] == 0
    with psycopg.connect(database.owner_url) as db:
        db.execute("UPDATE api_tokens SET expires_at = now() WHERE revoked_at IS NULL")
    code, third = run(database, "token", "new", "--name", "till")
    assert code == 0

    code, told = run(database, "token", "list")
    assert code == 0
    assert "as_" not in told
    assert first.strip() != third.strip()
    today = f"{datetime.now(UTC):%Y-}"
    lines = told.splitlines()
    assert lines[0].split() == ["name", "scopes", "stores", "created", "expires", "revoked"]
    assert [line.count(today) for line in lines[1:]] == [2, 3, 1], told
    assert [line.split()[:3] for line in lines[1:]] == [
        ["till", "inventory:read", "centre"],
        ["till", "catalog:read,documents:write,garages:write,inventory:read,inventory:write", "all"],
        ["till", "catalog:read,documents:write,garages:write,inventory:read,inventory:write", "all"],
    ]
    with psycopg.connect(database.url) as db:
        told_apart = db.execute(
            "SELECT action, coalesce(after, before)->'id' FROM audit WHERE subject = 'token:till' ORDER BY id"
        ).fetchall()
    ids = [token_id for _, token_id in told_apart]
    assert [action for action, _ in told_apart] == ["add", "revoke", "add", "revoke", "add"]
    assert ids[0] == ids[1] != ids[2] == ids[3] != ids[4]


# ------------------------------------------------------------------------------------------------ what comes of it
async def until_it_waits(pool: Pool, task: asyncio.Task[Any]) -> None:
    """For somebody's lock, as it must."""
    while not await pool.fetchval(WAITING):
        assert not task.done(), "it did not wait"
        await asyncio.sleep(0.01)


async def gone(client: httpx.AsyncClient, headers: dict[str, str]) -> bool:
    """Whether the session opens nothing, as soon as a process may no longer remember it."""
    until = time.monotonic() + 2
    while (await client.get(SESSION, headers=headers)).json()["kind"] == "staff":
        if time.monotonic() > until:
            return False
        await asyncio.sleep(0.05)
    return True


async def signs_in(client: httpx.AsyncClient, password: str) -> bool:
    answer = await client.post(SESSION, json={"login": "vera", "password": password})
    client.cookies.clear()
    return answer.status_code == 204


@pytest.mark.anyio
async def test_who_is_dismissed_is_out_and_stays_out_until_restored(app: FastAPI) -> None:
    pool: Pool = app.state.pool
    await hire(pool, "boss", "owner")
    session = await signed_in(app, "vera", "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        assert (await client.get(SESSION, headers=session)).json()["kind"] == "staff"
        async with transaction(pool) as db:
            await service.dismiss(db, SYSTEM, "vera")
        assert await gone(client, session)
        assert not await signs_in(client, PASSWORD)
        async with transaction(pool) as db:
            await service.restore(db, SYSTEM, "vera")
        assert not await pool.fetchval("SELECT count(*) FROM staff_sessions"), "one of before would come back"
        assert await signs_in(client, PASSWORD)


@pytest.mark.anyio
async def test_a_new_password_ends_what_the_old_one_opened(app: FastAPI) -> None:
    pool: Pool = app.state.pool
    session = await signed_in(app, "vera", "clerk", CENTRE_CODE)
    async with client_for(app, STRANGER) as client:
        async with transaction(pool) as db:
            await service.change_password(db, SYSTEM, " Vera ", NEW_PASSWORD)
        assert await gone(client, session)
        assert not await signs_in(client, PASSWORD)
        assert await signs_in(client, NEW_PASSWORD)


@pytest.mark.anyio
async def test_a_sign_in_that_races_with_a_new_password_opens_nothing(pool: Pool) -> None:
    await hire(pool, "vera", "clerk", CENTRE_CODE)
    member = await store.find_staff(pool, "vera")
    assert member is not None
    later = datetime.now(UTC) + timedelta(hours=1)
    async with transaction(pool) as db:
        await service.change_password(db, SYSTEM, "vera", NEW_PASSWORD)
        checked = member.password_hash
        opening = asyncio.create_task(store.open_session(pool, b"hash", member.id, checked, later, STRANGER))
        await until_it_waits(pool, opening)
    assert not await opening
    changed = await pool.fetchval(HASH)
    await store.renew_password_hash(pool, member.id, member.password_hash, "the old one, hashed anew")
    assert await pool.fetchval(HASH) == changed
    assert await store.open_session(pool, b"hash", member.id, changed, later, STRANGER)


@pytest.mark.anyio
async def test_two_owners_cannot_dismiss_each_other(pool: Pool) -> None:
    for login in ("anna", "ivan"):
        await hire(pool, login, "owner")

    async def dismiss(login: str) -> None:
        async with transaction(pool) as db:
            await service.dismiss(db, SYSTEM, login)

    async with transaction(pool) as db:
        await service.dismiss(db, SYSTEM, "anna")
        second = asyncio.create_task(dismiss("ivan"))
        await until_it_waits(pool, second)
    with pytest.raises(service.LastOwner):
        await second
    assert await pool.fetchval("SELECT count(*) FROM staff WHERE active") == 1


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["", " till", "till\n", "t\x00", "t" * 61])
async def test_a_token_has_a_name_that_can_be_read(pool: Pool, name: str) -> None:
    with pytest.raises(Refusal, match="1 to 60 printable"):
        await with_token(pool, name, ["inventory:read"])
