"""What the forms of stocktakes refuse: where, what was sent, the status, and words of what is told.

Three of them there are: 1 is being counted (a plug that nobody counted, a bulb that vera did), 2 is in review, 3 was
cancelled.
"""

from fastapi import FastAPI

from tests.cast import AIR_FILTER, BULB, OIL_FILTER, PLUG
from tests.stocktakes import cancel, open_stocktake, review, take

NEW = "/office/stocktakes/new"
ONE, TWO, THREE, NONE = (f"/office/stocktakes/{number}" for number in (1, 2, 3, 999))
STOCKTAKE_REFUSALS: list[tuple[str, dict[str, str], int, str]] = [
    (NEW, {"kind": "nothing"}, 422, "Выберите из списка"),
    (NEW, {"kind": "store", "blind": "maybe"}, 422, "Выберите из списка"),
    (NEW, {"kind": "store", "store": ""}, 422, "Заполните поле"),
    (NEW, {"kind": "store", "store": "999"}, 404, "Магазина с таким номером нет"),
    (NEW, {"kind": "store"}, 409, "уже считают в другой"),
    (NEW, {"kind": "flagged"}, 409, "Считать нечего"),
    (NEW, {"kind": "category", "category": ""}, 422, "Заполните поле"),
    (NEW, {"kind": "category", "category": "999"}, 404, "Такого раздела каталога нет"),
    (NEW, {"kind": "products", "codes": " \n"}, 422, "Заполните поле"),
    (NEW, {"kind": "products", "codes": "SKU-4\nnobody-has-it"}, 422, "Товара «nobody-has-it» нет"),
    (NEW, {"kind": "products", "codes": "W"}, 422, "По «W» есть несколько товаров"),
    (NEW, {"kind": "products", "codes": "\n".join(map(str, range(301)))}, 422, "можно не больше 300"),
    (NEW, {"kind": "products", "codes": "BPR6ES-11"}, 409, "уже считают в другой"),
    (NEW, {"kind": "shelves", "shelves": " , "}, 422, "Заполните поле"),
    (NEW, {"kind": "shelves", "shelves": "!!!"}, 422, "Таких мест не бывает"),
    (NEW, {"kind": "shelves", "shelves": "Z-99"}, 404, "На этих местах ничего не лежит"),
    (NEW, {"kind": "store", "worth": "дорого"}, 422, "Напишите сумму в рублях"),
    (NEW, {"kind": "store", "above": "-1"}, 422, "-1 не годится"),
    (NEW, {"kind": "store", "above": "много"}, 422, "не целое число"),
    (NEW, {"kind": "store", "note": "x" * 501}, 422, "не больше 500 знаков"),
    (f"{ONE}/counts", {"code": ""}, 422, "Заполните поле"),
    (f"{ONE}/counts", {"code": "nobody-has-it"}, 422, "Товара «nobody-has-it» нет"),
    (f"{ONE}/counts", {"code": "W"}, 422, "По «W» выберите товар"),
    (f"{ONE}/counts", {"code": "T-1"}, 422, "не товар, а место или документ"),
    (f"{ONE}/counts", {"code": "x" * 501}, 422, "не больше 500 знаков"),
    (f"{ONE}/counts", {"code": "a\0b"}, 422, "не больше 500 знаков"),
    (f"{ONE}/counts", {"code": "W914/2"}, 409, "уже считают в другой"),
    (f"{ONE}/counts", {"code": "GDB3331"}, 409, "Этого товара нет в списке"),
    (f"{ONE}/counts", {"pieces": "-1"}, 422, "-1 не годится"),
    (f"{ONE}/counts", {"pieces": "1000001"}, 422, "1000001 не годится"),
    (f"{ONE}/counts", {"pieces": "1.5"}, 422, "«1.5» не целое число"),
    (f"{ONE}/counts", {"pieces": "", "mode": "set"}, 422, "Заполните поле"),
    (f"{ONE}/counts", {"mode": "more"}, 422, "Выберите из списка"),
    (f"{ONE}/counts", {"round": "0"}, 422, "0 не годится"),
    (f"{ONE}/counts", {"round": "3"}, 409, "Сначала нужен первый счёт"),
    (f"{ONE}/counts", {"client_id": "a b"}, 422, "Форма испорчена"),
    (f"{ONE}/counts", {"client_id": "of-vera"}, 409, "уже записан с другим числом"),
    (f"{ONE}/counts", {"counted_at": "вчера"}, 422, "Время счёта непонятно"),
    (f"{ONE}/counts", {"counted_at": "2026-11-26T12:00:00"}, 422, "Время счёта непонятно"),
    (f"{ONE}/counts", {"counted_at": "9999-12-31T23:59:59Z"}, 422, "Время счёта непонятно"),
    (f"{ONE}/counts", {"counted_at": "2001-01-01T00:00:00Z"}, 409, "Время счёта раньше начала"),
    (f"{ONE}/counts", {"device": "x" * 61}, 422, "не больше 60 знаков"),
    (f"{TWO}/counts", {"code": "W914/2"}, 409, "Счёт уже закончен"),
    (f"{NONE}/counts", {}, 404, "Инвентаризации с таким номером нет"),
    (f"{ONE}/retractions", {"count": "nobodys"}, 404, "Такого счёта здесь нет"),
    (f"{ONE}/retractions", {"count": "a b"}, 422, "Форма испорчена"),
    (f"{TWO}/retractions", {"count": "of-oil"}, 409, "Счёт уже закончен"),
    (f"{NONE}/retractions", {"count": "a"}, 404, "Инвентаризации с таким номером нет"),
    (f"{ONE}/review", {"uncounted": "zero"}, 409, "Не посчитано товаров: 1, по учёту это 10 шт."),
    (f"{ONE}/review", {"uncounted": "all"}, 422, "Выберите из списка"),
    (f"{TWO}/review", {"uncounted": "leave"}, 409, "Счёт уже закончен"),
    (f"{NONE}/review", {"uncounted": "leave"}, 404, "Инвентаризации с таким номером нет"),
    (f"{ONE}/second-counts", {}, 422, "Отметьте товары"),
    (f"{ONE}/second-counts", {f"again-{PLUG}": "yes"}, 409, "Этого товара нет в списке"),
    (f"{ONE}/second-counts", {f"again-{2**63}": "yes"}, 422, "Отметьте товары"),
    (f"{THREE}/second-counts", {f"again-{AIR_FILTER}": "yes"}, 409, "Счёт уже закончен"),
    (f"{ONE}/reopening", {}, 409, "Это делают на сверке"),
    (f"{NONE}/reopening", {}, 404, "Инвентаризации с таким номером нет"),
    (f"{THREE}/cancellation", {}, 409, "уже закончилась"),
    (f"{ONE}/cancellation", {"reason": "x" * 501}, 422, "не больше 500 знаков"),
    (f"{ONE}/approval", {"version": "1"}, 409, "Это делают на сверке"),
    (f"{TWO}/approval", {"version": "1"}, 412, "Кто-то изменил это"),
    (f"{TWO}/approval", {"version": ""}, 422, "Заполните поле"),
    (f"{TWO}/approval", {"version": "2", "reason": "x" * 501}, 422, "не больше 500 знаков"),
    (f"{NONE}/approval", {"version": "1"}, 404, "Инвентаризации с таким номером нет"),
]


async def open_three(app: FastAPI) -> None:
    """The three that the refusals speak of."""
    pool = app.state.pool
    counted = await open_stocktake(pool, PLUG, BULB)
    await take(pool, counted, 1, BULB, client_id="of-vera")
    reviewed = await open_stocktake(pool, OIL_FILTER)
    await take(pool, reviewed, 0, OIL_FILTER, client_id="of-oil")
    await review(pool, reviewed)
    await cancel(pool, await open_stocktake(pool, AIR_FILTER))
