"""Reads the training steps that Headrace publishes. Needs numpy and pyarrow, and no running Headrace."""

from .feed import Feed, FeedError

__all__ = ["Feed", "FeedError"]
