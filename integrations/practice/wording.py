"""How the shop writes amounts."""

NO_CENTS = frozenset({"JPY", "KRW", "CLP", "VND", "ISK"})


def money_text(amount_minor: int, currency: str) -> str:
    """Return an amount in minor units as people read it: 64000 EUR is "640.00 EUR"."""
    if currency in NO_CENTS:
        return f"{amount_minor:,} {currency}"
    return f"{amount_minor // 100:,}.{amount_minor % 100:02d} {currency}"
