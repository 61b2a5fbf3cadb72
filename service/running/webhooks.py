"""``exposure webhook``: sends the alert log to a URL, each alert at least once and an account's in order, until it is stopped.

Law: whatever is killed when, an alert is behind the subscription's position only if it was delivered, waits, or was given up, and that is recorded.
"""

import os
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from consumers.messages import structured
from consumers.webhook import Endpoint
from exposure.ledger.alerts import at_positions, recorded_after, told_of
from exposure.ledger.out import deliveries
from exposure.ledger.out.deliveries import Delivery, Overtaken
from exposure.ledger.out.outbox import Lease, LeaseLost
from projections.alerts import Wanted
from projections.when import instant_text
from schemas.facts import OfAlert
from service.running.logs import in_a_line, log
from service.running.stopping import patiently

PAUSES = (1, 5, 30, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Seconds between one attempt and the next; after the last one an alert is given up: some three days."""
AT_ONCE = 20
"""So many are sent before it is written what became of them: at most as many come again after a crash."""
IDLE_SECONDS = 0.5
LEASE_MICROSECONDS = 30_000_000
"""Longer than one attempt takes: who is killed is followed by another sender after that."""
READ_AGAIN = 5_000
"""So much of the log without an alert in it is rather read again than written down that it was."""

Recorded = tuple[int, OfAlert, int]


@dataclass(slots=True)
class Sent:
    """``delivered`` alerts, ``failed`` attempts, and alerts that were ``given_up``."""

    delivered: int = 0
    failed: int = 0
    given_up: int = 0


@dataclass(slots=True)
class Round:
    """What became of a few alerts: those that waited and arrived, those that now wait or are given up, and how far the log was read."""

    arrived: list[Delivery] = field(default_factory=list)
    kept: list[Delivery] = field(default_factory=list)
    position: int | None = None
    sent: Sent = field(default_factory=Sent)


class Sender:
    """One sender of a subscription; ``now`` is the system's clock (µs)."""

    def __init__(
        self, store: Any, name: str, endpoint: Endpoint, wanted: Wanted, now: Callable[[], int], *, pauses: Sequence[float] = PAUSES
    ) -> None:
        self.store = store
        self.name = name
        self.endpoint = endpoint
        self.wanted = wanted
        self.now = now
        self.pauses = pauses
        self.total = Sent()
        self.lease = Lease(f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}", name=f"webhook:{name}", lasts=LEASE_MICROSECONDS)

    def run(self, stop: threading.Event, *, from_beginning: bool, until_caught_up: bool) -> Sent:
        """Begins with what is recorded from now on, or with the oldest alert; where it was before it goes on in any case."""
        retrying = patiently(stop, lambda failure: log.warning("webhook_waiting", why=in_a_line(failure)))
        retrying(self.begin, from_beginning=from_beginning)
        while not stop.is_set():
            try:
                is_busy = retrying(self.turn, stop)
            except (LeaseLost, Overtaken) as lost:
                log.warning("webhook_waiting", why=in_a_line(lost))
                is_busy = None
            if is_busy is False and until_caught_up:
                break
            if not is_busy:
                stop.wait(IDLE_SECONDS)
        retrying(self.give_back)
        return self.total

    def begin(self, *, from_beginning: bool) -> None:
        with self.store.reading() as moment:
            if deliveries.position_of(moment, self.name) is not None:
                return
        with self.store.writing(0) as writing:
            deliveries.subscribed(writing, self.name, 0 if from_beginning else writing.last_position())

    def turn(self, stop: threading.Event) -> bool | None:
        """Sends what waits and is due, and then what is new; whether there was anything, ``None`` where another sender has the subscription."""
        with self.store.reading() as moment:
            position = deliveries.position_of(moment, self.name) or 0
            due = deliveries.due(moment, self.name, self.now(), AT_ONCE)
            alerts = at_positions(moment, [one.position for one in due])
            new, end = recorded_after(moment, position, AT_ONCE)
            held = deliveries.held_back(moment, self.name, [alert.account for _, alert, _ in new])
        if not due and not new and end - position < READ_AGAIN:
            return False
        if self.lease.runs_out(self.now()) and not self.take_lease():
            return None
        done = Round()
        self.send_due([(one, *alerts[one.position]) for one in due], done, stop)
        self.send_new(new, end, held, done, stop)
        self.record(position, done)
        return True

    def send_due(self, due: list[tuple[Delivery, OfAlert, int]], done: Round, stop: threading.Event) -> None:
        for one, alert, recorded_at in due:
            if stop.is_set():
                return
            after = self.sent(one, alert, recorded_at, done.sent)
            (done.arrived if after is None else done.kept).append(after or one)

    def send_new(self, new: list[Recorded], end: int, held: set[str], done: Round, stop: threading.Event) -> None:
        """An alert of an account of which anything waits waits behind it."""
        for position, alert, recorded_at in new:
            if stop.is_set():
                return
            if self.wanted.wants(alert):
                after: Delivery | None = Delivery(self.name, position, alert.account)
                if alert.account not in held:
                    after = self.sent(Delivery(self.name, position, alert.account), alert, recorded_at, done.sent)
                if after is not None:
                    done.kept.append(after)
                    if not after.is_dead:
                        held.add(alert.account)
            done.position = position
        done.position = end

    def sent(self, one: Delivery, alert: OfAlert, recorded_at: int, sent: Sent) -> Delivery | None:
        """Posts an alert; ``None`` where it arrived, else how its delivery stands."""
        if self.lease.runs_out(self.now()):
            with self.store.writing(0) as writing:
                self.lease.extend(writing, self.now())
        body = structured(told_of(alert, {"raised": instant_text(recorded_at)}), alert.alert_id, alert.account, recorded_at)
        answer = self.endpoint.post(alert.alert_id, body, datetime.fromtimestamp(self.now() / 1_000_000, UTC))
        if answer.why is None:
            sent.delivered += 1
            return None
        attempts = one.attempts + 1
        is_dead = answer.is_final or attempts > len(self.pauses)
        sent.failed += 1
        sent.given_up += is_dead
        log.warning("undelivered", subscription=self.name, alert=alert.alert_id, attempts=attempts, why=answer.why, given_up=is_dead)
        pause = 0 if is_dead else max(self.pauses[attempts - 1], answer.pause_seconds)
        return one._replace(attempts=attempts, next_at=self.now() + int(pause * 1_000_000), failure=answer.why, is_dead=int(is_dead))

    def record(self, before: int, done: Round) -> None:
        with self.store.writing(0) as writing:
            self.lease.extend(writing, self.now())
            deliveries.forget(writing, done.arrived)
            deliveries.keep(writing, done.kept)
            if done.position is not None:
                deliveries.move_on(writing, self.name, before, done.position)
        self.total = Sent(*(getattr(self.total, name) + getattr(done.sent, name) for name in ("delivered", "failed", "given_up")))
        if done.sent.delivered:
            log.info("delivered", subscription=self.name, messages=done.sent.delivered)

    def take_lease(self) -> bool:
        with self.store.writing(0) as writing:
            is_ours: bool = self.lease.take(writing, self.now())
        return is_ours

    def give_back(self) -> None:
        if self.lease.until:
            with self.store.writing(0) as writing:
                self.lease.give_back(writing)
