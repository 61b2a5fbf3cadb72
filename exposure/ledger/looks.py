"""Where to look for what holds a place: a day, or a version of an account. Whatever lasts is so many binary digits wide, and an index has it by its
width and its end.

Law: what is as wide as ``n`` lasts less than ``2 ** n``, so what holds a place ends less than that behind it. A look for each width there is finds
all of it, and passes over no more than a few times as much, however much there is before the place and behind it.
"""

from exposure.rules.spans import FOR_EVER, later
from schemas.facts import LAST_DAY

NO_VERSION = 1 << 62
"""Behind every version there is."""

ByDays = tuple[str, int, str, str, str]
"""An account, a width, behind which day what is looked for ends, until which day, and by which one it begins."""

ByVersions = tuple[str, int, int, int, int]
"""The same in versions of the account."""


def width_of_versions(first: int, last: int) -> int:
    """What was told of once is 0 wide."""
    return min((last - first).bit_length(), FOR_EVER)


def by_days(account: str, first: str, last: str) -> list[ByDays]:
    """For what begins by the last day and ends behind the first one; what is 0 wide does not."""
    ends = {width: later(last, 2**width - 1) for width in range(1, FOR_EVER)} | {FOR_EVER: LAST_DAY}
    return [(account, width, first, end, last) for width, end in ends.items()]


def by_versions(account: str, first: int, last: int) -> list[ByVersions]:
    """For what was told of by the last version and changed behind the first one."""
    ends = {width: last + 2**width - 1 for width in range(FOR_EVER)} | {FOR_EVER: NO_VERSION}
    return [(account, width, first, end, last) for width, end in ends.items()]
