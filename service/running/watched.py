"""Puts the watch of a consumer together for as long as it runs: its log, its progress line, and what it answers over HTTP."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from consumers.broker.subscription import Subscription
from service.failures import Failure
from service.running import logs
from service.running.logs import log
from service.running.metrics import Look, Metrics
from service.running.probes import serving
from service.running.watching import Watch

LINE_SECONDS = 1.0


@contextmanager
def watched(settings: Any, store: str | None, recorder: Any, wanted: Subscription, http: str | None) -> Iterator[Watch]:
    """``store`` is the URL of ``recorder``, where one was told; what fails is logged and goes on as it came."""
    for_people = logs.set_up(settings.log, settings.log_level, settings.secrets(store or settings.store))
    metrics, address = Metrics(), http or settings.http
    with ExitStack() as around:
        line = around.enter_context(progress_line()) if for_people else None
        watch = Watch(LINE_SECONDS if line else settings.log_seconds, metrics.batch_seconds.observe, line)
        log.info("started", group=wanted.group, topics=list(wanted.topics), store=store or settings.store)
        try:
            if address:
                around.enter_context(answering(address, watch, recorder, wanted.stall_seconds, metrics))
            yield watch
        except Failure as failure:
            log.error("failed", code=failure.code, why=str(failure))
            raise
        except Exception as error:
            log.error("failed", why=logs.in_a_line(error))
            raise
        watch.stopped()


@contextmanager
def answering(address: str, watch: Watch, recorder: Any, stall_seconds: float, metrics: Metrics) -> Iterator[None]:
    look = Look(recorder)
    metrics.read_off(watch, look)

    def ill() -> str | None:
        still = watch.still_seconds
        return None if still <= stall_seconds else f"the main loop has not moved for {still:.0f} s"

    look.start()
    try:
        with serving(address, metrics.registry, ill, lambda: watch.not_ready or look.not_ready) as listening:
            log.info("listening", http=listening)
            yield
    finally:
        look.over.set()


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """One line on a terminal's standard error, below what is logged."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None)
        yield lambda told: bar.update(task, description=told)
