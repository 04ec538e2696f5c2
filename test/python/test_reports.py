"""A trainer that is killed and goes on: test_reports.py FEED_DIR, and, once it was begun so, `--go-on`. It kills itself in the first."""

import json
import os
import signal
import sys
import threading

from support import error_of
from headrace import Feed, Reports
import headrace.reports

DIGEST = "0" * 64


def train(path, reports, steps, state=None, loss=1.0):
    """Takes steps with a loss, of two domains, and returns the state behind them."""
    feed = Feed(path) if state is None else Feed(path, state=state)
    for _ in range(steps):
        batch = next(feed)
        reports.consumed(batch["step"], batch["digest"], {"en": (loss * 10, 10), "code": (float("nan"), 2)})
    return feed.state()


def check_refusals(path):
    for name in ("", "a/b", "..", ".x", "a" * 65, 7, None):
        assert "name is" in error_of(lambda: Reports(path, name))
    assert "there is no feed" in error_of(lambda: Reports(path + "-not", "t"))
    reports = Reports(path, "refused")
    for step, digest in ((-1, DIGEST), (True, DIGEST), ("1", DIGEST), (1, "x"), (1, None)):
        error_of(lambda: reports.consumed(step, digest))
    for losses in ([], {"en": 1}, {"en": (1, -1)}, {"en": (1, 1.5)}, {1: (1, 1)}, {"en": ("x", 1)}, {"en": (1, 2, 3)}):
        error_of(lambda: reports.consumed(1, DIGEST, losses))
    state = Feed(path).state()
    for wrong, oldest in ((None, None), ({}, None), (state, 1), (state, -1), ({**state, "step": None}, None)):
        error_of(lambda: reports.checkpointed(wrong, oldest))
    assert not os.path.exists(os.path.join(path, "trainers", "refused")), "nothing was reported"


def check_threads(path):
    """Many threads, and files that are full at once: each line is whole."""
    headrace.reports.FILE_BYTES = 2_000
    reports = Reports(path, "threads")
    threads = [threading.Thread(target=lambda: [reports.consumed(step, DIGEST) for step in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports.close()
    folder = os.path.join(path, "trainers", "threads")
    files = [[json.loads(line) for line in open(os.path.join(folder, name), encoding="utf-8")] for name in sorted(os.listdir(folder))]
    assert len(files) > 5 and sum(len(lines) - 1 for lines in files) == 200
    assert all(lines[0]["trainer"] == "threads" for lines in files)


def main(path, *rest):
    if rest == ("--go-on",):
        state = json.load(open(os.path.join(path, "..", "state.json"), encoding="utf-8"))
        with Reports(path, "run-7") as reports:
            train(path, reports, 2, state, loss=3.0)
        return
    check_refusals(path)
    check_threads(path)
    reports = Reports(path, "run-7")
    state = train(path, reports, 4)
    json.dump(state, open(os.path.join(path, "..", "state.json"), "w", encoding="utf-8"))
    reports.checkpointed(state, oldest=1)
    train(path, reports, 5, state, loss=2.0)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
