"""What the documents say is so: numbers, links, commands, settings, routes."""

import ast
import re

import pytest
from alembic.script import ScriptDirectory

from autoshop.app import create_app
from autoshop.kit.health import newest_migration
from autoshop.kit.settings import Settings
from tests.house.repository import ROOT, files, text_of, tree_of

DOCUMENTS = [path for path in files() if path.endswith(".md")]
README = ("README.md", "README.ru.md")
DECISIONS = "docs/decisions/"
MIGRATIONS = "migrations/versions/"


# ------------------------------------------------------------------------------------------------ migrations
def migrations() -> list[str]:
    return [path for path in files() if path.startswith(MIGRATIONS) and path.endswith(".py")]


def test_what_the_code_needs_is_the_migration_that_alembic_ends_at() -> None:
    assert newest_migration() == ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [path.removeprefix(MIGRATIONS)[:5] for path in migrations()]
    assert numbers == [f"{number:04}_" for number in range(1, len(numbers) + 1)]


@pytest.mark.parametrize("path", migrations())
def test_a_migration_goes_forward_only_and_is_sql(path: str) -> None:
    tree = tree_of(path)
    names = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    number = int(names["revision"])
    assert path.startswith(f"{MIGRATIONS}{number:04}_")
    assert names["down_revision"] == (f"{number - 1:04}" if number > 1 else None)
    assert {node.name for node in tree.body if isinstance(node, ast.FunctionDef)} == {"upgrade"}
    assert path.replace(".py", ".sql") in files()


# ------------------------------------------------------------------------------------------------ decisions
def decisions() -> list[str]:
    return [path for path in files() if re.match(DECISIONS + r"\d", path)]


def test_every_decision_has_its_number_and_title_and_is_listed() -> None:
    for number, path in enumerate(decisions(), start=1):
        title = text_of(path).splitlines()[0]
        assert path.startswith(f"{DECISIONS}{number:04}-"), path
        assert re.fullmatch(rf"# {number:04}: .+", title), path
        listed = f"- [{title.removeprefix('# ')}]({path.removeprefix(DECISIONS)})\n"
        assert listed in text_of(DECISIONS + "README.md"), f"missing in {DECISIONS}README.md: {listed}"


def test_a_decision_that_is_named_is_there() -> None:
    named = {number for path in files() for number in re.findall(r"\bADR (\d{4})\b", text_of(path))}
    assert named <= {path.removeprefix(DECISIONS)[:4] for path in decisions()}


# ------------------------------------------------------------------------------------------------ links
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_link_leads_to_a_file(path: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(path))
    here = [target.partition("#")[0] for target in targets if not re.match(r"(https?|mailto):|#", target)]
    assert [target for target in here if not ((ROOT / path).parent / target).exists()] == []


# ------------------------------------------------------------------------------------------------ README
def pieces_of_code(document: str) -> list[str]:
    text = text_of(document)
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    return [*re.findall(r"(?<!`)`([^`\n]+)`(?!`)", text), *(line for block in blocks for line in block.splitlines())]


def commands_in(document: str) -> set[str]:
    """`bin/dev --fresh`, `./deploy.sh`, `autoshop token new`, `curl …`, as far as they are words."""
    command = re.compile(r"(?:bin/[a-z-]+|\./deploy\.sh|\bautoshop|curl)(?: (?:--?)?[A-Za-z-]+)*")
    return {found for piece in pieces_of_code(document) for found in command.findall(piece)}


def test_both_readmes_name_the_same_commands_and_routes() -> None:
    assert commands_in(README[0]) == commands_in(README[1])
    routes = re.compile(r"(?:[A-Z]+ )?\S*/\S+")
    named = [{piece for piece in pieces_of_code(file) if routes.fullmatch(piece)} for file in README]
    assert named[0] == named[1]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_command_that_is_named_is_there(document: str) -> None:
    scripts = {found for piece in pieces_of_code(document) for found in re.findall(r"(?<![\w/])bin/[a-z-]+", piece)}
    assert {script for script in scripts if script not in files()} == set()


def test_a_route_that_the_readme_names_is_there() -> None:
    paths: dict[str, dict[str, object]] = create_app(Settings()).openapi()["paths"]
    shape = {(method.upper(), re.sub(r"\{\w+\}", "{}", path)) for path, methods in paths.items() for method in methods}
    named = [re.fullmatch(r"([A-Z]+) (/api\S+)", piece) for piece in pieces_of_code("README.md")]
    assert {(found[1], re.sub(r"\{\w+\}", "{}", found[2])) for found in named if found} <= shape


# ------------------------------------------------------------------------------------------------ settings
def test_every_group_of_routes_is_in_the_readme() -> None:
    """Under `/api/v1` the first word, and of the ledger the second; its products are `{product_id}`."""
    paths: dict[str, object] = create_app(Settings()).openapi()["paths"]
    words = [path.removeprefix("/api/v1").removeprefix("/inventory").split("/")[1] for path in paths]
    groups = {re.sub(r"\..+", "", word) for word in words if word}
    text = " ".join(pieces_of_code("README.md"))
    assert {group for group in groups if not re.search(rf"/{re.escape(group)}(?![\w-])", text)} == set()


def test_every_setting_is_documented_with_its_default() -> None:
    row = re.compile(r"^\| `(AUTOSHOP_\w+)` \| (?:`(.*?)` )?\| \S.* \|$", re.MULTILINE)
    told = dict(row.findall(text_of("docs/settings.md")))
    assert told == {f"AUTOSHOP_{name.upper()}": str(field.default) for name, field in Settings.model_fields.items()}


def test_every_variable_that_a_document_names_is_read_by_something() -> None:
    variable = re.compile(r"AUTOSHOP_[A-Z_]*[A-Z]")
    named = {found for path in (*DOCUMENTS, ".env.example") for found in variable.findall(text_of(path))}
    read = {f"AUTOSHOP_{name.upper()}" for name in Settings.model_fields}
    for path in files():
        if path.startswith(("docker-compose.yml", "deploy", "bin/", "src/")):
            read |= set(variable.findall(text_of(path)))
    assert named - read == set()
