"""The rows of ``alert_states`` as the log knows them: which alerts of an account stand as said, and how many there were. A rebuild puts those right
that say something else, and has every account judged again.

Law: what was said is in the alerts' streams, so nothing is said twice. How far an account was judged is in no event: it is judged again.
"""

from contextlib import suppress
from typing import Any

from exposure.alerts import Rule
from exposure.judging import Said, State
from exposure.ledger import alerts, judgings
from exposure.ledger.loading import caught_up
from exposure.rules import terms
from exposure.rules.spans import later
from schemas.facts import AlertCleared, AlertRaised
from schemas.instants import instant_of

ACCOUNTS_AT_ONCE = 500
NEXT_ACCOUNTS = "SELECT account FROM accounts WHERE account > ? ORDER BY account LIMIT ?"
TO_BE_JUDGED = alerts.Next("", 0, (), alerts.Once())


def put_right(store: Any) -> list[str]:
    """Makes the rows anew that are gone or do not agree with the log; returns their accounts. The next tick judges all accounts, all their days: no
    event says when one was to be judged again, so a row that says the wrong day is like any other."""
    found: list[str] = []
    after = ""
    while True:
        with store.writing(0) as writing:
            names = [name for (name,) in writing.rows(NEXT_ACCOUNTS, after, ACCOUNTS_AT_ONCE)]
            wrong = wrong_rows(writing, names)
            alerts.keep(writing, [(name, state, TO_BE_JUDGED) for name, state in wrong])
            if names:
                alerts.judge_anew(writing, names[0], names[-1])
                judgings.forget(writing, names[0], names[-1])
        found += [name for name, _ in wrong]
        if len(names) < ACCOUNTS_AT_ONCE:
            return found
        after = names[-1]


def wrong_rows(writing: Any, names: list[str]) -> list[tuple[str, State]]:
    kept, said = readable(writing, names), alerts.streams(writing, names)
    # Somewhere it is a day later; nothing was judged up to a day that has not begun anywhere.
    tomorrow = later(terms.local_day(instant_of(writing.recorded_at), "UTC"), 1)
    wrong: list[tuple[str, State]] = []
    for name in names:
        told, last = from_log(said.get(name, []))
        if name not in kept or (kept[name].said, kept[name].sequence) != (told.said, told.sequence) or kept[name].day > tomorrow:
            wrong.append((name, told._replace(day=day_of(writing, name, last)) if last is not None else told))
    return wrong


def readable(moment: Any, names: list[str]) -> dict[str, State]:
    """How far accounts were judged, where their rows can be read: one that can not says nothing."""
    found: dict[str, State] = {}
    for name, day, sequence, state in alerts.rows_of(moment, names):
        with suppress(TypeError, ValueError):
            found[name] = alerts.decoded(text_of(day), sequence, state)
    return found


def text_of(day: Any) -> str:
    """SQLite takes any type: one that is no text is no day, and is not to be compared with one."""
    if not isinstance(day, str):
        raise TypeError("no text")
    return day


def from_log(events: alerts.Recorded) -> tuple[State, int | None]:
    """What the alerts of an account say of it, and when the last of what was said was recorded: it was judged then, up to its day."""
    said: dict[Rule, Said] = {}
    sequence, last = 0, None
    for event, recorded_at in events:
        sequence = event.sequence
        rule = (event.rule, event.step or 0)
        if isinstance(event, AlertRaised):
            said[rule], last = Said(event.effective, event.sequence), recorded_at
        elif isinstance(event, AlertCleared):
            del said[rule]
            last = recorded_at
    return State("", {}, said, sequence), last


def day_of(moment: Any, account: str, recorded_at: int) -> str:
    """The account's own day of an instant."""
    key = f"customer:{account}"
    customer = caught_up(moment, [account], [(account, key)])[account].documents[key].facts
    return terms.local_day(instant_of(recorded_at), terms.zone_of(customer))
