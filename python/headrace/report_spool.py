"""Reports of one start of a trainer, in a file of this machine until a server has them."""

from __future__ import annotations

import json
import os
import secrets
from typing import Any, NamedTuple

from .cache.locks import close_when_forked, guard, try_lock
from .waiting import log


class Line(NamedTuple):
    """A report by its number, with its line's end."""

    n: int
    text: bytes


class Spool:
    """A file as a server's is: a first line, and a line a report. Who has it open has its lock, so that what a killed process left can be told."""

    def __init__(self, path: str, file: Any, opening: bytes, last: int, unsent: int):
        self.path = path
        self.opening = opening
        # Whether a server has answered of it.
        self.is_met = False
        self._file = file
        self._n = last
        self._sent = len(opening)
        self.bytes = os.fstat(file.fileno()).st_size
        self.unsent = unsent

    @property
    def unsent_bytes(self) -> int:
        return self.bytes - self._sent

    def write(self, report: dict[str, Any], is_synced: bool) -> None:
        self._n += 1
        line = json.dumps({"n": self._n, **report}, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        try:
            _write_all(self._file.fileno(), line)
        except OSError:
            # What goes on behind half a line would be lost with it.
            os.ftruncate(self._file.fileno(), self.bytes)
            raise
        self.bytes += len(line)
        self.unsent += 1
        if is_synced:
            os.fsync(self._file.fileno())

    def skip(self) -> None:
        """Leaves a number out, so that the reports show that one is missing."""
        self._n += 1

    def meet(self, last: int) -> None:
        """Passes over what the server has."""
        has = [line for line in self._read(self.unsent_bytes) if line.n <= last]
        self.advance(has)

    def next_lines(self, bytes_max: int) -> list[Line]:
        """The first reports that are not sent: as many as have no more bytes than that, and one at least."""
        return self._read(bytes_max) or self._read(self.unsent_bytes)[:1]

    def _read(self, bytes_max: int) -> list[Line]:
        chunk = os.pread(self._file.fileno(), min(bytes_max, self.unsent_bytes), self._sent)
        lines = chunk[: chunk.rfind(b"\n") + 1].splitlines(keepends=True)
        return [Line(json.loads(text)["n"], text) for text in lines]

    def advance(self, lines: list[Line]) -> None:
        self._sent += sum(len(text) for _, text in lines)
        self.unsent -= len(lines)

    def close(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def remove(self) -> None:
        """Takes the file away, as a server has all of it."""
        os.unlink(self.path)
        self._file.close()


def begin_spool(folder: str, opening: dict[str, Any]) -> Spool:
    """Begins a start with a name of its own."""
    os.makedirs(folder, exist_ok=True)
    start = secrets.token_hex(16)
    line = json.dumps({**opening, "start": start}, separators=(",", ":")).encode() + b"\n"
    path = os.path.join(folder, f"{start}.jsonl")
    with guard(os.path.join(folder, "lock")):
        file = _open(path, "x+b")
        try_lock(file)
        _write_all(file.fileno(), line)
    return Spool(path, file, line, 0, 0)


def claim_left(folder: str) -> list[Spool]:
    """Takes over what processes left that are gone. What has no report is removed."""
    left: list[Spool] = []
    with guard(os.path.join(folder, "lock")):
        for name in sorted(os.listdir(folder)):
            if name.endswith(".jsonl") and (spool := _claim(os.path.join(folder, name))) is not None:
                left.append(spool)
    return left


def _claim(path: str) -> Spool | None:
    file = _open(path, "r+b")
    if not try_lock(file):
        file.close()
        return None
    content = file.read()
    # A killed process, or a machine that lost its power, may leave half a line.
    lines = content[: content.rfind(b"\n") + 1].splitlines(keepends=True)
    try:
        numbers = [json.loads(line)["n"] for line in lines[1:]]
    except (ValueError, KeyError, TypeError):
        log.warning("%s is damaged and is not sent: it is kept as %s.damaged", path, path)
        os.rename(path, f"{path}.damaged")
        numbers = []
    else:
        if not numbers:
            os.unlink(path)
    if not numbers:
        file.close()
        return None
    os.ftruncate(file.fileno(), sum(map(len, lines)))
    return Spool(path, file, lines[0], numbers[-1], len(numbers))


def _open(path: str, mode: str) -> Any:
    file = open(path, mode, buffering=0)
    close_when_forked(file)
    return file


def _write_all(descriptor: int, line: bytes) -> None:
    # Always at its end: who sends reads elsewhere in the file.
    written = os.pwrite(descriptor, line, os.fstat(descriptor).st_size)
    if written < len(line):
        raise OSError(f"{written} of the {len(line)} bytes of a report were written: the disk may be full")
