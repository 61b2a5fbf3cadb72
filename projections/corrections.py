"""What people took back of what an ERP told: which documents, from when on, by whom and why?"""

from typing import Any

from exposure.ledger.acts import corrections as recorded
from projections.account import Asked, refuse_unknown


def corrections(moment: Any, account: str | None, asked: Asked) -> list[dict[str, Any]]:
    """Of one account or of every one, in order of accounts; of a day those of documents that were gone by it. Raises ``UnknownAccount``."""
    refuse_unknown(moment, account, asked.known_at)
    made = recorded.of_account(moment, account, moment.position_behind(asked.known_at))
    return [one._asdict() for one in made if asked.as_of is None or one.date <= asked.as_of]
