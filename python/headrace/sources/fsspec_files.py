"""A feed in an object store, or wherever else fsspec reads: s3://, gs://, abfs://, hf://, file:// and more."""

from __future__ import annotations

import errno
import os
from typing import Any, BinaryIO, Callable

from ..errors import FeedError
from .address import join, split_address
from .retries import Attempts, Fault, Result, Retries, WrongContent
from .source import Stat

CHUNK = 8 << 20
# What stays as it is however often it is tried: a key, a name, an option.
LASTING = (PermissionError, NotImplementedError, TypeError, ValueError, AttributeError, ImportError)


class FsspecSource:
    """The port over fsspec, which is installed where such a feed is read, with the package of its store (s3fs for s3://)."""

    def __init__(self, url: str, retries: Retries):
        split_address(url)
        self._scheme = url.split("://")[0].lower()
        self._retries = retries
        self._files, folder = _open(url, self._scheme)
        self._lead = "/" if folder.startswith("/") else ""
        self._folder = folder

    def __str__(self) -> str:
        return self.name(".")

    def name(self, path: str) -> str:
        return f"{self._scheme}://{self._place(path)}"

    def read(self, path: str, start: int = 0) -> bytes:
        return self._run(path, lambda _: self._read(path, start))

    def stat(self, path: str) -> Stat:
        return self._run(path, lambda _: self._stat(path))

    def copy(self, path: str, size: int, file: BinaryIO) -> None:
        self._run(path, lambda attempts: self._copy(path, size, file, attempts))

    def is_worth_again(self, path: str, what: str) -> bool:
        self._retries.count(self.name(path), Fault("wrong", f"{what}, and is read again"))
        return True

    def _read(self, path: str, start: int) -> bytes:
        # Stores refuse a range that begins behind the end.
        if start > 0 and self._stat(path).size <= start:
            return b""
        return self._ask(path, lambda: self._files.cat_file(self._place(path), start=start or None))

    def _copy(self, path: str, size: int, file: BinaryIO, attempts: Attempts) -> None:
        found = self._stat(path)
        if found.size != size:
            raise WrongContent(f"it has {found.size} bytes")
        file.seek(0)
        for start in range(0, size, CHUNK):
            end = min(start + CHUNK, size)
            chunk = self._ask(path, lambda: self._files.cat_file(self._place(path), start=start, end=end))
            if len(chunk) != end - start:
                raise Fault("cut", f"{len(chunk)} bytes came of {end - start}")
            file.write(chunk)
            attempts.reach(end)
        if self._stat(path) != found:
            raise Fault("changed", "the file was changed while it was read, and is read again")

    def _stat(self, path: str) -> Stat:
        info = self._ask(path, lambda: self._info(path))
        tag = next((info[name] for name in ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created") if info.get(name)), None)
        return Stat(info["size"], (info["size"], str(tag)))

    def _info(self, path: str) -> dict[str, Any]:
        # A listing that was kept says how long a file was.
        self._files.invalidate_cache()
        info = self._files.info(self._place(path))
        if not isinstance(info.get("size"), int):
            raise FeedError(f"{self.name(path)}: its store does not say how long it is")
        return info

    def _run(self, path: str, act: Callable[[Attempts], Result]) -> Result:
        return self._retries.run(self.name(path), lambda attempts: act(attempts))

    def _ask(self, path: str, act: Callable[[], Result]) -> Result:
        """What the store gives. What it raises is of many kinds, so all but some are taken to pass."""
        try:
            return act()
        except (FileNotFoundError, IsADirectoryError) as error:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.name(path)) from error
        except FeedError:
            raise
        except LASTING as error:
            what = f"{self.name(path)} can't be read ({type(error).__name__}: {error})"
            raise FeedError(f"{what}: give the keys of {self._scheme}:// as its package wants them") from error
        except Exception as error:
            raise Fault("store", f"{type(error).__name__}: {error}") from error

    def _place(self, path: str) -> str:
        return self._lead + join(self._folder, path)


def _open(url: str, scheme: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise FeedError(f"{scheme}:// is read by fsspec, which is not installed: pip install {_package(scheme)}") from None
    try:
        return fsspec.core.url_to_fs(url, skip_instance_cache=True, use_listings_cache=False)
    except ImportError as error:
        raise FeedError(f"{scheme}:// is read by fsspec with a package that is not installed ({error}): pip install {_package(scheme)}") from None
    except ValueError as error:
        raise FeedError(f"nothing reads {scheme}:// ({error}): give a folder, https:// or an address that fsspec knows") from None


def _package(scheme: str) -> str:
    return "'headrace[s3]'" if scheme in ("s3", "s3a") else "fsspec, and what fsspec says reads it"
