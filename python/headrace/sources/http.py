"""A feed behind a web server, by Python's own library."""

from __future__ import annotations

import email.utils
import errno
import http.client
import re
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO

from ..errors import FeedError
from ..waiting import log
from .address import join, quote_path, split_address
from .connections import Connections
from .retries import SLOW_BYTES_PER_SECOND, Attempts, Fault, Retries, WrongContent
from .source import Stat

CHUNK = 1 << 18
# A segment of a ledger or a list of documents is some MB.
SMALL_BYTES_MAX = 1 << 30
# A connection that is slow for so long is given up for another.
SLOW_SECONDS = 30
# What lies between may have kept a head of before.
FRESH = {"Cache-Control": "no-cache"}
PASSING = {408, 425, 429, 500, 502, 503, 504}
# Of an answer to what was sent: a number or a sentence.
ANSWER_BYTES_MAX = 1 << 16


class RefusedBody(Exception):
    """What a server does not take, however often it is sent, with its reason."""


class HttpSource:
    """The port over HTTP: `https://host/run/feed/`. `token` is sent as a bearer's."""

    def __init__(self, url: str, token: str | None, retries: Retries):
        self._address = split_address(url)
        if not self._address.hostname:
            raise FeedError(f"the address {url} has no host")
        self._folder = urllib.parse.unquote(self._address.path)
        self._root = f"{self._address.scheme}://{self._address.netloc}"
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "headrace"}
        self._has_token = token is not None
        if token is not None:
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise FeedError("the token has characters that a request can't have: give it as its server has it")
            self._headers["Authorization"] = f"Bearer {token}"
            if self._address.scheme == "http" and self._address.hostname not in ("localhost", "127.0.0.1", "::1"):
                log.warning("the token goes to %s without encryption: whoever is between can read it", self._root)
        self._retries = retries
        self._connections = Connections(self._address, retries.timeout)

    def __str__(self) -> str:
        return self.name(".")

    def name(self, path: str) -> str:
        return self._root + self._target(path)

    def read(self, path: str, start: int = 0) -> bytes:
        return self._retries.run(self.name(path), lambda attempts: self._read(path, start, attempts))

    def stat(self, path: str) -> Stat:
        return self._retries.run(self.name(path), lambda attempts: self._stat(path))

    def copy(self, path: str, size: int, file: BinaryIO) -> None:
        copying = _Copy(file, size)
        self._retries.run(self.name(path), lambda attempts: self._copy(path, copying, attempts))

    def is_worth_again(self, path: str, what: str) -> bool:
        self._retries.count(self.name(path), Fault("wrong", f"{what}, and is read again"))
        return True

    def post(self, path: str, body: bytes, content_type: str) -> bytes:
        """What the server answers to `body`, which is sent once: what may pass is a Fault, what it does not take a RefusedBody."""
        headers = {**self._headers, "Content-Type": content_type}
        with self._connections.request("POST", self._target(path), headers, body) as response:
            answer, began = b"", time.monotonic()
            while chunk := self._connections.read_some(response, CHUNK):
                answer += chunk
                if len(answer) > ANSWER_BYTES_MAX or time.monotonic() - began > SLOW_SECONDS:
                    raise Fault("slow", "its answer is too long, or came too slowly")
            if response.status in (400, 409, 413):
                raise RefusedBody(f"{response.status}: {answer.decode(errors='replace')[:300].strip()!r}")
            if response.status in (404, 405, 410, 501):
                raise FeedError(f"{self._root} takes no reports ({response.status}): start headrace serve with --reports, and give the address it prints")
            self._check(response, path)
            return answer

    def _read(self, path: str, start: int, attempts: Attempts) -> bytes:
        headers = {"Range": f"bytes={start}-"} if start > 0 else {}
        with self._request("GET", path, {**headers, **FRESH}) as response:
            if start > 0 and response.status == 416:
                return b""
            self._check(response, path)
            begin = _begin_of(response, start)
            content = bytearray()
            for chunk in self._chunks(response, attempts, begin):
                content += chunk
                if len(content) > SMALL_BYTES_MAX:
                    raise FeedError(f"{self.name(path)} is larger than {SMALL_BYTES_MAX} bytes")
            return bytes(content[start - begin :])

    def _stat(self, path: str) -> Stat:
        with self._request("HEAD", path, FRESH) as response:
            response.read()
            self._check(response, path)
            length = _count(response.headers.get("Content-Length"))
            if length is None:
                raise FeedError(f"{self.name(path)}: its server does not say how long it is")
            return Stat(length, (length, _tag_of(response)))

    def _copy(self, path: str, copying: _Copy, attempts: Attempts) -> None:
        with self._request("GET", path, copying.headers()) as response:
            self._check(response, path)
            begin = _begin_of(response, copying.done)
            if copying.is_other(_tag_of(response)):
                copying.begin_again()
                changed = Fault("changed", "the file was changed while it was read, and is read again")
                if begin > 0:
                    raise changed
                self._retries.count(self.name(path), changed)
            if begin == 0:
                copying.begin_again()
            copying.tag = _tag_of(response)
            for chunk in self._chunks(response, attempts, begin):
                copying.write(chunk)
        if copying.done != copying.size:
            raise WrongContent(f"it has {copying.done} bytes")

    def _chunks(self, response: http.client.HTTPResponse, attempts: Attempts, begin: int) -> Iterator[bytes]:
        """The body, which is a Fault when it is cut or comes too slowly. `begin` is the file's byte that it begins with."""
        length = _count(response.headers.get("Content-Length"))
        began, done = time.monotonic(), 0
        while chunk := self._connections.read_some(response, CHUNK):
            done += len(chunk)
            attempts.reach(begin + done)
            yield chunk
            seconds = time.monotonic() - began
            if attempts.left() <= 0 or seconds > SLOW_SECONDS and done / seconds < SLOW_BYTES_PER_SECOND:
                raise Fault("slow", f"{done} bytes came in {seconds:.0f} s")
        if length is not None and done != length:
            raise Fault("cut", f"it was cut after {done} of {length} bytes")

    def _request(self, method: str, path: str, headers: dict[str, str]) -> AbstractContextManager[http.client.HTTPResponse]:
        return self._connections.request(method, self._target(path), {**self._headers, **headers})

    def _target(self, path: str) -> str:
        return quote_path(join(self._folder, path))

    def _check(self, response: http.client.HTTPResponse, path: str) -> None:
        """Returns for a response that has the file."""
        status = response.status
        what = f"{status} {http.client.responses.get(status, '')}".strip()
        if status in (200, 206):
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FeedError(f"{self.name(path)} comes packed, which was not asked for")
            return
        if status in (404, 410):
            response.read(CHUNK)
            raise FileNotFoundError(errno.ENOENT, what, self.name(path))
        if status in (401, 403):
            mend = "its server does not take this token" if self._has_token else "give `token`, or set HEADRACE_TOKEN"
            raise FeedError(f"{self.name(path)} is refused ({what}): {mend}")
        if status in PASSING:
            response.read(CHUNK)
            raise Fault(str(status), what, _seconds_of(response.headers.get("Retry-After")))
        if 300 <= status < 400:
            raise FeedError(f"{self.name(path)} has moved ({what}): give the address where it is now")
        raise FeedError(f"{self.name(path)}: its server answers {what}")


class _Copy:
    """How far a file has come, and of which one it is."""

    def __init__(self, file: BinaryIO, size: int):
        self.size = size
        self.done = 0
        self.tag: str | None = None
        self._file = file
        self.begin_again()

    def begin_again(self) -> None:
        self.done = 0
        self._file.seek(0)

    def headers(self) -> dict[str, str]:
        """Those that ask for what is not there yet, of the same file."""
        if self.done == 0:
            return {}
        # A weak tag may not ask for ranges.
        same = {"If-Range": self.tag} if self.tag is not None and not self.tag.startswith("W/") else {}
        return {"Range": f"bytes={self.done}-", **same}

    def is_other(self, tag: str | None) -> bool:
        return self.done > 0 and tag != self.tag

    def write(self, chunk: bytes) -> None:
        if self.done + len(chunk) > self.size:
            raise WrongContent(f"it has more than {self.size} bytes")
        self._file.write(chunk)
        self.done += len(chunk)


def _begin_of(response: http.client.HTTPResponse, asked: int) -> int:
    """The file's byte that a body begins with: the one that was asked for, or 0 where the server knows no ranges."""
    if response.status != 206:
        return 0
    found = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != asked:
        raise Fault("range", "another part of the file came than was asked for")
    return asked


def _tag_of(response: http.client.HTTPResponse) -> str | None:
    return response.headers.get("ETag") or response.headers.get("Last-Modified")


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,18}", text, re.ASCII) else None


def _seconds_of(text: str | None) -> float:
    """What Retry-After asks for: seconds, or a time."""
    if text is None:
        return 0
    seconds = _count(text.strip())
    if seconds is not None:
        return seconds
    try:
        return max(email.utils.parsedate_to_datetime(text).timestamp() - time.time(), 0)
    except (ValueError, TypeError, OverflowError):
        return 0
