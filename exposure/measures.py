"""What a policy has done about an alert, and how far a limit is lowered: plain functions of the rules of the account's class and of its figures.

Law: a limit is never raised by a measure.
"""

from collections.abc import Iterable

from exposure.alerts import Rule
from exposure.judgement import Limit
from schemas.amounts import divided, scaled
from schemas.measures import TAKES
from schemas.policies import Measure


def wanted(measures: Iterable[Measure], rule: Rule, severity: str) -> list[Measure]:
    """Those that an alert asks for, one of each kind, in one order for ever: that which names its step goes before others, then that which
    names its severity."""
    name, step = rule
    fitting = [one for one in measures if one.on == name and one.step in (None, step) and one.severity in (None, severity)]
    fitting.sort(key=lambda one: (one.step is not None, one.severity is not None))
    return sorted({one.take: one for one in fitting}.values(), key=lambda one: TAKES.index(one.take))


def lowered(limit: Limit, exposure: int, share: str | None) -> int | None:
    """The limit that a measure asks for (minor units): a share of the one in force or, without one, the exposure; ``None`` where that is not less."""
    if not isinstance(limit, int):
        return max(exposure, 0) if limit == "unlimited" and share is None else None
    amount = max(exposure, 0) if share is None else divided(limit * scaled(share, 4), 10**4)
    return amount if amount < limit else None
