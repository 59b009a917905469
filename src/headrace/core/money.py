"""Money is `Decimal` United States dollars; a float never enters."""

from decimal import ROUND_HALF_EVEN, Decimal

ZERO = Decimal(0)
_PRECISION = Decimal("0.000000000001")


def usd(amount: str | int | Decimal) -> Decimal:
    """Return an amount in USD to the precision kept in the ledger: 12 places, half to even.

    Raises:
        TypeError: if given a float, whose decimal digits nobody wrote.
    """
    if isinstance(amount, float):
        raise TypeError(f"money is never a float: write usd({str(amount)!r})")
    return Decimal(amount).quantize(_PRECISION, rounding=ROUND_HALF_EVEN)


def format_usd(amount: Decimal) -> str:
    """Return an amount for a person: cents where it is large, three significant digits where it is small."""
    if amount == 0:
        return "$0"
    sign, size = "-" if amount < 0 else "", abs(amount)
    if size >= 1:
        return f"{sign}${size:,.2f}"
    # Rounded first: 0.9999 has its three digits as 1.00.
    digits = 2 - Decimal(f"{size:.2e}").adjusted()
    return f"{sign}${size:.{digits}f}"
