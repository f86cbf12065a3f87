"""What the pages keep to: every word in two languages and in one place, small scripts, vendored files as they came."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from string import Formatter

import pytest

from autoshop.kit.language import Language
from autoshop.web.assets import assets
from autoshop.web.pages import environment, policy_of
from autoshop.web.texts import texts
from tests.house.repository import ROOT, files, text_of

WEB = "src/autoshop/web/"
MODULES = [path for path in files() if path.startswith(WEB) and path.endswith(".py")]
TEMPLATES = [path for path in files() if path.startswith(WEB) and path.endswith(".html")]
MOST_SCRIPT_LINES = 50
LONGER = {f"{WEB}static/{name}.js": 150 for name in ("queue", "counting", "shipment")}  # no scan is lost
VENDORED = {
    f"{WEB}static/vendor/htmx-4.0.1.min.js": "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130",
    "tests/browser/vendor/axe.min.js": "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c",
}
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
SAID = re.compile(r"""\bsay\(\s*"([a-z_0-9]+\.[a-z_0-9]+)"\s*[,)]""")
SAID_BY_KIND = re.compile(r"""\bsay\(\s*"([a-z_]+\.[a-z_]*)" ~ """)
SAID_BY_KIND_IN_PYTHON = re.compile(r"""\bsay\(f"([a-z_]+\.[a-z_]+)\{""")
TEXT = re.compile(r"""["']([a-z_]+\.[a-z_0-9]+)["']""")


DATA = '<script type="application/ld+json">{{ data|tojson }}</script>'  # for search engines; no browser runs it
LETTER = re.compile("[A-Za-zА-Яа-я]")
ATTRIBUTES = re.compile(r"""^\s*([a-z-]+="[a-z-]*"\s*)+$""")  # a macro may write them without their tag


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


# ------------------------------------------------------------------------------------------------ words
def test_both_languages_have_the_same_texts_with_the_same_facts_in_them() -> None:
    russian, english = texts("ru"), texts("en")
    assert russian.keys() == english.keys()
    assert {key for key, text in russian.items() if holes(text) != holes(english[key])} == set()


@pytest.mark.parametrize(("language", "foreign"), [("ru", "[A-Za-z]{4,}"), ("en", "[А-Яа-я]")])
def test_a_text_is_in_its_language(language: Language, foreign: str) -> None:
    names = ("English", "Русский", "Enter", "Caps Lock")
    found = {}
    for key, text in texts(language).items():
        words = re.sub("|".join(names), "", re.sub(r"\{\w+\}", "", text))
        if re.search(foreign, words):
            found[key] = text
    assert found == {}


def test_every_text_that_is_said_is_there_and_every_text_that_is_there_is_said() -> None:
    known = set(texts("ru"))
    everything = "\n".join(map(text_of, [*TEMPLATES, *MODULES]))
    said = set(SAID.findall(everything))
    assert said - known == set()
    kinds = SAID_BY_KIND.findall(everything) + SAID_BY_KIND_IN_PYTHON.findall(everything)
    by_kind = (*kinds, "error.title_", "refused.", "sign_in.no_", "s_body.")
    named = set(TEXT.findall(everything))
    assert {key for key in known - said - named if not key.startswith(by_kind)} == set()


class Bare(HTMLParser):
    """Text and spoken attributes of a template that come from no text."""

    SPOKEN = frozenset({"alt", "aria-label", "placeholder", "title", "content", "label"})
    TECHNICAL = frozenset({"viewport", "color-scheme", "htmx-config", "robots"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_data(self, data: str) -> None:
        if LETTER.search(ATTRIBUTES.sub("", data)):
            self.found.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta" and dict(attrs).get("name") in self.TECHNICAL:
            return
        self.found += [f"{name}={value}" for name, value in attrs if name in self.SPOKEN and LETTER.search(value or "")]


def bare_in(template: str) -> list[str]:
    parser = Bare()
    parser.feed(JINJA.sub("", template))
    return parser.found


@pytest.mark.parametrize("path", TEMPLATES)
def test_no_template_has_words_of_its_own(path: str) -> None:
    assert bare_in(text_of(path)) == []


@pytest.mark.parametrize(
    "template",
    ["<p>Слово</p>", "<b>{{ x }} pcs</b>", '<a aria-label="Close">✕</a>', "{% if a %}word{% endif %}"],
)
def test_a_bare_word_is_found(template: str) -> None:
    assert bare_in(template) != []


# ------------------------------------------------------------------------------------------------ browsers
@pytest.mark.parametrize("path", TEMPLATES)
def test_a_template_needs_no_hole_in_the_policy(path: str) -> None:
    bad = re.compile(
        r"\sstyle=|<style|\son[a-z]+=|hx-on|hx-vals=.js|\bjs:|javascript:|<script(?![^>]* src=)|\|\s*safe\b"
    )
    assert bad.findall(text_of(path).replace('<style>{{ inlined("shop.css") }}</style>', "").replace(DATA, "")) == []


def test_the_style_sheet_within_the_pages_of_the_shop_is_the_one_that_their_policy_names() -> None:
    written = environment("shop").from_string('{{ inlined("shop.css") }}').render().encode()
    named = base64.b64encode(hashlib.sha256(written).digest()).decode()
    assert f"style-src 'sha256-{named}'" in policy_of("shop")
    assert "style-src" not in policy_of("office")


def test_no_page_is_written_in_a_python_string() -> None:
    markup = re.compile(r"</?(div|p|a|span|form|input|table|html)\b")
    assert [path for path in MODULES if markup.search(text_of(path))] == []


# ------------------------------------------------------------------------------------------------ files
def test_an_own_script_is_short() -> None:
    scripts = [path for path in files() if path.startswith(WEB) and path.endswith(".js") and path not in VENDORED]
    assert scripts
    most = {path: LONGER.get(path, MOST_SCRIPT_LINES) for path in scripts}
    assert {path for path in scripts if len(text_of(path).splitlines()) > most[path]} == set()


@pytest.mark.parametrize("path", VENDORED)
def test_a_vendored_file_is_as_it_came_and_has_its_licence(path: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == VENDORED[path]
    assert (ROOT / path).with_name("LICENSE").is_file()


def test_an_asset_has_the_hash_of_its_content_in_its_name() -> None:
    for asset in assets().values():
        assert hashlib.sha256(asset.content).hexdigest()[:12] in asset.address
    scripts = {"office.js", "queue.js", "counting.js", "shipment.js", "refill.js", "htmx-4.0.1.min.js"}
    assert {"office.css", "counting.css", "shop.css", "icon.svg", *scripts} == set(assets())
