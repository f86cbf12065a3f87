"""Bad rows: every reason is told with row, column and value, before anything is written."""

from pathlib import Path

import pytest

from autoshop.kit.db import Pool
from tests.imports import GOOD, TITLES, Told, assert_refused, load, rows, whole_shop

pytestmark = pytest.mark.anyio


def price(text: str) -> str:
    return rows(f"NGK;BPR6ES-11;;;{text};")


def stock(text: str) -> str:
    return rows(f"NGK;BPR6ES-11;;;;{text}")


def barcode(text: str) -> str:
    return rows(f"NGK;BPR6ES-11;;{text};;")


ROWS: dict[str, tuple[str, Told]] = {
    "unclosed quote": (rows('NGK;"BPR6ES-11;;;;', "TRW;GDB3331;;;;"), [(3, "", "", "quotes")]),
    "quote within": (rows('"NGK"x;BPR6ES-11;;;;'), [(3, "", "", "quotes")]),
    "too few fields": (rows("NGK;BPR6ES-11;;"), [(3, "", "BPR6ES-11", "fields")]),
    "too many fields": (rows("NGK;BPR6ES-11;Свеча;11;5;1;лишнее;"), [(3, "", "лишнее", "fields")]),
    "another delimiter": (rows("NGK,BPR6ES-11,,,,"), [(3, "", "NGK,BPR6ES-11,,,,", "fields")]),
    "no brand": (rows(";BPR6ES-11;;;;"), [(3, "Бренд", "", "required")]),
    "no article": (rows("NGK; ;;;;"), [(3, "Артикул", "", "required")]),
    "no name": (rows("NGK;NEW-1;;;;"), [(3, "Название", "NEW-1", "nameless")]),
    "article of punctuation": (rows("NGK;-/.;Свеча;;;"), [(3, "Артикул", "-/.", "no_key")]),
    "brand of punctuation": (rows("—;X1;Свеча;;;"), [(3, "Бренд", "—", "no_key")]),
    "long article": (rows(f"NGK;{'9' * 61};Свеча;;;"), [(3, "Артикул", "9" * 61, "too_long")]),
    "long name": (rows(f"NGK;BPR6ES-11;{'я' * 501};;;"), [(3, "Название", "я" * 200, "too_long")]),
    "control character": (rows("NGK;BPR6\x1b[2JES;;;;"), [(3, "Артикул", r"BPR6\x1b[2JES", "control")]),
    "formula": (rows("NGK;BPR6ES-11;=1+1;;;"), [(3, "Название", "=1+1", "formula")]),
    "formula as stock": (stock("=1+1"), [(3, "Остаток centre", "=1+1", "formula")]),
    "shortened barcode": (barcode("4,60712E+12"), [(3, "Штрихкод", "4,60712E+12", "shortened")]),
    "shortened barcode, English": (barcode("4.60712E+12"), [(3, "Штрихкод", "4.60712E+12", "shortened")]),
    "shortened article": (rows("NGK;1E+05;Свеча;;;"), [(3, "Артикул", "1E+05", "shortened")]),
    "check digit": (barcode("4607123456782"), [(3, "Штрихкод", "4607123456782", "check_digit")]),
    "one of two barcodes": (barcode("X-1, 4607123456782"), [(3, "Штрихкод", "4607123456782", "check_digit")]),
    "Russian barcode": (barcode("ШК1"), [(3, "Штрихкод", "ШК1", "barcode")]),
    "51 barcodes": (barcode(" ".join(f"X{n}" for n in range(51))), [
        (3, "Штрихкод", " ".join(f"X{n}" for n in range(51))[:200], "too_many_barcodes")]),
    "price 0": (price("0,00"), [(3, "Розница", "0,00", "zero_price")]),
    "negative price": (price("-5"), [(3, "Розница", "-5", "negative_price")]),
    "absurd price": (price("4607123456781"), [(3, "Розница", "4607123456781", "not_money")]),
    "price of 100 million": (price("100000000"), [(3, "Розница", "100000000", "absurd_price")]),
    "a tenth of a kopeck": (price("1,005"), [(3, "Розница", "1,005", "fine_price")]),
    "price with an exponent": (price("1,5e3"), [(3, "Розница", "1,5e3", "not_money")]),
    "price in words": (price("договорная"), [(3, "Розница", "договорная", "not_money")]),
    "price in dollars": (price("$5"), [(3, "Розница", "$5", "not_money")]),
    "Arabic digits": (price("٥"), [(3, "Розница", "٥", "not_money")]),
    "negative stock": (stock("-1"), [(3, "Остаток centre", "-1", "negative_stock")]),
    "10⁹ pieces": (stock("1000000000"), [(3, "Остаток centre", "1000000000", "too_many_pieces")]),
    "10³⁰ pieces": (stock("1" + "0" * 30), [(3, "Остаток centre", "1" + "0" * 30, "not_whole")]),
    "more than ten": (stock(">10"), [(3, "Остаток centre", ">10", "not_whole")]),
    "between": (stock("1-5"), [(3, "Остаток centre", "1-5", "not_whole")]),
    "half a piece": (stock("1.5"), [(3, "Остаток centre", "1.5", "not_whole")]),
    "stock with an exponent": (stock("1,5e3"), [(3, "Остаток centre", "1,5e3", "not_whole")]),
    "stock in words": (stock("да"), [(3, "Остаток centre", "да", "not_whole")]),
    "the same product twice": (rows("filtron;OP-520;Другой;;510;3"), [
        (2, "Артикул", "OP 520", "repeated"), (3, "Артикул", "OP-520", "repeated")]),
    "a barcode in two rows": (barcode("4607123456781"), [
        (2, "Штрихкод", "4607123456781", "barcode_repeated"), (3, "Штрихкод", "4607123456781", "barcode_repeated")]),
    "a SKU in two rows": ("Бренд;Артикул;Код\nNGK;BPR6ES-11;7\nTRW;GDB3331;7\n", [
        (2, "Код", "7", "sku_repeated"), (3, "Код", "7", "sku_repeated")]),
    "a SKU of another": ("Бренд;Артикул;Код\nNGK;BPR6ES-11;SKU-2\n", [(2, "Код", "SKU-2", "sku_taken")]),
    "totals": (rows("Итого:;;;;;15"), [(3, "", "Итого:", "totals")]),
    "all that is wrong": (rows("—;;;46;x;-1", "NGK;BPR6ES-11;;;0;1"), [
        (3, "Артикул", "", "required"), (3, "Бренд", "—", "no_key"), (3, "Остаток centre", "-1", "negative_stock"),
        (3, "Розница", "x", "not_money"), (4, "Розница", "0", "zero_price")]),
}  # fmt: skip


@pytest.mark.parametrize(("content", "told"), ROWS.values(), ids=ROWS)
async def test_every_reason_is_told_and_nothing_is_written(
    untouched: Pool, tmp_path: Path, content: str, told: Told
) -> None:
    await assert_refused(untouched, tmp_path / "c.csv", content, told)


async def test_a_barcode_of_another_product_is_told_with_it(pool: Pool, tmp_path: Path) -> None:
    await load(pool, tmp_path / "a.csv", "Бренд;Артикул;Штрихкод\nTRW;GDB3331;4607123456781\n")
    before = await whole_shop(pool)
    refused = await load(pool, tmp_path / "b.csv", barcode("4607123456781").replace(GOOD, ""))
    assert refused.told == [(2, "Штрихкод", "4607123456781", "barcode_taken")]
    assert refused.problems[0].detail == "4"
    assert await whole_shop(pool) == before


async def test_rows_that_repeat_each_other_are_one(pool: Pool, tmp_path: Path) -> None:
    done = await load(pool, tmp_path / "c.csv", rows(GOOD.strip(), GOOD.strip().replace("OP 520", "op-520")))
    assert done.told == [(3, "Артикул", "OP 520", "merged"), (4, "Артикул", "op-520", "merged")]
    assert done.counts("rows", "new", "movements") == (3, 1, 1)


async def test_a_title_above_the_headings_is_told_beside_what_is_wrong(pool: Pool, tmp_path: Path) -> None:
    refused = await load(pool, tmp_path / "c.csv", "Остатки;на 01.12.2024\n\n" + price("x"))
    assert refused.told == [(5, "Розница", "x", "not_money"), (3, "", "Остатки на 01.12.2024", "headings_here")]
    assert (refused.run.state, refused.counts("rows", "bad_rows")) == ("refused", (2, 1))


async def test_every_problem_of_many_is_kept(pool: Pool, tmp_path: Path) -> None:
    refused = await load(pool, tmp_path / "c.csv", ";".join(TITLES) + "\n" + "NGK;BPR6ES-11;;;0;-1\n" * 12_345)
    assert len(refused.problems) == 2 * 12_345
    assert refused.counts("rows", "bad_rows") == (12_345, 12_345)
    assert [problem.row for problem in refused.problems[-2:]] == [12_346, 12_346]
