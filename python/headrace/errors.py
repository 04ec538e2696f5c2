"""What is wrong with a feed, and that nothing else leaves this package."""

from contextlib import contextmanager


class FeedError(Exception):
    """What is wrong with a feed, a state or an option. The only exception that a `Feed` raises, besides the end of the iteration."""


@contextmanager
def as_feed_error(what):
    """Makes a FeedError of whatever else is raised within: a file that is missing or damaged can fail anywhere in its reading."""
    try:
        yield
    except (FeedError, StopIteration):
        raise
    except Exception as error:
        raise FeedError(f"{what}: a file is missing, damaged or not readable ({type(error).__name__}: {error})") from error
