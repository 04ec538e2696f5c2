"""What is wrong with a feed, and that nothing else leaves this package."""

from contextlib import contextmanager


class FeedError(Exception):
    """What is wrong with a feed, a state or an option. The only exception that a `Feed` raises, besides the end of the iteration."""


class DamagedFile(FeedError):
    """What has other bytes than it should. `mapped` is the file: one that was fetched may be fetched again."""

    def __init__(self, message, mapped):
        super().__init__(message)
        self.mapped = mapped


@contextmanager
def as_feed_error(what):
    """Makes a FeedError of whatever else is raised within: a file that is missing or damaged can fail anywhere in its reading."""
    try:
        yield
    except (FeedError, StopIteration):
        raise
    except Exception as error:
        raise FeedError(f"{what}: a file is missing, damaged or not readable ({type(error).__name__}: {error})") from error
