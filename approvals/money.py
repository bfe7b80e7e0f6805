"""Money as people read and type it. Amounts are integers in minor units everywhere else. Pure: no Django."""

import re
from decimal import Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(
        ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF"], 0
    ),
    **dict.fromkeys(["XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
_TYPED = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)


class NotMoney(ValueError):
    """What was typed is not an amount; the text says how to write one."""


def exponent_of(currency: str) -> int:
    """Return how many decimals the currency's major unit has."""
    return _EXPONENTS.get(currency.upper(), 2)


def currencies_with_other_units() -> dict[str, int]:
    """Return the currencies whose minor unit is not a hundredth, with their decimals."""
    return dict(_EXPONENTS)


def money_text(amount_minor: int, currency: str) -> str:
    """Return "€1,280.00" for 128000 EUR; currencies without a common sign come as "1,280.00 CHF"."""
    decimals = exponent_of(currency)
    major = Decimal(abs(amount_minor)).scaleb(-decimals)
    number = f"{major:,.{decimals}f}"
    minus = "-" if amount_minor < 0 else ""
    sign = _SIGNS.get(currency.upper())
    return f"{minus}{sign}{number}" if sign else f"{minus}{number} {currency.upper()}"


def major_text(amount_minor: int, currency: str) -> str:
    """Return the amount as a number that a person can type again: "640.00" for 64000 EUR."""
    decimals = exponent_of(currency)
    return f"{Decimal(amount_minor).scaleb(-decimals):.{decimals}f}"


def parse_money(text: str, currency: str) -> int:
    """Return the minor units of an amount typed in major units, converted exactly.

    "640", "640.00" and "€1,280.00" are read; "12,5" and half a cent raise NotMoney: nothing is rounded or guessed.
    """
    bare = _without_sign(text, currency)
    if not (_TYPED.fullmatch(bare) or _GROUPED.fullmatch(bare)):
        raise NotMoney(
            f"Write an amount like {major_text(64000, currency)}: a point, no comma, before the smaller unit."
        )
    minor = Decimal(bare.replace(",", "")).scaleb(exponent_of(currency))
    if minor != minor.to_integral_value():
        raise NotMoney(f"{currency.upper()} has {exponent_of(currency) or 'no'} digits after the point.")
    return int(minor)


def _without_sign(text: str, currency: str) -> str:
    bare = text.strip()
    for sign in (_SIGNS.get(currency.upper(), ""), currency.upper(), currency.lower()):
        bare = bare.removeprefix(sign).removesuffix(sign).strip()
    return bare
