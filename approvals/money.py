"""Money as people read it. Amounts are integers in minor units everywhere else. Pure: no Django."""

from decimal import Decimal

# ISO 4217 currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    **dict.fromkeys(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF"], 0),
    **dict.fromkeys(["XOF", "XPF"], 0),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


def exponent_of(currency: str) -> int:
    """Return how many decimals the currency's major unit has."""
    return _EXPONENTS.get(currency.upper(), 2)


def money_text(amount_minor: int, currency: str) -> str:
    """Return "€1,280.00" for 128000 EUR; currencies without a common sign come as "1,280.00 CHF"."""
    decimals = exponent_of(currency)
    major = Decimal(abs(amount_minor)).scaleb(-decimals)
    number = f"{major:,.{decimals}f}"
    minus = "-" if amount_minor < 0 else ""
    sign = _SIGNS.get(currency.upper())
    return f"{minus}{sign}{number}" if sign else f"{minus}{number} {currency.upper()}"
