"""Reports that go to `headrace serve --reports`: test_sent_reports.py FEED_DIR WORK_DIR SEED NODE HEADRACE KILLS. The server is a process of its
own, with faults before it, and is killed, as trainers are."""

import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from faulty_server import FaultyServer
from support import error_of
from headrace import Reports
import headrace.sent_reports

DIGEST = "0" * 64
# The longest that a report may take a training: a write into a file of this machine, however busy it is.
REPORT_SECONDS = 2


class Server:
    """`headrace serve`, which may be killed and begun again at its port."""

    def __init__(self, command):
        self.command = command
        self.port = 0
        self.begin()

    def begin(self, *options):
        options = options or ("--reports",)
        self.process = subprocess.Popen([*self.command, "--port", str(self.port), "--json", *options], stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.process.stdout.readline())["url"]
        self.port = int(self.url.split(":")[2].split("/")[0])

    def kill(self):
        self.process.kill()
        self.process.wait()


class Bench:
    """A feed, its server, and folders for spools."""

    def __init__(self, feed, work, node, headrace):
        self.feed, self.work, self.count = feed, work, 0
        self.server = Server([node, headrace, "serve", feed])
        with open(os.path.join(feed, "head.json"), encoding="utf-8") as file:
            self.head = json.load(file)

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def reports(self, name, url=None, **options):
        return Reports(url or self.server.url, name, spool=self.spool(name), **{"timeout": 8, **options})

    def spool(self, name):
        return os.path.join(self.work, name)

    def steps(self, name):
        """The steps that were reported, file by file."""
        folder = os.path.join(self.feed, "trainers", name)
        files = [open(os.path.join(folder, file), encoding="utf-8").read().splitlines() for file in sorted(os.listdir(folder))]
        return [[json.loads(line).get("step", "checkpoint") for line in lines[1:]] for lines in files]

    def left(self, name):
        return [file for file in os.listdir(self.spool(name)) if file != "lock"]


def consume(reports, steps):
    for step in steps:
        began = time.monotonic()
        reports.consumed(step, DIGEST, {"en": (1.5 * step, 10)})
        assert time.monotonic() - began < REPORT_SECONDS, "a report does not wait for the network"


def wait_until(is_so, what):
    last = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < last, what
        time.sleep(0.005)


# What passes, what it is counted as, and how often it comes before the server is as it should.
FAULTS = [
    ("429", {"status": 429, "headers": {"Retry-After": "0"}}, 2),
    ("502", {"status": 502}, 2),
    ("503", {"status": 503}, 1),
    ("connection", {"drop": True}, 3),
    ("silence", {"hang": True}, 2),
    ("wrong", {"cut": 3}, 2),
    ("wrong", {"body": lambda body: b"<html>fine</html>"}, 2),
    ("wrong", {"body": lambda body: b'{"last":0}'}, 1),
    ("wrong", {"body": lambda body: b'{"last":"9"}'}, 1),
    ("slow", {"body": lambda body: b" " * 70_000 + body}, 1),
]


def check_faults(bench):
    for kind, fault, times in FAULTS:
        name, left = bench.name(), [times]

        def act(request):
            # The first line alone is answered: what is sent behind it meets the fault.
            if request.command != "POST" or request.posted.count(b"\n") < 2 or left[0] == 0:
                return None
            left[0] -= 1
            return fault

        with FaultyServer(os.path.dirname(bench.feed), act, bench.server.port) as proxy:
            with bench.reports(name, proxy.url, timeout=2) as reports:
                consume(reports, range(5))
            assert reports.unsent == reports.dropped == 0, (kind, reports.unsent)
            # A connection that was kept may be gone at any time, which is no fault.
            assert reports.retries == {kind: times - (kind in ("connection", "silence"))}, (kind, reports.retries)
        assert bench.steps(name) == [list(range(5))], (kind, fault, bench.steps(name))
        assert bench.left(name) == [], kind


def check_refused(bench):
    """A report that a server never takes is left out, and told; those beside it are sent."""
    name = bench.name()
    act = lambda request: {"status": 400} if b'"step":3' in request.posted else None  # noqa: E731
    with FaultyServer(os.path.dirname(bench.feed), act, bench.server.port) as proxy:
        with bench.reports(name, proxy.url) as reports:
            consume(reports, range(6))
        assert (reports.unsent, reports.dropped) == (0, 1)
    assert bench.steps(name) == [[0, 1, 2, 4, 5]]


def check_options(bench):
    bad = [
        ("there is no feed", lambda: bench.reports("x", bench.server.url.replace("feed", "other"))),
        ("reports are written into folders, and sent to http", lambda: Reports("memory://x", "x")),
        ("there is a `token` or a `spool`", lambda: Reports(bench.feed, "x", spool="y")),
        ("there is a `token` or a `spool`", lambda: Reports(bench.feed, "x", token="y" * 20)),
        ("name is", lambda: bench.reports("a/b")),
    ]
    for what, act in bad:
        said = error_of(act)
        assert what in said, said
    closed = bench.reports(bench.name())
    closed.close()
    closed.close()
    assert "closed" in error_of(lambda: closed.consumed(1, DIGEST))
    bench.server.kill()
    began = time.monotonic()
    assert "try" in error_of(lambda: bench.reports("x", timeout=1))
    assert time.monotonic() - began < 10, "to begin has a bound"
    bench.server.begin("--no-token")
    assert "takes no reports (405): start headrace serve with --reports" in error_of(lambda: bench.reports("x"))
    bench.server.kill()
    bench.server.begin()
    assert not os.path.exists(os.path.join(bench.feed, "trainers", "x"))


def check_bound(bench):
    """A server that is gone for long: what waits has a bound, what is left out is counted, and checkpoints are kept."""
    name = bench.name()
    reports = bench.reports(name)
    bench.server.kill()
    bytes_max, headrace.sent_reports.UNSENT_BYTES_MAX = headrace.sent_reports.UNSENT_BYTES_MAX, 2_000
    consume(reports, range(100))
    reports.checkpointed({"feed": bench.head["feed"], "step": 100, "digest": DIGEST})
    headrace.sent_reports.UNSENT_BYTES_MAX = bytes_max
    kept = reports.unsent - 1
    assert 5 < kept < 20 and reports.dropped == 100 - kept, (kept, reports.dropped)
    bench.server.begin()
    reports.close()
    assert reports.unsent == 0
    assert bench.steps(name) == [[*range(kept), "checkpoint"]]


def check_starts(bench):
    """A long training: its files on the server, and those of this machine, are of a bounded size."""
    name = bench.name()
    headrace.sent_reports.START_BYTES, before = 3_000, headrace.sent_reports.START_BYTES
    with bench.reports(name) as reports:
        for step in range(0, 200, 10):
            consume(reports, range(step, step + 10))
            wait_until(lambda: reports.unsent == 0, "it is sent")
    headrace.sent_reports.START_BYTES = before
    files = bench.steps(name)
    assert len(files) > 5 and sum(files, []) == list(range(200)), files
    assert bench.left(name) == []


def check_killed_server(bench, seed, kills):
    random_ = random.Random(seed)
    name = bench.name()
    with bench.reports(name) as reports:
        step = 0
        for _ in range(kills):
            count = random_.randrange(1, 40)
            consume(reports, range(step, step + count))
            step += count
            if random_.random() < 0.5:
                time.sleep(random_.random() / 50)
            bench.server.kill()
            bench.server.begin()
        consume(reports, range(step, step + 3))
    assert reports.unsent == reports.dropped == 0
    assert bench.steps(name) == [list(range(step + 3))]


def check_killed_trainer(bench, seed, kills):
    """Each life reports steps of its own, with the server there or not, and is killed."""
    random_ = random.Random(seed)
    name = bench.name()
    expected = []
    for life in range(kills):
        is_gone = random_.random() < 0.5
        pid = os.fork()
        if pid == 0:
            reports = bench.reports(name)
            if is_gone:
                bench.server.kill()
            consume(reports, range(100 * life, 100 * life + 50))
            if not is_gone:
                time.sleep(random_.random() / 50)
            os.kill(os.getpid(), signal.SIGKILL)
        assert os.waitpid(pid, 0)[1] == signal.SIGKILL
        expected.append(list(range(100 * life, 100 * life + 50)))
        if is_gone:
            bench.server.kill()
            bench.server.begin()
    with bench.reports(name) as reports:
        consume(reports, [7])
    assert reports.unsent == 0
    assert bench.steps(name) == [*expected, [7]], bench.steps(name)
    assert bench.left(name) == []


def check_unsent_is_told(bench):
    """A server that does not come back: closing has a bound, says what is left, and the next start sends it."""
    name, said = bench.name(), []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("headrace").addHandler(handler)
    reports = bench.reports(name)
    bench.server.kill()
    consume(reports, range(4))
    seconds, headrace.sent_reports.CLOSE_SECONDS = headrace.sent_reports.CLOSE_SECONDS, 0.3
    reports.close()
    headrace.sent_reports.CLOSE_SECONDS = seconds
    assert reports.unsent == 4 and any("4 reports are not sent: they lie in" in text for text in said), said
    bench.server.begin()
    with bench.reports(name) as later:
        consume(later, [4])
    assert bench.steps(name) == [[0, 1, 2, 3], [4]]


def check_damaged_spool(bench):
    name = bench.name()
    os.makedirs(bench.spool(name))
    for file, content in (("a.jsonl", b'{"form":1}\n{"x":1}\n'), ("b.jsonl", b'{"form":1}\n\0\0\n'), ("c.jsonl", b'{"form":1}\n{"n":1')):
        with open(os.path.join(bench.spool(name), file), "wb") as opened:
            opened.write(content)
    with bench.reports(name) as reports:
        consume(reports, range(3))
    assert bench.steps(name) == [[0, 1, 2]]
    assert sorted(bench.left(name)) == ["a.jsonl.damaged", "b.jsonl.damaged"]


def main(feed, work, seed, node, headrace_bin, kills):
    headrace.sent_reports.FIRST_PAUSE_SECONDS = 0.01
    bench = Bench(feed, work, node, headrace_bin)
    try:
        check_options(bench)
        check_faults(bench)
        check_refused(bench)
        check_bound(bench)
        check_starts(bench)
        check_unsent_is_told(bench)
        check_damaged_spool(bench)
        check_killed_server(bench, int(seed), int(kills))
        check_killed_trainer(bench, int(seed), int(kills))
    finally:
        bench.server.kill()
        shutil.rmtree(work)


if __name__ == "__main__":
    logging.getLogger("headrace").addHandler(logging.NullHandler())
    main(*sys.argv[1:])
