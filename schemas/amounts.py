"""Exact amounts: money in minor units, quantities and prices in billionths, and one way to round (half to even).

Money is an ``int`` of minor units (cents); quantities, unit prices and rates are ``int`` billionths (nine decimals). No float anywhere.
"""

from schemas.currencies import DECIMALS

BILLION = 10**9


def minor(text: str, currency: str) -> int:
    """Minor units of a decimal text; digits beyond the currency's decimals are rounded half-even."""
    decimals = DECIMALS[currency]
    whole, _, fraction = text.partition(".")
    return int(whole + fraction) if len(fraction) == decimals else scaled(text, decimals)


def scaled(text: str, decimals: int) -> int:
    """``"12.5"`` at 2 decimals is 1250; digits beyond are rounded half-even."""
    whole, _, fraction = text.partition(".")
    if len(fraction) <= decimals:
        return int(whole + fraction.ljust(decimals, "0"))
    return divided(int(whole + fraction), 10 ** (len(fraction) - decimals))


def billionths(text: str) -> int:
    """A quantity, unit price or rate as an integer of 10⁻⁹."""
    return scaled(text, 9)


def divided(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, ties to even; the denominator is positive."""
    quotient, rest = divmod(numerator, denominator)
    twice = rest * 2
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def shown(amount: int, currency: str) -> str:
    """Minor units as the decimal text of the currency: ``-1205`` EUR is ``"-12.05"``."""
    return decimal_text(amount, DECIMALS[currency])


def decimal_text(amount: int, decimals: int) -> str:
    """A scaled integer as decimal text with exactly that many decimals."""
    if not decimals:
        return str(amount)
    digits = str(abs(amount)).rjust(decimals + 1, "0")
    return f"{'-' if amount < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
