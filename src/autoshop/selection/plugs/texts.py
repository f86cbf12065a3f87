"""How two plugs differ, and what it does, in plain Russian and English."""

from autoshop.kit.language import Language
from autoshop.selection.plugs.model import Check, Difference, Spec, sets_gap

FIELDS: dict[Language, dict[str, str]] = {
    "ru": {
        "thread": "резьба", "reach_mm": "длина резьбы", "hex_mm": "шестигранник", "seat": "посадка",
        "projected": "выступающий изолятор", "resistor": "резистор", "heat": "калильное число",
        "material": "электрод", "ground_electrodes": "боковых электродов", "gap_mm": "зазор",
    },
    "en": {
        "thread": "thread", "reach_mm": "reach", "hex_mm": "hexagon", "seat": "seat",
        "projected": "projected insulator", "resistor": "resistor", "heat": "heat range",
        "material": "electrode", "ground_electrodes": "ground electrodes", "gap_mm": "gap",
    },
}  # fmt: skip
MATERIALS = {
    "nickel": ("никелев", "nickel"),
    "nickel-yttrium": ("никель-иттриев", "nickel-yttrium"),
    "platinum": ("платинов", "platinum"),
    "iridium": ("иридиев", "iridium"),
    "silver": ("серебрян", "silver"),
    "ruthenium": ("рутениев", "ruthenium"),
}
SEATS: dict[Language, dict[tuple[object, object], str]] = {
    "ru": {
        ("flat", "conical"): "конусная без шайбы вместо плоской с шайбой: не уплотнит",
        ("conical", "flat"): "плоская с шайбой вместо конусной без шайбы: не уплотнит",
    },
    "en": {
        ("flat", "conical"): "conical without a washer instead of flat with one: it will not seal",
        ("conical", "flat"): "flat with a washer instead of conical without one: it will not seal",
    },
}
VERDICTS: dict[str, tuple[str, str]] = {
    "pass": ("та же свеча по всем размерам", "the same plug in every measure"),
    "pass, adjacent heat": ("размеры те же", "the same measures"),
    "fits, differs": ("вкрутится, но это другая свеча", "it screws in, but is another plug"),
    "conflict": ("не подходит", "it does not fit"),
    "unknown": ("проверить по коду нельзя", "it cannot be checked by its code"),
}
NOT_ALL = ("по коду не сравнить: {}", "not told by the code: {}")
SET_GAP = ("выставить зазор, который нужен машине", "set the gap that the car wants")


def number(value: float, language: Language) -> str:
    """20.8 → «20,8»; 19.0 → «19»."""
    text = f"{value:g}"
    return text.replace(".", ",") if language == "ru" else text


def difference(found: Difference, language: Language) -> str:
    """How the other plug differs from the first."""
    en = language == "en"
    one, other = found.one, found.other
    if found.field == "heat":
        assert isinstance(one, int | float)
        assert isinstance(other, int | float)
        return _heat(other - one, language)
    if found.field == "resistor":
        return (("с резистором", "with a resistor") if other else ("без резистора", "without a resistor"))[en]
    if found.field == "projected":
        how = ("изолятор не выступает", "the insulator does not project")
        return (("изолятор выступает", "the insulator projects") if other else how)[en]
    instead = "вместо" if language == "ru" else "instead of"
    name = FIELDS[language][found.field]
    if found.field == "seat":
        return f"{name} {SEATS[language][one, other]}"
    if found.field == "thread":
        return f"{name} {other} {instead} {one}"
    assert isinstance(one, int | float)
    assert isinstance(other, int | float)
    text = f"{name} {number(other, language)} {instead} {number(one, language)} {'мм' if language == 'ru' else 'mm'}"
    return text + _danger(found.field, other - one)[en]


def _heat(steps: float, language: Language) -> str:
    """Steps of the NGK scale, where higher is colder."""
    count = max(1, round(abs(steps)))
    if language == "en":
        return f"heat range {'one step' if count == 1 else f'{count} steps'} {'colder' if steps > 0 else 'hotter'}"
    how = "холоднее" if steps > 0 else "горячее"
    many = "ступени" if count < 5 else "ступеней"
    return f"калильное число на ступень {how}" if count == 1 else f"калильное число на {count} {many} {how}"


def _danger(field: str, longer_mm: float) -> tuple[str, str]:
    if field != "reach_mm":
        return (": ключ и колодец другие", ": another spanner and well") if field == "hex_mm" else ("", "")
    if longer_mm > 0:
        return (": достанет до поршня", ": it reaches the piston")
    return (": резьба в головке закоксуется", ": the thread of the head cokes")


def told(check: Check, one: Spec | None, other: Spec | None, language: Language) -> str:
    """What a check found, in a sentence: the verdict, all differences, what nobody could compare, the gap."""
    en = language == "en"
    parts = [VERDICTS[check.verdict][en], *(difference(found, language) for found in check.differs)]
    if check.verdict != "conflict":
        parts += finer(one, other, language)
        if check.unknown and one is not None and other is not None:
            names = ", ".join(FIELDS[language][field] for field in check.unknown)
            parts.append(NOT_ALL[en].format(names))
    return "; ".join(parts)


def finer(one: Spec | None, other: Spec | None, language: Language) -> list[str]:
    """What differs and does not matter for the fit: electrodes, and the gap that has to be set."""
    if one is None or other is None:
        return []
    en, told = language == "en", []
    if other.material and one.material and other.material != one.material:
        to, instead_of = MATERIALS[other.material][en], MATERIALS[one.material][en]
        told.append(f"electrode {to} instead of {instead_of}" if en else f"электрод {to}ый вместо {instead_of}ого")
    if (other.ground_electrodes or 1) != (one.ground_electrodes or 1):
        told.append(f"{FIELDS[language]['ground_electrodes']}: {other.ground_electrodes or 1}")
    if sets_gap(one, other):
        told.append(SET_GAP[en])
    return told


def not_read(decodes: bool, language: Language) -> str:
    """Why nothing is said of a plug: of all of its brand, or of this one."""
    return (NOT_TOLD if decodes else NOT_READ)[language == "en"]


LOOKS: dict[str, tuple[str, str]] = {
    "nothing": ("ничего не написано", "nothing is written there"),
    "text": ("это текст, а не код свечи", "that is a text, not the code of a plug"),
    "phone": ("похоже на телефон", "that looks like a telephone number"),
    "barcode": ("похоже на штрихкод", "that looks like a barcode"),
    "number": ("похоже на номер, свечу по нему не узнать", "that looks like a number, which says nothing of a plug"),
    "article": ("похоже на артикул, но не на код свечи", "that looks like an article, but not like the code of a plug"),
    "several": ("здесь не один код, откройте их по одному", "that is more than one code, open them one by one"),
}  # fmt: skip
WITHIN = ("; в тексте есть {}", "; the text has {}")
SIMILAR = ("; похожие коды: {}", "; similar codes: {}")
NAME_THE_BRAND = ("; если это свеча, назовите бренд", "; if it is a plug, name its brand")
NOT_READ = (
    "код этого бренда не расшифровывается; известны только ссылки из таблиц",
    "the codes of this brand are not read; only links from tables are known",
)
NOT_TOLD = (
    "это номер или код, который размеров не говорит; известны только ссылки из таблиц",
    "that is a number, or a code, that tells no measures; only links from tables are known",
)
OTHER_ENGINE = (
    "{make} {models} ({engine}) берёт другую: {plug}; {differs}",
    "{make} {models} ({engine}) takes another: {plug}; {differs}",
)
NOT_AVAILABLE = ("нет в наличии", "not available")
