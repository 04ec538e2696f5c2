"""Connections to one server that are kept for the next request."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import Iterator
from urllib.parse import SplitResult

from ..errors import FeedError
from .retries import Fault

# Between two bytes. A server that is at work answers sooner.
SILENT_SECONDS = 30


class Connections:
    """Sends requests over HTTP or HTTPS, whose certificate is checked (SSL_CERT_FILE names other authorities). Threads may share it."""

    def __init__(self, address: SplitResult, timeout: float | None):
        self._address = address
        self._seconds = SILENT_SECONDS if timeout is None else min(SILENT_SECONDS, timeout / 4)
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    @contextmanager
    def request(self, method: str, target: str, headers: dict[str, str], body: bytes | None = None) -> Iterator[http.client.HTTPResponse]:
        """The response, to be read within by `read_some`. What the network does on the way is a Fault. A body may be sent twice."""
        connection, response = self._send(method, target, headers, body)
        try:
            yield response
        finally:
            is_kept = response.isclosed() and not response.will_close
            response.close()
            if is_kept:
                with self._lock:
                    self._idle.append(connection)
            else:
                connection.close()

    def read_some(self, response: http.client.HTTPResponse, count: int) -> bytes:
        """What came by now, `count` bytes at most, b"" at the end."""
        with self._faults():
            # Without this a server that sends a byte now and then would be waited for until `count` are there.
            chunk = response.read1(count)
            # Only so is the connection known to be free for the next request.
            return chunk or response.read()

    def _send(
        self, method: str, target: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                connection = self._open()
                with self._faults(connection):
                    return connection, _ask(connection, method, target, headers, body)
            try:
                return connection, _ask(connection, method, target, headers, body)
            except (OSError, http.client.HTTPException):
                # A server may close what was idle: that is no fault.
                connection.close()

    @contextmanager
    def _faults(self, connection: http.client.HTTPConnection | None = None) -> Iterator[None]:
        """Makes a Fault of what a network does, and a FeedError of what will not pass."""
        host = self._address.hostname
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                mend = "set SSL_CERT_FILE to the file of its authority's"
                raise FeedError(f"the certificate of {host} is not to be trusted ({error.verify_message}): {mend}") from error
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_NONAME:
                raise FeedError(f"there is no host named {host}") from error
            if isinstance(error, TimeoutError):
                raise Fault("silence", f"nothing came for {self._seconds:.0f} s") from error
            raise Fault("connection", f"the connection failed ({type(error).__name__}: {error})") from error

    def _open(self) -> http.client.HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=self._seconds)


def _ask(
    connection: http.client.HTTPConnection, method: str, target: str, headers: dict[str, str], body: bytes | None
) -> http.client.HTTPResponse:
    connection.request(method, target, body, headers)
    return connection.getresponse()
