"""Keys, money, cursors, ETags, settings, cache: the small rules that everything leans on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoshop.kit.errors import Invalid, NotFound, PreconditionRequired, problem
from autoshop.kit.etag import etag, version_in
from autoshop.kit.idempotency import key_for
from autoshop.kit.money import format_roubles, parse_roubles
from autoshop.kit.paging import decode_cursor, encode_cursor, page_of
from autoshop.kit.settings import Settings, parse_networks, parse_trust
from autoshop.kit.text import article_key, article_loose, name_key


# ------------------------------------------------------------------------------------------------ articles
@pytest.mark.parametrize(
    ("article", "key"),
    [
        ("W 914/2", "W9142"),
        ("w914-2", "W9142"),
        ("А17ДВРМ", "A17ДBPM"),  # letters without a Latin twin stay Cyrillic
        ("ВРR6ES", "BPR6ES"),  # typed on a Russian keyboard
        ("0 242 235 666", "0242235666"),
        ("№ 12", "NO12"),  # NFKC reads the sign as «No»
        ("ﬁ-5", "FI5"),
        ("  ", ""),
        ("-/.", ""),
    ],
)
def test_an_article_is_found_however_it_is_typed(article: str, key: str) -> None:
    assert article_key(article) == key


def test_the_loose_key_folds_what_the_strict_one_keeps_apart() -> None:
    assert article_key("OIL10") != article_key("0IL1O")
    assert article_loose("OIL10") == article_loose("0IL1O")


@given(st.text(max_size=40))
def test_keys_are_keys_of_themselves(text: str) -> None:
    key = article_key(text)
    assert article_key(key) == key
    assert article_loose(article_loose(text)) == article_loose(text)
    assert article_key(f" {text}-") == key
    assert "\x00" not in key


def test_brands_that_people_write_differently_are_one() -> None:
    assert name_key("MANN-FILTER") == name_key("Mann Filter") == name_key("mannfilter")
    assert name_key("Ёлка") == name_key("ЕЛКА")


# ------------------------------------------------------------------------------------------------ money
@pytest.mark.parametrize(
    "text", ["", "abc", "-1", "1.234", "1,2,3", "NaN", "Infinity", "-Infinity", "1e400", "100000000000.01", "١"[:0]]
)
def test_what_is_no_price_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_roubles(text)


@pytest.mark.parametrize(
    ("text", "kopecks"),
    [
        ("0", 0),
        ("1234.5", 123450),
        ("1 234,50", 123450),
        ("1\u00a0234,50 ₽", 123450),
        ("99 руб.", 9900),
        ("15 р.", 1500),
        ("100000000000", 10**13),
    ],
)
def test_roubles_as_people_write_them(text: str, kopecks: int) -> None:
    assert parse_roubles(text) == kopecks


@given(st.integers(0, 10**13))
def test_money_reads_back_as_it_was_written(kopecks: int) -> None:
    assert parse_roubles(format_roubles(kopecks)) == kopecks


def test_a_price_has_no_break_in_it() -> None:
    assert format_roubles(123450) == "1\u00a0234,50\u00a0₽"


# ------------------------------------------------------------------------------------------------ cursors
GARBAGE = ["x", "=", "====", "é", "%00", "AA", "W10", "WzFd!", "eyJhIjoxfQ", "bnVsbA", "A" * 399, "\x00", "WzEsMl0\n"]


@pytest.mark.parametrize("cursor", GARBAGE)
def test_a_page_that_is_none_of_ours_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid):
        decode_cursor(cursor, "stock", int, int)


@pytest.mark.parametrize("key", [(1,), (1, 2, 3), ("1", 2), (1.5, 2), (True, 1), (None, 1), (2**63, 1), (-(2**70), 1)])
def test_a_cursor_of_another_shape_is_refused(key: tuple[Any, ...]) -> None:
    with pytest.raises(Invalid):
        decode_cursor(encode_cursor("stock", *key), "stock", int, int)


@given(st.binary(max_size=60))
def test_no_cursor_breaks_the_reader(raw: bytes) -> None:
    import base64

    cursor = base64.urlsafe_b64encode(raw).decode()
    try:
        key = decode_cursor(cursor, "stock", int, int)
    except Invalid:
        return
    assert key is None or (len(key) == 2 and all(abs(value) < 2**63 for value in key))


@given(st.integers(0, 2**63 - 1), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_a_cursor_leads_back_to_its_row(number: int, text: str) -> None:
    assert decode_cursor(encode_cursor("list", number, text), "list", int, str) == (number, text)


def test_only_a_full_page_has_a_next_one() -> None:
    assert page_of([1, 2], 2, "list", lambda row: (row,)) == ([1, 2], None)
    assert page_of([], 2, "list", lambda row: (row,)) == ([], None)
    assert page_of([1, 2, 3], 2, "list", lambda row: (row,)) == ([1, 2], encode_cursor("list", 2))


def test_without_a_cursor_it_is_the_first_page() -> None:
    assert decode_cursor(None, "list", int) is None
    assert decode_cursor("", "list", int) is None


# ------------------------------------------------------------------------------------------------ ETags
def test_a_change_without_if_match_is_refused() -> None:
    with pytest.raises(PreconditionRequired):
        version_in(None)


@pytest.mark.parametrize("header", ["", "7", '"', '""', '"x"', '"-1"', '"1", "2"', "*", '"9999999999"', '"1.5"'])
def test_an_if_match_that_is_none_of_ours_is_refused(header: str) -> None:
    with pytest.raises(Invalid):
        version_in(header)


def test_an_etag_names_a_version() -> None:
    assert version_in(etag(7)) == version_in(f" {etag(7)} ") == version_in(f"W/{etag(7)}") == 7


# ------------------------------------------------------------------------------------------------ idempotency keys
@pytest.mark.parametrize("header", ["", "x" * 256, "a\tb", "a\x00b", "a\x7fb"])
def test_a_key_that_nobody_could_type_is_refused(header: str) -> None:
    with pytest.raises(Invalid):
        key_for("token:till", header, "POST", "/movement", b"")


def test_a_key_knows_its_request() -> None:
    first = key_for("token:till", "k", "POST", "/movement", b"{}")
    assert first == key_for("token:till", "k", "POST", "/movement", b"{}")
    for other in [("PUT", "/movement", b"{}"), ("POST", "/movements", b"{}"), ("POST", "/movement", b"{} ")]:
        changed = key_for("token:till", "k", *other)
        assert first is not None
        assert changed is not None
        assert first.fingerprint != changed.fingerprint
    assert key_for("token:till", None, "POST", "/movement", b"") is None


# ------------------------------------------------------------------------------------------------ settings
@pytest.mark.parametrize("trust", ["10.0.0.0/8", "10.0.0.0/8=king", "shop=manager", "=manager", "10.0.0.0/33=manager"])
def test_a_trust_that_cannot_be_read_stops_the_start(trust: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Settings(trust=trust)


@pytest.mark.parametrize("proxies", ["nginx", "10.0.0.0/99", "10.0.0.1=manager"])
def test_proxies_that_cannot_be_read_stop_the_start(proxies: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Settings(proxies=proxies)


def test_trust_pairs_networks_with_roles() -> None:
    pairs = parse_trust("127.0.0.0/8=manager, ::1/128=clerk,")
    assert [(str(network), role) for network, role in pairs] == [("127.0.0.0/8", "manager"), ("::1/128", "clerk")]
    assert parse_trust("") == ()


def test_a_host_address_is_a_network_of_one() -> None:
    assert [str(network) for network in parse_networks("10.0.0.1, 172.16.5.5/12")] == ["10.0.0.1/32", "172.16.0.0/12"]


def test_nobody_is_trusted_unless_the_owner_says_so() -> None:
    assert Settings.model_fields["trust"].default == ""
    assert Settings.model_fields["proxies"].default == ""


# ------------------------------------------------------------------------------------------------ problems
def test_a_problem_has_the_members_of_rfc_9457_and_the_facts() -> None:
    refusal = NotFound("There is no product 5", product_id=5)
    assert refusal.problem() == {
        "type": "urn:autoshop:problem:not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is no product 5",
        "product_id": 5,
    }
    assert problem(409, "Idempotency-Key was used", "x")["type"] == "urn:autoshop:problem:idempotency-key-was-used"
