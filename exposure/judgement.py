"""What a policy makes of an account's figures: the exposure gross and net of protection, and what is left of the limit.

``net = gross − what protection takes off``, which takes nothing below 0; ``available = limit + what protection adds − net``.
"""

from typing import NamedTuple

from schemas.amounts import decimal_text, divided

Limit = int | str | None
"""Minor units, ``"unlimited"``, ``"none"``, or ``None`` where no limit was ever set."""


class Judgement(NamedTuple):
    """Minor units of the account's currency: ``off`` and ``adds`` are what protection could take off the exposure, and what it adds to the limit."""

    gross: int
    off: int
    adds: int
    limit: Limit

    @property
    def net(self) -> int:
        return self.gross - min(self.off, max(self.gross, 0))

    @property
    def ceiling(self) -> int | None:
        """What the exposure may be; ``None`` where it is unlimited."""
        if self.limit == "unlimited":
            return None
        return (self.limit if isinstance(self.limit, int) else 0) + self.adds

    @property
    def available(self) -> int | None:
        return None if self.ceiling is None else self.ceiling - self.net

    @property
    def utilisation(self) -> str | None:
        """Four decimals, half-even; ``None`` where the limit is unlimited or nothing."""
        return decimal_text(divided(self.net * 10**4, self.ceiling), 4) if self.ceiling else None

    def with_more(self, amount: int) -> "Judgement":
        """As it would be with so much more exposure."""
        return self._replace(gross=self.gross + amount)
