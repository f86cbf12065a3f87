"""A good body for every route that writes: what tests of bad input spoil, part by part."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cast import BULB, CENTRE, NORTH, PLUG
from tests.kits import FILTER_KOPECKS

INVENTORY = "/api/v1/inventory"
LINE = {"product_id": PLUG, "store_id": CENTRE, "movement_type": "inbound", "quantity": 1}
TEXTS = {"related_document": "a", "reason": "a"}
# A date without a mistake, whatever day it is: the day before yesterday.
PAPER = {"effective_on": (datetime.now(UTC) - timedelta(days=2)).date().isoformat(), "unit_cost_kopecks": 100}
WEEK = {"mon": ["09:00", "20:00"]}
NAMES = {"code": "a", "name_ru": "a", "name_en": "a"}
NUMBERED = {"brand_id": 1, "category_id": 1}
CARD = {"article": "a1", "sku": "a", "name": "a", "unit": "a", "active": True}
HUNG = {"barcodes": ["a"], "prices": {"retail": 1}, "attributes": {"a": 1}}
STORE = {"code": "a", "name": "a", "address": "a", "time_zone": "UTC", "opening_hours": WEEK, "active": True}
CLOSED = {"closed_dates": ["2027-01-01"], "keeps_holidays": True}
BRAND = {"name": "a", "country": "a", "aliases": ["b"]}
ONE = {"product_id": PLUG, "quantity": 1}
WAY = {"from_store_id": CENTRE, "to_store_id": NORTH}
WANTED = {"note": "a", "wanted_by": "2099-01-31"}
HELD = {"product_id": PLUG, "store_id": CENTRE, "quantity": 1}
STOCKTAKES = f"{INVENTORY}/stocktakes"
COUNT = {"client_id": "a", "product_id": PLUG, "pieces": 1, "mode": "set", "round": 1, "device": "a", "note": "a"}
LEVEL = {"product_id": PLUG, "store_id": CENTRE, "minimum": 1, "maximum": 2}
DOCUMENTS = "POST /api/v1/documents"
NAMED = {"product_id": PLUG, "sku": "a", "barcode": "a", "article": "a", "brand": "a"}
TOMORROW = (datetime.now(UTC) + timedelta(days=1)).isoformat()
HOOK = {
    "url": "https://example.com/hook",
    "topics": ["inventory.*"],
    "note": "a",
    "store_ids": [CENTRE],
    "product_ids": [PLUG],
    "in_flight": 2,
}
SHIPPED_LATER = {"ship": False, "hold": True, "hold_until": TOMORROW}
IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).isoformat()
MARKED = {**LINE, **TEXTS, "movement_type": "sale", "marks": ["010460123456789321ABCDEFGHIJKLM\x1d93abcd"]}
SOLD_MARKS = [f"010460123456789321ABCDEFGHIJKL{number}\x1d93abcd" for number in "12"]  # see test_bad_input.py: `shop`
CROSS = {"brand": "NGK", "article": "BPR6ES", "other_brand": "Bosch", "other_article": "WR7BC"}  # of other reaches
GARAGE = "/api/v1/garages/1"
CAR = {"engine": "21129", "year": 2019, "vin": "XTAGFL110KY000000", "name": "a"}
BODIES: dict[str, Any] = {
    f"POST {GARAGE}/cars": {"vehicle": "lada/vesta/i", **CAR},
    f"PATCH {GARAGE}/cars/1": CAR,
    f"POST {GARAGE}/cars/1/readings": {"mileage_km": 1, "read_on": PAPER["effective_on"]},
    f"POST {GARAGE}/cars/1/services": {"kit": "to15", "mileage_km": 1, "done_on": PAPER["effective_on"]},
    f"POST {GARAGE}/claims": {"token": "t" * 43},
    f"POST /api/v1/products/{PLUG}/fitment/feedback": {
        "vehicle": "lada/vesta/i",
        "engine": "21129",
        "fitted": False,
        "origin": "return",
        "reference": "a",
        "note": "a",
    },
    "POST /api/v1/fitment/purchases": {
        "related_document": "a",
        "vehicle": {"id": "lada/vesta/i", "engine": "21129", "year": 2018},
        "product_ids": [PLUG],
    },
    "POST /api/v1/kits/to30/reservations": {
        "vehicle": "lada/vesta/i",
        "engine": "21129",
        "year": 2020,
        "store_id": CENTRE,
        "tier": "economy",
        "total_kopecks": FILTER_KOPECKS,
        "holder": "a",
        "extras": ["fuel_filter"],
        "related_document": "a",
        "expires_at": IN_A_MONTH,
    },
    "POST /api/v1/vin": {"vins": ["XTAGFL110KY000000"]},
    f"POST {INVENTORY}/movement": {**MARKED, "effective_on": PAPER["effective_on"]},
    f"POST {INVENTORY}/movements": {"lines": [MARKED, {**LINE, **PAPER}]},
    f"POST {INVENTORY}/movements/2/reversal": {"reason": "a"},
    f"POST {INVENTORY}/transfers": {**WAY, "lines": [ONE], **WANTED, "related_document": "a", **SHIPPED_LATER},
    f"PATCH {INVENTORY}/transfers/2": {"lines": [ONE], **WANTED},
    f"POST {INVENTORY}/transfers/2/shipment": {"lines": [ONE], "close_rest": False, "beyond_requested": False},
    f"POST {INVENTORY}/transfers/1/receipt": {"lines": [ONE]},
    f"POST {INVENTORY}/transfers/1/recall": {"lines": [ONE]},
    f"POST {INVENTORY}/transfers/1/differences": {"lines": [{**ONE, "reason": "lost", "note": "a"}]},
    f"POST {INVENTORY}/returns": {
        "store_id": CENTRE,
        "sale": {"movement_id": 3},
        "lines": [{**ONE, "condition": "damaged", "reason": "a", "marks": SOLD_MARKS[1:]}],
        "related_document": "a",
        "note": "a",
    },
    f"POST {INVENTORY}/returns/1/reversal": {"reason": "a"},
    f"POST {INVENTORY}/supplier-returns": {
        "store_id": CENTRE,
        "supplier": "a",
        "lines": [{**ONE, "reason": "a"}],
        **TEXTS,
    },
    f"POST {INVENTORY}/supplier-returns/2/reversal": {"reason": "a"},
    f"POST {INVENTORY}/reservations": {
        "holder": "a",
        "lines": [HELD],
        "related_document": "a",
        "expires_at": TOMORROW,
    },
    f"PATCH {INVENTORY}/reservations/1": {"expires_at": TOMORROW},
    f"POST {INVENTORY}/reservations/1/release": {"lines": [HELD]},
    f"POST {INVENTORY}/reservations/1/fulfilment": {
        "lines": [HELD],
        "related_document": "a",
        "beyond_held": True,
    },
    f"POST {INVENTORY}/allocations": {
        "store_id": CENTRE,
        "lines": [{"product_id": PLUG, "quantity": 1}],
        "holder": "a",
        "related_document": "a",
        "expires_at": IN_A_MONTH,
        "transfers": False,
        "preview": False,
    },
    f"POST {STOCKTAKES}": {
        "store_id": NORTH,
        "scope": {"kind": "products", "product_ids": [PLUG]},
        "blind": True,
        "second_count_above": 1,
        "second_count_above_kopecks": 1,
        "note": "a",
    },
    f"POST {STOCKTAKES}/1/counts": {"counts": [COUNT]},
    f"POST {STOCKTAKES}/1/retractions": {"counts": ["first"]},
    f"POST {STOCKTAKES}/1/second-counts": {"product_ids": [PLUG]},
    f"POST {STOCKTAKES}/1/review": {"uncounted": "leave", "confirm_zero": False},
    f"POST {STOCKTAKES}/1/cancellation": {"reason": "a"},
    f"POST {STOCKTAKES}/2/reopening": {"reason": "a"},
    f"POST {STOCKTAKES}/2/approval": {"unsettled": "refuse", "reason": "a"},
    f"POST {INVENTORY}/found-sale": {**HELD, "reason": "found", "related_document": "a"},
    f"PUT {INVENTORY}/found-policies/{NORTH}": {"roles": ["clerk"], "most_pieces": 2},
    f"POST {INVENTORY}/periods": {"ends_on": (datetime.now(UTC) - timedelta(days=5)).date().isoformat()},
    f"POST {INVENTORY}/periods/1/reopening": {"reason": "a"},
    f"PUT {INVENTORY}/{BULB}/lead-time": {"days": 2},
    f"PUT {INVENTORY}/levels": {"levels": [LEVEL]},
    f"PUT {INVENTORY}/levels/{PLUG}/{CENTRE}": {"minimum": 1, "maximum": 2},
    f"PUT {INVENTORY}/channels/2": {"name_ru": "a", "name_en": "a", "active": True, "store_ids": [1], "buffer": 1},
    f"PUT {INVENTORY}/channels/1/buffers/categories/1": {"buffer": 1},
    f"PUT {INVENTORY}/channels/1/buffers/products/{PLUG}": {"buffer": 1},
    f"PUT {INVENTORY}/channels/1/buffers/products/{PLUG}/stores/{CENTRE}": {"buffer": 1},
    DOCUMENTS: {
        "kind": "set",
        "store_id": CENTRE,
        "lines": [{**NAMED, "quantity": 1, "reason": "a"}],
        "related_document": "a",
        "counted_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
    },
    f"{DOCUMENTS}/1/reversal": {"reason": "a"},
    f"PUT {INVENTORY}/shelves/{CENTRE}/{PLUG}": {"places": ["A-1"]},
    f"POST {INVENTORY}/shelves": {"items": [{"product_id": PLUG, "store_id": CENTRE, "places": ["A-1"], "version": 0}]},
    f"POST /api/v1/products/{PLUG}/barcodes": {"code": "a"},
    "POST /api/v1/labels": {
        "layout": "a4-3x8",
        "items": [{"product_id": PLUG, "copies": 1}],
        "start_at": 1,
        "store_id": CENTRE,
    },
    "POST /api/v1/stores": {**STORE, **CLOSED},
    f"PATCH /api/v1/stores/{CENTRE}": {**STORE, **CLOSED},
    f"PUT /api/v1/stores/{CENTRE}/routes/{NORTH}": {
        "cutoff": "18:00",
        "days": 1,
        "arrival": "17:00",
        "weekdays": [1],
        "closed_dates": ["2027-01-01"],
    },
    "PUT /api/v1/holidays/2027": {"days": [{"day": "2027-01-01", "name": "a"}]},
    "POST /api/v1/products": {**CARD, **NUMBERED, **HUNG},
    f"PATCH /api/v1/products/{PLUG}": {**CARD, **NUMBERED, **HUNG},
    "POST /api/v1/brands": BRAND,
    "PATCH /api/v1/brands/1": BRAND,
    "POST /api/v1/categories": {**NAMES, "parent_id": 1},
    "PATCH /api/v1/categories/2": {**NAMES, "parent_id": 1},
    "POST /api/v1/price-types": {**NAMES, "is_cost": True},
    "POST /api/v1/webhooks": HOOK,
    "POST /api/v1/crosses": {**CROSS, "kind": "analog", "confidence": "high"},
    "POST /api/v1/crosses/conflicts/1/acceptance": {"reason": "a"},
    "POST /api/v1/crosses/conflicts/1/dismissal": {"reason": "a"},
    "PATCH /api/v1/webhooks/1": {**HOOK, "active": True},
    "POST /api/v1/webhooks/1/secret": {"overlap_hours": 1},
    "POST /api/v1/webhooks/1/ping": {"text": "a"},
    "POST /api/v1/webhooks/1/deliveries/1/redelivery": {"reason": "a"},
    "POST /api/v1/webhooks/1/replay": {"from": "2026-01-01T00:00:00Z", "to": TOMORROW},
    "POST /api/v1/session": {"login": "a", "password": "a"},
}
