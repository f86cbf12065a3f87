"""How a text is read before anybody is asked: keys, edits, several articles, shapes."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.catalog.search.articles.model import articles_in, edits, lines_in, looks_like_article, parts, spellings
from autoshop.catalog.search.model import MATCHES, RANKS, Candidate, Match, in_order
from autoshop.catalog.search.names.model import edits as word_edits
from autoshop.catalog.search.names.model import grams, query_of, words_in
from autoshop.kit.text import article_key, article_loose
from autoshop.selection.search.model import shape_of, vin_in

KEYS = st.text("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", min_size=1, max_size=14)


@pytest.mark.parametrize(
    ("article", "key"),
    [
        ("WR7DC+", "WR7DC+"),
        ("WR 7 DC +", "WR7DC+"),
        ("wr7dc＋", "WR7DC+"),
        ("WR7DC+ ", "WR7DC+"),
        ("WR7DC++", "WR7DC+"),
        ("WR+7DC", "WR7DC"),
        ("WR7DC+x", "WR7DCX"),
        ("+", ""),
        ("+ WR7DC", "WR7DC"),
        ("А17ДВРМ+", "A17ДBPM+"),
    ],
)
def test_a_plus_counts_where_it_ends_an_article(article: str, key: str) -> None:
    assert article_key(article) == key


def test_the_loose_key_knows_no_plus_so_that_either_plug_finds_both() -> None:
    assert article_loose("WR7DC+") == article_loose("WR7DC") == "WR7DC"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("w914/2", "W9142"),
        ("ц914.2", "W9142"),
        ("Ц914/2", "W9142"),
        ("иск6уы-11", "BCR6ES11"),
        ("f17ldhv", "A17ДBPM"),
        ("F17LDHV", "A17ДBPM"),
        ("а17дврм", "A17ДBPM"),
    ],
)
def test_one_of_the_spellings_is_what_was_meant(text: str, key: str) -> None:
    assert key in [one.key for one in spellings(text)]


def test_a_text_without_letters_has_one_spelling() -> None:
    assert [one.key for one in spellings("0 986 494 019")] == ["0986494019"]


@given(KEYS)
def test_whatever_is_one_edit_away_is_among_the_edits(key: str) -> None:
    found = set(edits(key))
    assert key not in found
    for at in range(len(key)):
        assert key[:at] + key[at + 1 :] in found | {"", key}
        assert key[:at] + "7" + key[at + 1 :] in found | {key}
        assert key[:at] + "7" + key[at:] in found
        assert key[:at] + key[at : at + 2][::-1] + key[at + 2 :] in found | {key}


@given(KEYS.filter(lambda key: len(key) >= 6))
def test_two_parts_make_the_key(key: str) -> None:
    first, last = parts(key)
    assert first + last[::-1] == key
    assert first
    assert last


def test_a_word_is_edited_in_its_own_alphabet() -> None:
    assert "свеча" in word_edits("свича")
    assert "filter" in word_edits("fitler")
    assert not any(one.isascii() for one in word_edits("свича"))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("W 914/2", ["W 914/2"]),
        ("W 914/2\nBPR6ES-11", ["W 914/2", "BPR6ES-11"]),
        ("W 914/2, BPR6ES-11; GDB3331\tC 2585", ["W 914/2", "BPR6ES-11", "GDB3331", "C 2585"]),
        ("W 914/2 - 2 шт\r\nBPR6ES-11 x 4 шт.", ["W 914/2", "BPR6ES-11"]),
        ("NGK BPR6ES-11;; ;\n", ["NGK BPR6ES-11"]),
        ("W 914/2\nW 914/2", ["W 914/2"]),
        (";;;", []),
    ],
)
def test_articles_that_were_pasted_are_taken_apart(text: str, lines: list[str]) -> None:
    assert lines_in(text) == lines


@pytest.mark.parametrize(
    ("text", "articles"),
    [
        ("свеча bpr6es-11 на приору", ["bpr6es-11"]),
        ("масло 5w-40 4л", []),
        ("масло 10w40 4л", []),
        ("лампа h7 12в 55вт", []),
        ("щётка 600мм", []),
        ("W914/2 BPR6ES-11", ["W914/2", "BPR6ES-11"]),
    ],
)
def test_only_what_can_be_nothing_else_is_an_article_in_a_sentence(text: str, articles: list[str]) -> None:
    assert articles_in(text) == articles


@pytest.mark.parametrize(
    ("text", "looks"),
    [("W 914/2", True), ("0 986 494 019", True), ("а17дврм", True), ("лампа h7", False), ("BPR6ES-11", True),
     ("свечи", False), ("масло 5w40", False), ("wr7dc+ bosch", False), ("А17 ДВРМ", True)],
)  # fmt: skip
def test_an_article_is_told_from_words(text: str, looks: bool) -> None:
    assert looks_like_article(text) is looks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Щётка  стеклоочистителя", ["щетка", "стеклоочистителя"]),
        ("5W-40, 4 л", ["5w40", "4л"]),
        ("5w40 4л", ["5w40", "4л"]),
        ("12 В 55 Вт", ["12в", "55вт"]),
        ("MANN-FILTER", ["mann", "filter"]),
        ("4 лампы", ["4", "лампы"]),
        ("", []),
    ],
)
def test_words_are_those_of_the_index(text: str, words: list[str]) -> None:
    assert words_in(text) == words


def test_neighbours_may_be_the_name_of_a_brand() -> None:
    assert grams(["масло", "liqui", "moly"])[:3] == ["масло liqui moly", "масло liqui", "liqui moly"]


def test_a_query_has_one_of_each_group() -> None:
    assert (
        query_of([["свеч", "свечк"], ["brand:1"], []], ["category:2"])
        == "('свеч' | 'свечк') & ('brand:1') & !'category:2'"
    )


@pytest.mark.parametrize(
    ("text", "vin"),
    [
        ("XTA21140074567890", "XTA21140074567890"),
        ("xta 2114 0074 567890", "XTA21140074567890"),
        ("ХТА21140074567890", "XTA21140074567890"),
        ("чеф21140074567890", "XTA21140074567890"),
        ("WVWZZZ1KZ6WOOOOO1", "WVWZZZ1KZ6W000001"),
        ("X7LLSRB1HBH5I2345", "X7LLSRB1HBH512345"),
        ("XTA2114007456789", None),
        ("XTA211400745678901", None),
        ("00000000000000000", None),
        ("ABCDEFGHJKLMNPRST", None),
        ("амортизатор перед", None),
        ("лада веста, VIN XTAGFL110KY000000, седан", "XTAGFL110KY000000"),
        ("артикулы QQQ21140074567890 W914/2", None),  # nobody's VIN, and other words beside it
    ],
)
def test_a_vin_is_known_by_its_shape(text: str, vin: str | None) -> None:
    assert vin_in(text) == vin


@pytest.mark.parametrize(
    ("text", "looks_like"),
    [
        ("", "empty"), ("   \n", "empty"), ("\x00", "empty"), ("x", "short"), ("ф ", "short"), ("7", "short"),
        ("🙂🙂", "signs"), (";;;", "signs"), ("a" * 2_001, "long"), ("W914/2\x00", "article"),
        ("+7 912 345-67-89", "phone"), ("8 (912) 345 67 89", "phone"), ("89123456789", "phone"),
        ("+49 30 1234567", "phone"), ("4600000000008", "barcode"), ("4600000000007", "number"),
        ("0986494019", "number"), ("'; DROP TABLE products; --", "words"), ("XTA21140074567890", "vin"),
        ("свечи", "words"), ("W 914/2", "article"),
    ],
)  # fmt: skip
def test_a_text_is_told_by_its_shape(text: str, looks_like: str) -> None:
    assert shape_of(text).looks_like == looks_like


@given(st.text(max_size=300))
def test_whatever_is_typed_has_a_shape(text: str) -> None:
    shape = shape_of(text)
    assert "\x00" not in shape.text
    assert len(shape.text) <= 300 * 4


def test_each_product_comes_once_by_its_surest_match() -> None:
    found = [Candidate(1, "typo"), Candidate(2, "prefix", "B"), Candidate(1, "exact"), Candidate(3, "prefix", "A")]
    ordered = in_order(found)
    assert [(one.product_id, one.match) for one in ordered] == [(1, "exact"), (3, "prefix"), (2, "prefix")]
    assert in_order(found, ordered[0].position) == ordered[1:]


def test_every_match_has_a_rank() -> None:
    assert set(RANKS) == set(MATCHES) == set(get_args(Match))
