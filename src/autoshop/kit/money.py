"""Money is a whole number of kopecks."""

import re
from decimal import Decimal, InvalidOperation

MOST_KOPECKS = 10**13  # a hundred billion roubles: beyond it a column was mixed up, not a price raised
_SPACES = re.compile(r"[\s\u00a0\u202f]")


def parse_roubles(text: str) -> int:
    """`1 234,50` → 123450 kopecks. ValueError says what is wrong, for a row report."""
    plain = _SPACES.sub("", text).replace(",", ".").removesuffix("руб.").removesuffix("₽").removesuffix("р.")
    try:
        amount = Decimal(plain)
    except InvalidOperation:
        raise ValueError("not an amount in roubles, such as 1234.50") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("a price cannot be negative")
    kopecks = amount * 100
    if kopecks != kopecks.to_integral_value():
        raise ValueError("finer than a kopeck")
    if kopecks > MOST_KOPECKS:
        raise ValueError("larger than any price; is it in the right column?")
    return int(kopecks)


def format_roubles(kopecks: int) -> str:
    """123450 → `1 234,50 ₽` with no-break spaces, and a true minus."""
    roubles, rest = divmod(abs(kopecks), 100)
    return ("\u2212" if kopecks < 0 else "") + f"{roubles:,}".replace(",", "\u00a0") + f",{rest:02d}\u00a0₽"
