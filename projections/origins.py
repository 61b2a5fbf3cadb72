"""Where an event stood before it was taken: topic, partition and offset, or a file and the byte its line began at."""

from typing import Any

from exposure.ledger.origins import decoded

Origin = dict[str, Any]


class Origins:
    """The places of events by their position in the log; those asked for one after the other mostly come from one batch, which is read once."""

    def __init__(self, moment: Any) -> None:
        self.moment = moment
        self.first, self.last = 1, 0
        self.places: dict[int, Origin] = {}

    def of(self, position: int) -> Origin | None:
        """``None`` for what the engine said itself, and for what was recorded before places were kept."""
        if not self.first <= position <= self.last:
            self.places, self.first, self.last = {}, position, position
            for first, last, name, stood in self.moment.origins_from(position):
                if position <= last:
                    self.first, self.last = first, last
                    self.places.update({first + index: place(name, offset) for index, offset in decoded(stood)})
        return self.places.get(position)


def place(name: str, offset: int) -> Origin:
    """An import counts the records of its file from 1. ``generation`` counts the files that had one name; null where that is not known."""
    kind, _, rest = name.partition(":")
    if kind == "kafka":
        topic, _, partition = rest.rpartition(":")
        return {"topic": topic, "partition": int(partition), "offset": offset}
    if kind == "file":
        path, _, generation = rest.rpartition("#")
        return {"file": path, "generation": int(generation) or None, "byte": offset}
    if kind == "import":
        return {"file": rest, "record": offset}
    return {"input": name, "position": offset}


def place_text(origin: Origin) -> str:
    """``erp.invoices-3 at 4711`` or ``/erp/late.jsonl at 272``."""
    match origin:
        case {"topic": topic, "partition": partition, "offset": offset}:
            return f"{topic}-{partition} at {offset}"
        case {"file": path}:
            return f"{path} at {origin.get('byte', origin.get('record'))}"
    return f"{origin['input']} at {origin['position']}"
