"""Which reservations a refused one lost to: the newest of other orders, of all who share a limit, without which it would have passed."""

from collections.abc import Iterable

from exposure.figures import Figures
from exposure.items import reservation
from schemas.facts import Data


def lost_to(sharing: Iterable[Figures], account: str, order: str, excess: int) -> list[Data]:
    """``excess`` is by how many minor units the limit would be passed, in the currency of all ``sharing`` it; nothing where it would be passed
    without them too."""
    own = account, f"order:{order}"
    held = []
    for figures in sharing:
        for item, value in figures.converted.items():
            if item.component == "reserved" and value and (figures.on.account, item.document) != own:
                told = next(fact for fact in figures.on.texts[item.document] if fact.data.get("reservation") == item.item)
                held.append((told.time, told.version, value, {"account": figures.on.account, **reservation(figures, item)}))
    lost: list[Data] = []
    for *_, value, row in sorted(held, key=lambda one: one[:2], reverse=True):
        if excess > 0:
            lost.append(row)
            excess -= value
    return lost if excess <= 0 else []
