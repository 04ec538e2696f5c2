"""What a trainer says back to its feed: which steps it has consumed, with what loss, and which it has checkpointed."""

import json
import math
import os
import re
import threading
from datetime import datetime, timezone

from .errors import FeedError, as_feed_error
from .ledger import Ledger, is_count
from .sent_reports import SentReports
from .sources.folder import Folder
from .sources.open import is_remote

FORM = 1
# Who reads reports reads them by whole files, of 64 MB at most.
FILE_BYTES = 16 * 1024 * 1024


class Reports:
    """Tells a feed what a trainer has done, for `headrace feed --trainers` and whoever plots losses.

        reports = Reports(path, "run-7")                # on one rank: it tells for all of them
        reports.consumed(batch.step, batch.digest, losses)
        reports.checkpointed(loader.state_dict())

    A trainer is what goes on with one model: it keeps its name when it is started again, on however many ranks. `path` is the feed's folder: then
    each start writes files of its own into `trainers/<name>/` there, a line a report, at once, so that who is killed has lost none, and all are
    synced with each checkpoint. Or it is the address that `headrace serve --reports` prints, with its `token` (default HEADRACE_TOKEN): then
    reports are written into the folder `spool` of this machine (default below XDG_CACHE_HOME or ~/.cache), and a thread sends them, again and
    again where the server can't be reached. So no report waits for the network; to begin takes `timeout` seconds at most (30), to close 10.
    `unsent` counts what is not with the server yet, `dropped` what was left out as 32 MB wait or as the server refuses it, and `retries`
    what was tried again. What a killed trainer left in the spool is sent when it is started again on this machine.

    A report of a step takes back what was said of that step and later ones before: a trainer that went back to a checkpoint is counted once.
    `losses` are of the step alone, over all ranks: `headrace.torch.losses_by_domain` and `reduce_losses` make them. They may be left out, or
    given for some steps only.

    Raises FeedError alone. It may be used by several threads.
    """

    def __init__(self, path, name, token=None, spool=None, timeout=30):
        with as_feed_error(f"reports for the feed in {path} can't be written"):
            if not (isinstance(name, str) and _NAME.fullmatch(name)):
                raise FeedError(f"the trainer's name is {name!r}: give 1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit")
            if is_remote(path):
                self._lines = SentReports(path, name, token, spool, timeout, FORM)
                return
            if token is not None or spool is not None:
                raise FeedError("there is a `token` or a `spool`, and the reports are written into a folder: leave them out")
            head = Ledger(Folder(os.fspath(path)), False, None, 1).head
            folder = os.path.join(os.fspath(path), "trainers", name)
            self._lines = _WrittenReports(folder, {"form": FORM, "feed": head["feed"], "trainer": name})

    @property
    def unsent(self):
        """Reports that are not with the server yet."""
        return self._lines.unsent

    @property
    def dropped(self):
        """Reports that the server will never have."""
        return self._lines.dropped

    @property
    def retries(self):
        """What was tried again, by its kind."""
        return self._lines.retries

    def consumed(self, step, digest, losses=None):
        """The step with this digest has changed the model. `losses` are, by domain, the sum of its losses and of how many targets."""
        report = {"step": _checked_step(step, digest), "digest": digest, "at": _now()}
        if losses is not None:
            report["losses"] = _checked_losses(losses)
        self._lines.write(report, is_synced=False)

    def checkpointed(self, state, oldest=None):
        """The model lasts as it is at `state`, what `state_dict()` gave. `oldest` is the step of the oldest checkpoint that is kept."""
        if not isinstance(state, dict) or not {"feed", "step", "digest"} <= set(state):
            raise FeedError("the checkpoint's state is not what state_dict() gives: {feed, step, digest}")
        step = _checked_step(state["step"], state["digest"])
        oldest = step if oldest is None else oldest
        if not (is_count(oldest) and oldest <= step):
            raise FeedError(f"the oldest checkpoint is of step {oldest!r} and the newest of step {step}: give the step of one that is kept")
        self._lines.write({"checkpoint": step, "digest": state["digest"], "oldest": oldest, "at": _now()}, is_synced=True)

    def close(self):
        """Makes all reports last, and sends them, for 10 seconds at most. None follows."""
        self._lines.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _WrittenReports:
    """Reports in files of the feed's folder."""

    unsent, dropped, retries = 0, 0, {}

    def __init__(self, folder, opening):
        self._folder, self._opening = folder, opening
        self._lock = threading.Lock()
        self._file, self._bytes = None, 0

    def write(self, report, is_synced):
        with self._lock, as_feed_error(f"the reports in {self._folder} can't be written"):
            if self._file is None or self._bytes >= FILE_BYTES:
                self._close_file()
                self._file = _open_next(self._folder)
                self._bytes = _append(self._file, self._opening)
            self._bytes += _append(self._file, report)
            if is_synced:
                os.fsync(self._file)

    def close(self):
        with self._lock, as_feed_error(f"the reports in {self._folder} can't be written"):
            self._close_file()

    def _close_file(self):
        if self._file is not None:
            os.fsync(self._file)
            os.close(self._file)
            self._file = None


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE = re.compile(r"([0-9]{8})\.jsonl")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def _open_next(folder):
    """A file behind those that are there. Whoever else begins one at the same time gets another."""
    os.makedirs(folder, exist_ok=True)
    while True:
        numbers = [int(match[1]) for match in map(_FILE.fullmatch, os.listdir(folder)) if match]
        path = os.path.join(folder, f"{max(numbers, default=-1) + 1:08d}.jsonl")
        try:
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        except FileExistsError:
            continue


def _append(file, report):
    line = json.dumps(report, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    written = os.write(file, line)
    if written < len(line):
        raise OSError(f"{written} of the {len(line)} bytes of a report were written: the disk may be full")
    return written


def _now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _checked_step(step, digest):
    if not is_count(step):
        raise FeedError(f"step {step!r} is no number of a step: they count from 0")
    if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise FeedError(f"the digest of step {step} is {digest!r}: give that of the batch or state")
    return step


def _checked_losses(losses):
    if not isinstance(losses, dict):
        raise FeedError(f"losses are {type(losses).__name__}: give a dict of (sum, targets) by domain")
    return {_checked_domain(domain): list(_checked_loss(domain, loss)) for domain, loss in losses.items()}


def _checked_domain(domain):
    if isinstance(domain, str):
        return domain
    raise FeedError(f"losses name the domain {domain!r}: a domain is a string")


def _checked_loss(domain, loss):
    """A loss that is no number is told as None: training went wrong, and to stop it is not the report's to decide."""
    try:
        total, targets = loss
        total = float(total)
    except (TypeError, ValueError):
        raise FeedError(f"the loss of {domain!r} is {loss!r}: give the sum of losses and the count of targets") from None
    if not is_count(targets):
        raise FeedError(f"the loss of {domain!r} is of {targets!r} targets: give a whole number from 0 on")
    return (total if math.isfinite(total) else None, targets)
