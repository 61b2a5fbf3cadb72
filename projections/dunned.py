"""One dunning notice, and whether it can be made again from the log alone: by the facts, rates, policy, notices and stops that stood before it there.

What was promised is among the facts.
"""

from typing import Any

from exposure.ledger.acts import dunning as recorded
from exposure.ledger.acts.dunning import Trail
from exposure.ledger.out import read_back
from projections.decisions import Then
from projections.dunning import due_from, late_keys, notice_shown, notices_of
from schemas.dunning import DunningNotice


def shown(moment: Any, known: Trail) -> dict[str, Any]:
    """The document of ``exposure dunning show``. One that was read back was made of another log: nobody can make it again."""
    if (found := read_back.of(moment, known.notice.notice)) is not None:
        return {**notice_shown(known), "reproduced": None, "differences": [], "read_back": found[1]._asdict()}
    differing = differences(known.notice, made_again(moment, known))
    return {**notice_shown(known), "reproduced": not differing, "differences": differing, "read_back": None}


def differences(notice: DunningNotice, again: DunningNotice | None) -> list[dict[str, Any]]:
    """What the notice says and would not say, made again: by field, as recorded and as it comes out now."""
    if again is None:
        return [{"field": "notice", "recorded": notice.notice, "again": None}]
    told = zip(notice._fields, notice, again, strict=True)
    return [{"field": field, "recorded": one, "again": other} for field, one, other in told if one != other]


def made_again(moment: Any, known: Trail) -> DunningNotice | None:
    """The notice of its number as the log before it makes it. The other one of its run was recorded beside it, and is none of before."""
    notice, recorded_at = known.notice, known.events[0][0]
    then, account = Then(moment, known.position, recorded_at), notice.account
    figures = then.figures(account)
    before = [one for one in recorded.trails(moment, account, known.position) if not is_of_the_run(one, known)]
    stops = recorded.stops(moment, account, figures.on.day, known.position)
    documents = {key: then.document(account, key) for key in late_keys(figures)}
    due = due_from(figures, then.replay(account).head.version, documents, before, stops)
    return next((one for one in notices_of(due) if one.number == notice.number), None)


def is_of_the_run(one: Trail, other: Trail) -> bool:
    return (one.events[0][0], one.notice.version) == (other.events[0][0], other.notice.version)
