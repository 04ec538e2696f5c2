"""Reports of a trainer that go to a server: they are written into a spool first, and sent by a thread."""

from __future__ import annotations

import hashlib
import json
import os
import random
import threading
import time
from typing import Any

from .cache.locks import require_locks
from .errors import FeedError, as_feed_error
from .ledger import Ledger
from .report_spool import Line, Spool, begin_spool, claim_left
from .sources.http import HttpSource, RefusedBody
from .sources.open import open_source
from .sources.retries import PAUSE_SECONDS_MAX, Fault, Retries
from .threads import end_at_exit
from .waiting import log

# Of reports that wait to be sent. Beyond it steps are left out, and checkpoints are not.
UNSENT_BYTES_MAX = 32 * 1024 * 1024
# After so many bytes another start is begun. With what may wait it is under the 64 MB that a server takes of one.
START_BYTES = 16 * 1024 * 1024
# A server takes 1 MB at a time.
BODY_BYTES_MAX = 256 * 1024
# To close takes both at most: trying, and waiting for the request that is on its way then.
CLOSE_SECONDS = 8
LAST_SECONDS = 2
FIRST_PAUSE_SECONDS = 0.5
# What a person has to mend: a token, a server that takes no reports.
REFUSED_PAUSE_SECONDS = 30
TELL_SECONDS = 10


class SentReports:
    """What `Reports` does where it is given an address."""

    def __init__(self, url: str, name: str, token: str | None, spool: str | None, timeout: float, form: int):
        require_locks()
        if url.split("://")[0].lower() not in ("http", "https"):
            raise FeedError(f"the feed is named {url!r}: reports are written into folders, and sent to http(s):// of headrace serve --reports")
        counted = Retries(timeout, FIRST_PAUSE_SECONDS, False)
        source = open_source(url, token, counted)
        assert isinstance(source, HttpSource)
        self._source, self._counted = source, counted
        self._path = f"trainers/{name}"
        self._opening = {"form": form, "feed": Ledger(source, False, None, 1).head["feed"], "trainer": name}
        self._folder = _default_folder(url, name) if spool is None else os.fspath(spool)
        self._changed = threading.Condition()
        self._is_closing = False
        self._closes_at = float("inf")
        self._dropped, self._told = 0, float("-inf")
        self._is_single = False
        # A start that a server knows has its place among the others, whenever its reports come.
        self._own = begin_spool(self._folder, self._opening)
        try:
            counted.run(source.name(self._path), lambda _: self._post(self._own, []))
        except BaseException as error:
            self._own.remove()
            if isinstance(error, RefusedBody):
                raise FeedError(f"{source.name(self._path)} does not take the reports ({error})") from None
            raise
        self._left = claim_left(self._folder)
        self._thread = threading.Thread(target=self._run, name="headrace reports", daemon=True)
        self._thread.start()
        end_at_exit(self._thread, self._stop)

    @property
    def unsent(self) -> int:
        with self._changed:
            return sum(spool.unsent for spool in (*self._left, self._own))

    @property
    def dropped(self) -> int:
        return self._dropped

    @property
    def retries(self) -> dict[str, int]:
        return dict(self._counted.counts)

    def write(self, report: dict[str, Any], is_synced: bool) -> None:
        with self._changed, as_feed_error(f"the reports in {self._folder} can't be written"):
            if self._is_closing:
                raise FeedError("the reports are closed: nothing is reported behind that")
            if self._own.unsent_bytes >= UNSENT_BYTES_MAX and "checkpoint" not in report:
                self._own.skip()
                self._drop(1, f"{self._own.unsent} reports wait in {self._folder}, {UNSENT_BYTES_MAX} bytes, which is the most")
                return
            self._own.write(report, is_synced)
            self._changed.notify_all()

    def close(self) -> None:
        if not self._is_closing:
            self._stop()
            self._thread.join(CLOSE_SECONDS + LAST_SECONDS)
            if self._thread.is_alive():
                log.warning("%d reports are not sent, as the server has not answered: they lie in %s", self.unsent, self._folder)

    def _stop(self) -> None:
        with self._changed:
            if not self._is_closing:
                self._is_closing, self._closes_at = True, time.monotonic() + CLOSE_SECONDS
                self._changed.notify_all()

    def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._wait_for_reports():
            fault = self._try_to_send()
            if fault is None:
                pause = FIRST_PAUSE_SECONDS
                continue
            self._counted.count(self._source.name(self._path), fault)
            seconds = max(pause * random.uniform(0.5, 1), fault.after)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)
            with self._changed:
                # Who closes wants one more attempt at once.
                was_closing = self._is_closing
                self._changed.wait_for(lambda: self._is_closing != was_closing, min(seconds, self._closes_in()))
        self._end()

    def _try_to_send(self) -> Fault | None:
        try:
            self._send_some()
            return None
        except Fault as fault:
            return fault
        except Exception as error:
            # Whatever it is, the training goes on, and a person is told.
            return Fault("refused", str(error), REFUSED_PAUSE_SECONDS)

    def _closes_in(self) -> float:
        return min(max(self._closes_at - time.monotonic(), 0), threading.TIMEOUT_MAX)

    def _wait_for_reports(self) -> bool:
        """Whether there is something to send, and time for it."""
        with self._changed:
            while True:
                has_some = bool(self._left) or self._own.unsent > 0
                if self._is_closing and (not has_some or self._closes_in() == 0):
                    return False
                if has_some:
                    return True
                self._changed.wait()

    def _send_some(self) -> None:
        spool = self._left[0] if self._left else self._own
        if not spool.is_met and not self._meet(spool):
            return
        with self._changed:
            lines = spool.next_lines(1 if self._is_single else BODY_BYTES_MAX)
        try:
            if lines:
                self._post(spool, lines)
            self._is_single = False
        except RefusedBody as error:
            # Those beside it are not at fault.
            if not self._is_single:
                self._is_single = True
                return
            self._is_single = False
            with self._changed:
                self._drop(1, f"the server does not take a report ({error})")
        with self._changed:
            spool.advance(lines)
        if spool is not self._own:
            if spool.unsent == 0:
                self._let_go(spool)
        elif spool.unsent == 0 and spool.bytes >= START_BYTES:
            self._begin_another()

    def _meet(self, spool: Spool) -> bool:
        """Finds out what the server has of reports that another process wrote, and whether it takes the rest."""
        try:
            last = self._post(spool, [])
        except RefusedBody as error:
            with self._changed:
                self._drop(spool.unsent, f"the server does not take what is left in {spool.path} ({error})")
            self._let_go(spool)
            return False
        with self._changed:
            spool.meet(last)
        return True

    def _begin_another(self) -> None:
        spool = begin_spool(self._folder, self._opening)
        try:
            self._post(spool, [])
        except BaseException:
            spool.remove()
            raise
        with self._changed:
            before, self._own = self._own, spool
            # What was written meanwhile goes first.
            self._left.append(before)
        if before.unsent == 0:
            self._let_go(before)

    def _let_go(self, spool: Spool) -> None:
        with self._changed:
            self._left.remove(spool)
        spool.remove()

    def _post(self, spool: Spool, lines: list[Line]) -> int:
        """Sends reports, and returns the number of the last one that the server has of this start."""
        body = b"".join([spool.opening, *(text for _, text in lines)])
        answer = self._source.post(self._path, body, "application/x-ndjson")
        try:
            last = json.loads(answer)["last"]
            if isinstance(last, int) and last >= (lines[-1][0] if lines else 0):
                spool.is_met = True
                return last
        except (ValueError, KeyError, TypeError):
            pass
        raise Fault("wrong", "its answer is not one of headrace serve --reports")

    def _drop(self, count: int, why: str) -> None:
        self._dropped += count
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            log.warning("%s: a report is left out, %d by now", why, self._dropped)

    def _end(self) -> None:
        with self._changed:
            unsent = sum(spool.unsent for spool in (*self._left, self._own))
            for spool in (*self._left, self._own):
                spool.close() if spool.unsent > 0 else spool.remove()
        if unsent > 0:
            log.warning("%d reports are not sent: they lie in %s, and go when this trainer is started again on this machine", unsent, self._folder)


def _default_folder(url: str, name: str) -> str:
    key = hashlib.sha256(f"{url}\n{name}".encode()).hexdigest()[:32]
    return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "headrace", "reports", key)
