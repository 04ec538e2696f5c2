"""Reads the training steps that Headrace publishes. Needs numpy and pyarrow, and no running Headrace."""

from .errors import FeedError
from .feed import BEGINNING, Feed
from .reports import Reports

__all__ = ["BEGINNING", "Feed", "FeedError", "Reports"]
