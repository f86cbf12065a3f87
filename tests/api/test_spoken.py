"""The selection speaks the language that is asked for: by `lang`, else by Accept-Language, else Russian."""

import re

import httpx
import pytest

from tests.cast import PLUG

pytestmark = pytest.mark.anyio

SPOKEN = [
    "/api/v1/vin/+79123456789",
    "/api/v1/plugs/BPR6ES",
    "/api/v1/plugs/BPR6ES/equivalents",
    f"/api/v1/products/{PLUG}/fitment/verdict?vehicle=lada/vesta/i",
    "/api/v1/kits",
    "/api/v1/kits/to15?vehicle=lada/vesta/i",
    "/api/v1/search?q=zzzzzz",
]
FLEETING = re.compile(r"\d|\"request_id\": ?\"[^\"]*\"")  # moments, and the name of a request


@pytest.mark.parametrize("path", SPOKEN)
async def test_one_parameter_or_the_header_chooses_the_language(client: httpx.AsyncClient, path: str) -> None:
    async def read(lang: str | None, header: str | None) -> str:
        asked = path if lang is None else f"{path}{'&' if '?' in path else '?'}lang={lang}"
        return FLEETING.sub("", (await client.get(asked, headers={"Accept-Language": header} if header else {})).text)

    russian, english = await read(None, None), await read(None, "en")
    assert (await read("ru", "en"), await read("en", "ru")) == (russian, english)
    assert russian != english
    refused = await client.get(path, params={**httpx.URL(path).params, "lang": "de"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "lang")
