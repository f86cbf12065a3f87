"""Barcodes, articles and ETags: rules that need no database."""

import pytest

from autoshop.catalog.products.model import as_scanned, barcodes_of, key_of, wrong_with_barcode
from autoshop.kit.errors import Invalid
from autoshop.kit.etag import etag, is_known, version_in


@pytest.mark.parametrize(
    "code",
    [
        "4600051000057",
        "96385074",
        "036000291452",
        "123",
        "AS-000017",
        "12345678901234",
        "4600051000057-1",
        "2000000000015",
    ],
)
def test_a_code_that_a_scanner_reads_is_accepted(code: str) -> None:
    assert wrong_with_barcode(code) is None


@pytest.mark.parametrize("code", ["4600051000058", "96385075", "036000291453"])
def test_a_wrong_check_digit_is_told(code: str) -> None:
    assert "check digit" in (wrong_with_barcode(code) or "")


@pytest.mark.parametrize("code", ["", "46 00051", "штрих", "a\tb", "1" * 65])
def test_what_no_scanner_reads_is_refused(code: str) -> None:
    assert wrong_with_barcode(code)
    with pytest.raises(Invalid):
        barcodes_of(["4600051000057", code])


def test_a_code_given_twice_is_kept_once() -> None:
    assert barcodes_of([" 123", "123 ", "124"]) == ["123", "124"]


def test_upc_and_ean_are_two_spellings_of_one_scan() -> None:
    assert as_scanned("036000291452") == ["036000291452", "0036000291452"]
    assert as_scanned("0036000291452") == ["0036000291452", "036000291452"]
    assert as_scanned("4600051000057") == ["4600051000057"]


def test_an_article_without_letters_and_digits_has_no_key() -> None:
    assert key_of("w 914/2") == "W9142"
    with pytest.raises(Invalid):
        key_of("-/-")


def test_an_etag_names_a_version_and_what_was_seen() -> None:
    seen = etag(7, {"name": "NGK", "prices": {"retail": 1}})
    assert seen == etag(7, {"prices": {"retail": 1}, "name": "NGK"})
    assert seen != etag(7, {"name": "NGK", "prices": {"retail": 1, "cost": 1}})
    assert version_in(seen) == version_in('"7"') == version_in('W/"7"') == 7
    assert is_known(seen, f'"1", W/{seen}')
    assert is_known(seen, "*")
    assert not is_known(seen, '"7"')
    assert not is_known(seen, None)


@pytest.mark.parametrize("text", ["7", '"7-xyz"', '"seven"', '"٧"', '"7-1f0a33c2-1"'])
def test_what_is_no_etag_of_ours_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        version_in(text)
