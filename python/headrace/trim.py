"""What was let go of a feed: trimmed.json, which headrace trim writes."""

import json

from .errors import FeedError


def check_let_go(store, paths):
    """Raises FeedError where a file that is missing was let go: when, by whom and why, and from which step on the feed can be read."""
    try:
        trimmed = json.loads(store.read("trimmed.json"))
    except FileNotFoundError:
        return
    if not any(path in trimmed["blocks"] for path in paths):
        return
    last = trimmed["trims"][-1]
    oldest = "no trainer kept an older checkpoint" if last["trainers"] else "no trainer had reported a checkpoint"
    raise FeedError(
        f"{store.name(paths[0])} was let go: the feed was trimmed by {last['who']} on {last['at']} ({last['note'] or oldest}): "
        f"it can be read from step {last['step']} on; beside its run, headrace trim --restore makes the rest again"
    )
