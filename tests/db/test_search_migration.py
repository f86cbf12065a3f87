"""What was in the catalogue before a plus counted gets the key that it would have today."""

import re

import psycopg

from autoshop.kit.health import MIGRATIONS
from autoshop.kit.text import article_key, article_loose
from tests.conftest import Database

ARTICLES = [
    "WR7DC+", "WR 8 DC +", "wr6dc+ ", "FR7DCX＋", "64219L+", "64220L + )", "А17ДВРМ+", "5W-30+C3", "1+1", "+12",
    "W 915/2", "DCX++", "ё+",
]  # fmt: skip


def test_the_migration_makes_the_keys_that_the_code_makes(database: Database) -> None:
    [file] = MIGRATIONS.glob("versions/*_search.sql")
    [rekey] = re.findall(r"^UPDATE products\n.+?;", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    with psycopg.connect(database.owner_url) as db:
        for article in ARTICLES:
            before = article_key(article).rstrip("+")
            db.execute(
                "INSERT INTO products (brand_id, article, article_key, article_loose, name)"
                " VALUES (1, %s, %s, %s, 'x')",
                (article, before, article_loose(article)),
            )
        db.execute(rekey.encode())
        rows = db.execute("SELECT article, article_key, article_loose FROM products").fetchall()
    assert len(rows) == len(ARTICLES) + 6
    assert {article: key for article, key, _ in rows} == {article: article_key(article) for article, _, _ in rows}
    assert all(loose == article_loose(article) for article, _, loose in rows)
