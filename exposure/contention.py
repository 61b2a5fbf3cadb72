"""Which reservations a refused one lost to: the newest of other orders without which it would have passed."""

from exposure.figures import Figures
from exposure.items import reservation
from schemas.facts import Data


def lost_to(figures: Figures, order: str, excess: int) -> list[Data]:
    """``excess`` is by how many minor units of the account's currency the limit would be passed; nothing where it would be without them too."""
    key = f"order:{order}"
    held = [(item, value) for item, value in figures.converted.items() if item.component == "reserved" and item.document != key and value]
    versions = {
        fact.data["reservation"]: fact.version for item, _ in held for fact in figures.on.texts[item.document] if fact.name == "CreditReserved"
    }
    held.sort(key=lambda told: versions[told[0].item], reverse=True)
    lost: list[Data] = []
    for item, value in held:
        if excess > 0:
            lost.append(reservation(figures, item))
            excess -= value
    return lost if excess <= 0 else []
