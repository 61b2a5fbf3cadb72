#!/usr/bin/env python3
"""Verifies exported evidence of a log of events, with Python's standard library and nothing else:
python3 verify_evidence.py FILE [--key HEX] [--manifest FILE].

Exit code 0: every event is as it was recorded, where it was recorded; 3: it is not, and the first bad line is named; 2: wrong usage. What is checked,
and of which bytes, is told in the README of the folder ``exposure/ledger/proof``, "How the log proves itself". --key is the public key that you
trust; without it the evidence is checked against itself and says who signed it, or that nobody did; with it signatures are demanded. --manifest is
that of an archive: every file it names has to be there, unaltered, and history.jsonl beside it has to say what the events of the evidence say, and
policies.jsonl and policies/ what the policies that were adopted say; what stands beside these files and is none of them is named, and not looked at.
"""

import argparse
import hashlib
import json
import struct
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOTHING = bytes(32)
EVENT = {"position", "stream", "version", "topic", "state", "recorded_at", "actor", "in_stream", "in_log", "hash"}
KEYS, POLICIES, UNADOPTED = "checkpoint_key:rotated", "policy:adopted", "default"
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError, struct.error)


class Bad(Exception):
    """What is wrong with a line: the one that was read last, where no other ``place`` is named."""

    def __init__(self, why: str, place: str | None = None) -> None:
        super().__init__(why)
        self.place = place


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


# Ed25519 (RFC 8032), verification alone: points are (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z.

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def plus(one: Point, other: Point) -> Point:
    a, b = (one[1] - one[0]) * (other[1] - other[0]) % P, (one[1] + one[0]) * (other[1] + other[0]) % P
    c, d = 2 * one[3] * other[3] * D % P, 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor: int, point: Point) -> Point:
    product = NEUTRAL
    while factor:
        if factor & 1:
            product = plus(product, point)
        point, factor = plus(point, point), factor >> 1
    return product


def point_of(raw: bytes) -> Point | None:
    """The point that 32 bytes stand for: y, and in the highest bit whether x is odd."""
    number = int.from_bytes(raw, "little")
    is_odd, y = number >> 255, number & (1 << 255) - 1
    if len(raw) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_ONE % P
    if x * x % P != square or (x == 0 and is_odd):
        return None
    x = P - x if x & 1 != is_odd else x
    return x, y, 1, x * y % P


BASE = point_of(bytes.fromhex("58" + "66" * 31))


def is_signed(key: bytes, signature: bytes, told: bytes) -> bool:
    public, r, s = point_of(key), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if public is None or r is None or BASE is None or len(signature) != 64 or s >= ORDER:
        return False
    challenge = int.from_bytes(hashlib.sha512(signature[:32] + key + told).digest(), "little") % ORDER
    left, right = times(s, BASE), plus(r, times(challenge, public))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def raw(text: Any, size: int) -> bytes:
    """Hexadecimal in its one spelling."""
    told = bytes.fromhex(text)
    if told.hex() != text or len(told) != size:
        raise ValueError
    return told


def lines_of(*parts: Any) -> bytes:
    return "".join(f"{part}\n" for part in parts).encode()


def check_checkpoint(told: dict[str, Any]) -> None:
    """It is signed by the key it names, or by none and names none."""
    if len(told) == 8 and told["key"] is told["signature"] is told["key_id"] is None:
        return
    key = raw(told["key"], 32)
    signed = lines_of("exposure checkpoint 1", *(told[part] for part in ("events", "position", "hash", "root", "made")))
    if not is_signed(key, raw(told["signature"], 64), signed):
        raise Bad("the checkpoint is not signed by its key")
    if told["key_id"] != hashlib.sha256(key).hexdigest()[:16] or len(told) != 8:
        raise Bad("the checkpoint's key has another id")


def next_key(key: str, state: dict[str, Any]) -> str:
    """The key that follows one, as a statement in the log says."""
    if state["old_key"] != key:
        return key
    if not is_signed(raw(key, 32), raw(state["signature"], 64), lines_of("exposure checkpoint key 1", key, state["new_key"], state["made"])):
        raise Bad("the statement that another key follows is not signed by the one before")
    return str(state["new_key"])


def root_by_path(index: int, size: int, leaf: bytes, path: list[bytes]) -> bytes | None:
    """The root of the tree of so many leaves that a leaf is in (RFC 6962, 2.1.1)."""
    sides, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + (1 << (end - begin - 1).bit_length() - 1)
        sides.append(index < middle)
        begin, end = (begin, middle) if index < middle else (middle, end)
    if not 0 <= index < size or len(path) != len(sides):
        return None
    for is_left, other in zip(reversed(sides), path, strict=True):
        leaf = sha256(b"\x01", leaf, other) if is_left else sha256(b"\x01", other, leaf)
    return leaf


class Evidence:
    """What was read so far of evidence."""

    def __init__(self, header: dict[str, Any], trusted: str | None) -> None:
        self.account, self.checkpoint = header["account"], header["checkpoint"]
        if header["exposure_evidence"] != 1 or len(header) != 3 or not isinstance(self.account, str | None):
            raise Bad("this is evidence of another shape than 1")
        check_checkpoint(self.checkpoint)
        if trusted is not None and self.checkpoint["key"] is None:
            raise Bad("nobody signed it, so the key that you trust did not")
        self.key = self.checkpoint["key"] if trusted is None else trusted
        self.is_trusted = trusted is not None
        self.events, self.position, self.hash, self.index = 0, 0, NOTHING, -1
        self.streams: dict[str, tuple[int, bytes]] = {}
        self.adopted: list[tuple[int, dict[str, Any]]] = []
        self.unproven: dict[str, Bad] = {}
        self.elsewhere: set[str] = set()
        self.tree: list[tuple[int, bytes]] = []

    def take(self, told: dict[str, Any]) -> None:
        """Checks the next event."""
        whole = self.account is None
        if told.keys() != (EVENT if whole else EVENT | {"index", "path"}):
            raise Bad("it lacks something, or has something that is not told of events")
        state = b64decode(told["state"], validate=True)
        own, in_stream, in_log = (raw(told[part], 32) for part in ("hash", "in_stream", "in_log"))
        if b64encode(state).decode() != told["state"] or own != event_hash(told, in_stream, in_log, state):
            raise Bad("it was altered: its hash is another one")
        stream, version = told["stream"], told["version"]
        if (version - 1, in_stream) != self.streams.get(stream, (0, NOTHING)):
            raise Bad(f"it does not follow the event before it in its stream {stream}")
        index = self.index + 1 if whole else told["index"]
        if told["position"] <= self.position or index <= self.index or (index == self.index + 1 and in_log != self.hash):
            raise Bad("it does not follow the event before it in the log")
        if whole:
            self.put(sha256(b"\x00", own))
        elif not self.concerns(stream, state):
            raise Bad(f"it is not of account {self.account}")
        else:
            path = [raw(part, 32) for part in told["path"]]
            if root_by_path(index, self.checkpoint["events"], sha256(b"\x00", own), path) != raw(self.checkpoint["root"], 32):
                raise Bad("it is not in the log that the checkpoint was made of")
        if self.is_trusted and stream == KEYS:
            self.key = next_key(self.key, json.loads(state))
        if not stream.startswith("account:"):
            self.judge(told, json.loads(state))
        self.events, self.position, self.hash, self.index = self.events + 1, told["position"], own, index
        self.streams[stream] = version, own

    def concerns(self, stream: str, state: bytes) -> bool:
        of_all = (f"account:{self.account}", f"alerts:{self.account}", POLICIES, KEYS)
        return stream in of_all or json.loads(state).get("account") == self.account

    def judge(self, told: dict[str, Any], said: dict[str, Any]) -> None:
        """Whatever names a policy has to name one that was adopted before it, and a credit check the one in force then. Only what was decided in a
        store that was lost, and read back, may name another one."""
        kind, _, name = told["stream"].partition(":")
        known, named = [UNADOPTED, *(one["version"] for _, one in self.adopted)], said.get("content", said).get("policy")
        if told["stream"] == POLICIES:
            if hashlib.blake2b(said["text"].encode()).hexdigest()[:12] != said["version"]:
                raise Bad("the version of the policy is not the digest of what it says")
            self.adopted.append((told["recorded_at"], said))
        elif kind == "read_back":
            streams = (name, f"decision:{name}", f"measure:{name}", f"dunning:{name}")
            self.elsewhere |= {stream for stream in streams if self.unproven.pop(stream, None) is not None}
        elif named is not None and named not in (known[-1:] if kind == "decision" else known):
            why = "is not the one that was in force then" if named in known else "was not adopted before it, or its adoption is missing"
            place = f"line {self.events + 2} (position {told['position']})"
            self.unproven.setdefault(told["stream"], Bad(f"policy {named}, which it names, {why}", place))

    def put(self, leaf: bytes) -> None:
        part = (1, leaf)
        while self.tree and self.tree[-1][0] == part[0]:
            size, left = self.tree.pop()
            part = (2 * size, sha256(b"\x01", left, part[1]))
        self.tree.append(part)

    def end(self) -> None:
        """Checks what only the whole can say."""
        told = self.checkpoint
        if self.key != told["key"]:
            raise Bad("nothing leads from the key that you trust to the one that signed the checkpoint")
        for bad in self.unproven.values():
            raise bad
        if self.account is None:
            root = self.tree[-1][1] if self.tree else sha256()
            for _, left in reversed(self.tree[:-1]):
                root = sha256(b"\x01", left, root)
            if (self.events, self.position, self.hash.hex(), root.hex()) != (told["events"], told["position"], told["hash"], told["root"]):
                raise Bad("the log is not the one that the checkpoint was made of: something is missing at its end, or more stands there")
        elif f"account:{self.account}" not in self.streams:
            raise Bad(f"there is no event of account {self.account}")


def event_hash(told: dict[str, Any], in_stream: bytes, in_log: bytes, state: bytes) -> bytes:
    stream, topic = told["stream"].encode(), told["topic"].encode()
    actor = None if told["actor"] is None else told["actor"].encode()
    places = struct.pack(">qqq", told["position"], told["version"], told["recorded_at"])
    sizes = struct.pack(">iii", len(stream), len(topic), -1 if actor is None else len(actor))
    return sha256(b"\x01", in_stream, in_log, places, sizes, stream, topic, actor or b"", state)


def verified(lines: Iterable[bytes], trusted: str | None) -> Evidence:
    """What evidence says, all of it checked; raises ``Bad`` with the number of the first bad line."""
    evidence, number, told = None, 0, {}
    try:
        for number, line in enumerate(lines, 1):  # noqa: B007 - the last one is named as well
            told = json.loads(line)
            if evidence is None:
                evidence = Evidence(told, trusted)
            else:
                evidence.take(told)
        if evidence is None:
            raise Bad("there is nothing")
        evidence.end()
    except (Bad, *UNREADABLE) as error:
        place = f"line {number}" + (f" (position {told['position']})" if isinstance(told, dict) and "position" in told else "")
        raise Bad(f"{error.place or place}: {error}" if isinstance(error, Bad) else f"{place}: it can not be read") from error
    return evidence


def laid_out(told: dict[str, Any]) -> bytes:
    """A manifest in its one spelling."""
    return f"{json.dumps(told, sort_keys=True, indent=2, ensure_ascii=False)}\n".encode()


def is_packed(manifest: Path, evidence: Path, found: Evidence) -> bool:
    """Whether a manifest, all of whose files are as it says, is signed by the key of the checkpoint; raises ``Bad`` where one is not."""
    try:
        told = json.loads(manifest.read_bytes())
        digest = hashlib.sha256(laid_out({name: value for name, value in told.items() if name not in ("digest", "signature")})).hexdigest()
        if laid_out(told) != manifest.read_bytes() or told["exposure_pack"] != 1 or told["digest"] != digest:
            raise Bad(f"{manifest.name} was altered")
        if (told["account"], told["checkpoint"], told["events"]) != (found.account, found.checkpoint, found.events):
            raise Bad(f"{manifest.name} is of other evidence")
        for file in told["files"]:
            check_file(manifest.parent, **file)
        check_policies(manifest.parent, {file["name"] for file in told["files"]}, found.adopted)
        check_history(manifest.parent / "history.jsonl", evidence)
        signature = told["signature"]
        if signature is not None and not is_signed(raw(found.checkpoint["key"], 32), raw(signature, 64), lines_of("exposure pack 1", digest)):
            raise Bad(f"{manifest.name} is not signed by the key of the checkpoint")
    except UNREADABLE as error:
        raise Bad(f"{manifest.name} can not be read") from error
    return signature is not None


def uncovered(manifest: Path) -> list[str]:
    """What stands beside the files of a manifest, or in their folders, and is none of them."""
    covered = {manifest, *(manifest.parent / file["name"] for file in json.loads(manifest.read_bytes())["files"])}
    others = {file for folder in {file.parent for file in covered} for file in folder.iterdir()} - covered - {file.parent for file in covered}
    return sorted(file.relative_to(manifest.parent).as_posix() for file in others)


def check_file(folder: Path, name: str, bytes: int, sha256: str) -> None:
    file = folder / name
    if ".." in file.parts or not file.is_file():
        raise Bad(f"{name} is missing")
    with open(file, "rb") as read:
        digest = hashlib.file_digest(read, "sha256")
    if (file.stat().st_size, digest.hexdigest()) != (bytes, sha256):
        raise Bad(f"{name} was altered")


def check_policies(folder: Path, names: set[str], adopted: list[tuple[int, dict[str, Any]]]) -> None:
    """What is told of policies in words is what the events say of those that were adopted."""
    files = {f"policies/{said['version']}.json": said["text"].encode() for _, said in adopted}
    for name in sorted({"history.jsonl", "policies.jsonl", *files} - names):
        raise Bad(f"{name} is missing")
    parts = [(said["version"], said["name"], instant(at), said["by"], said["reason"]) for at, said in adopted]
    rows = [dict(zip(("policy", "name", "adopted", "by", "reason"), part, strict=True)) for part in parts]
    if [json.loads(line) for line in (folder / "policies.jsonl").read_bytes().splitlines()] != rows:
        raise Bad("policies.jsonl does not say which policies were adopted")
    for name, text in files.items():
        if (folder / name).read_bytes() != text:
            raise Bad(f"{name} is not the policy that was adopted")


def check_history(history: Path, evidence: Path) -> None:
    """Line by line the history says what was recorded."""
    number = 0
    with open(evidence, "rb") as proven, open(history, "rb") as words:
        next(proven)
        try:
            for number, (line, told) in enumerate(zip(proven, words, strict=True), 1):  # noqa: B007
                if not says(json.loads(told), json.loads(line)):
                    raise ValueError
        except UNREADABLE as error:
            raise Bad(f"{history.name}, line {number}: it does not say what is recorded") from error


def says(told: dict[str, Any], event: dict[str, Any]) -> bool:
    state = json.loads(b64decode(event["state"]))
    as_recorded = all(told[name] == event[name] for name in ("position", "stream", "version", "actor", "hash"))
    as_recorded &= told["recorded"] == instant(event["recorded_at"])
    if not event["stream"].startswith("account:"):
        return as_recorded and bool(told["data"] == state)
    return as_recorded and all(told[name] == state[name] for name in ("data", "source", "id")) and bool(told["time"] == f"{state['time']}Z")


def instant(microseconds: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")


def main() -> None:
    parser = argparse.ArgumentParser(description="Verifies exported evidence of a log of events.")
    parser.add_argument("file", help="the evidence (JSON lines)")
    parser.add_argument("--key", metavar="HEX", type=bytes.fromhex, help="the public key that you trust")
    parser.add_argument("--manifest", metavar="FILE", help="of an archive: its files are verified too")
    asked = parser.parse_args()
    packed = ""
    try:
        with open(asked.file, "rb") as lines:
            found = verified(lines, None if asked.key is None else asked.key.hex())
        if asked.manifest is not None:
            is_of_the_key = is_packed(Path(asked.manifest), Path(asked.file), found)
            if found.is_trusted and not is_of_the_key:
                raise Bad("nobody signed the manifest, so the key that you trust did not; without --manifest the evidence alone is verified")
            of_nobody = "not signed: what history and policies repeat of the evidence is proven, and all else in the files is not"
            packed = f"; every file is as its manifest says, which is {'signed with that key' if is_of_the_key else of_nobody}"
            others = uncovered(Path(asked.manifest))
            packed += f"; NOT in the manifest, and not looked at: {', '.join(map(ascii, others))}" if others else ""
    except Bad as bad:
        print(f"BAD: {bad}")
        sys.exit(3)
    except OSError as error:
        parser.error(str(error))
    told = found.checkpoint
    of, by = f"checkpoint of {told['made']}", f"signed with key {told['key']}{'' if found.is_trusted else ' (is it the one you trust? --key asks)'}"
    if told["key"] is None:
        of, by = f"a log of {told['events']} events", "NOT SIGNED by anybody: it agrees with itself, and proves no more"
        by += f" unless the root {told['root']} is that of a signed checkpoint of so many events"
    lost = f"; of {len(found.elsewhere)} things read back the policy was adopted in a store that was lost" if found.elsewhere else ""
    print(f"ok: {found.events} events of {'the whole log' if found.account is None else f'account {found.account}'}, {of}, {by}{packed}{lost}")


if __name__ == "__main__":
    main()
