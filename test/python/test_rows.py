"""Holds what is read from rows against what is cut from blocks: test_rows.py FEED README COMMAND...

COMMAND materialises the feed, when it is given its folder. The feed has batches of 12, then of 8, and stands in rows but for its last steps.
"""

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from support import error_of
from headrace import Feed


class Told(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


told = Told()
logging.getLogger("headrace").addHandler(told)


def check_equal(batch, expected):
    assert batch.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, np.ndarray):
            assert batch[name].dtype == value.dtype and batch[name].shape == value.shape, name
            assert (batch[name] == value).all(), f"step {expected['step']}: {name}"
        else:
            assert batch[name] == value, f"step {expected['step']}: {name}"


def check_feed(path, worlds=(1,), **options):
    """All steps of all ranks, by rows and by blocks. Returns what was told."""
    told.lines.clear()
    for world in worlds:
        for rank in range(world):
            readers = Feed(path, rank, world, **options), Feed(path, rank, world, rows=False, **options)
            steps = 0
            for batch, expected in zip(*readers):
                check_equal(batch, expected)
                steps += 1
            assert steps > 0 and next(readers[0], None) is None
            assert readers[0].state() == readers[1].state()
    return list(told.lines)


def copy(path, name):
    to = path.parent / name
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(path, to)
    return to


def check_equality(path):
    # 4 divides both batches, and is a product of the first factors of both; 1 and 2, too.
    for verify in ("pieces", "files", "off"):
        lines = check_feed(path, (1, 2, 4), verify=verify)
        assert len(lines) == 7, lines
        assert all(re.search(r"stands in no file of .*rows: it, and others like it, are read from blocks", line) for line in lines)
    check_feed(path, targets_dtype="int64")
    for world in (3, 6, 12):
        for rank in range(world):
            for step in range(9):
                check_equal(Feed(path, rank, world).read(step), Feed(path, rank, world, rows=False).read(step))


def check_used(path):
    """Without its blocks a feed gives the steps that stand in rows, and no other."""
    bare = copy(path, "bare")
    shutil.rmtree(bare / "blocks")
    ends = max(json.loads(file.read_text())["first"] + json.loads(file.read_text())["steps"] for file in (bare / "rows").glob("*.json"))
    feed = Feed(bare)
    for step in range(ends):
        check_equal(feed.read(step), Feed(path, rows=False).read(step))
    error_of(lambda: feed.read(ends))
    error_of(lambda: Feed(bare, rows=False).read(0))
    error_of(lambda: Feed(path, rows="yes"))


def check_stretches(path):
    """What a rank reads of a step, by the calls of the system."""
    calls = []
    real = os.preadv

    def count(file, places, at, flags=0):
        # As on a file system that can't tell what it holds in memory.
        if flags:
            raise OSError("not supported")
        calls.append(len(places))
        return real(file, places, at)

    os.preadv = count
    try:
        for world, stretches in ((1, 1), (2, 1), (4, 1), (12, 1), (3, None)):
            for rank in range(world):
                calls.clear()
                Feed(path, rank, world).read(2)
                assert sum(calls) == 12 // world
                assert len(calls) == stretches or (stretches is None and len(calls) > 1), (world, calls)
    finally:
        os.preadv = real


def check_buffers(path):
    """Memory that the caller still has, or a part of it, is given to no other batch; what was let go is given again."""
    feed, plain = Feed(path), Feed(path, rows=False)
    kept = [next(feed) for _ in range(2)]
    parts = [next(feed)["targets"][3:5] for _ in range(4)]
    views = [memoryview(next(feed)["input_ids"]) for _ in range(2)]
    for batch in kept:
        check_equal(batch, plain.read(batch["step"]))
    for step, part in enumerate(parts, 2):
        assert (part == plain.read(step)["targets"][3:5]).all()
    for step, view in enumerate(views, 6):
        assert (np.asarray(view) == plain.read(step)["input_ids"]).all()
    del kept, batch, parts, part, views, view
    addresses = {feed.read(2)["input_ids"].ctypes.data for _ in range(20)}
    assert len(addresses) <= 2, addresses


def check_damage(path):
    """A bit that flipped is found, told once a file, and the step read from blocks."""
    random = np.random.default_rng(1)
    for name, verify in [("i32", "pieces"), ("i32", "files"), ("spans", "pieces"), ("json", "pieces")] * 3:
        damaged = copy(path, "damaged")
        file = damaged / "rows" / f"00000004.{name}"
        data = bytearray(file.read_bytes())
        at = int(random.integers(len(data)))
        if name == "json":
            at = data.index(b'"digests"') + int(random.integers(40, 200))
        data[at] ^= 1 << int(random.integers(8))
        file.write_bytes(data)
        lines = [line for line in check_feed(damaged, verify=verify) if "stands in no file" not in line]
        same = name == "json" and not lines
        assert same or (len(lines) == 1 and "read from blocks, as its file in" in lines[0]), (name, at, lines)
    shorter = copy(path, "shorter")
    with open(shorter / "rows" / "00000004.i32", "r+b") as file:
        file.truncate(100)
    assert any("has not the bytes" in line for line in check_feed(shorter))
    other = copy(path, "other")
    description = other / "rows" / "00000004.json"
    says = json.loads(description.read_text())
    description.write_text(json.dumps({**says, "digests": ["f" * 64] * says["steps"]}))
    assert any("another history" in line for line in check_feed(other))
    for wrong in ({"feed": "f" * 64}, {"version": 2}, {"version": 3}, {"ids": "../../head.json"}, {"order": [0] * 12}, {"steps": 3}, {"seals": []}):
        description.write_text(json.dumps({**says, **wrong}))
        assert any("can't be used" in line for line in check_feed(other)), wrong
    description.write_text("{")
    assert any("can't be used" in line for line in check_feed(other))


def take_down(path, rows, step, blank):
    """Records a take-down as headrace take-down does."""
    import hashlib

    lines = [json.dumps({"version": 1, "by": "id", "names": 1, "slots": 14, "rows": len(rows)}), '"a"']
    text = "".join(f"{line}\n" for line in lines + [json.dumps(list(row)) for row in rows])
    control = path / "control.json"
    entries = json.loads(control.read_text()) if control.exists() else []
    name = f"take-downs/{len(list((path / 'take-downs').glob('*'))):08d}.jsonl"
    (path / "take-downs").mkdir(exist_ok=True)
    (path / name).write_text(text)
    says = {"published": step, "list": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "documents": len(rows), "blank": blank}
    (path / "aside").write_text(json.dumps([*entries, {"step": step, "takeDown": says}]))
    os.replace(path / "aside", control)


def check_take_downs(path, snippet, materialise):
    """What is taken down after a file was made is masked in batches that are read from it, and numpy's reader is stopped until it is made again."""
    masked = copy(path, "masked")
    reading = Feed(masked)
    for _ in range(3):
        next(reading)
    spans = (masked / "rows" / "00000004.spans").read_bytes()
    count = int.from_bytes(spans[:4], "little")
    ints = np.frombuffer(spans, dtype="<i4", count=1 + 3 * 12 + 4 * count)
    lengths, kinds, slots, rows = ints[37:].reshape(4, count)
    chosen = [(int(slots[i]), int(rows[i])) for i in range(count) if kinds[i] == 0 and lengths[i] > 3]
    take_down(masked, sorted(set(chosen[:2])), 4, False)
    take_down(masked, sorted(set(chosen[1:4])), 5, True)
    check_feed(masked, (1, 2, 4))
    plain, now = Feed(path, rows=False).read(4), Feed(masked).read(4)
    assert now["targets_in_step"] < plain["targets_in_step"] and (now["targets"] != plain["targets"]).any()
    assert any((Feed(masked).read(s)["input_ids"] != Feed(path, rows=False).read(s)["input_ids"]).any() for s in range(5, 9))
    # Also in a reader that was open before.
    for batch in reading:
        check_equal(batch, Feed(masked, rows=False).read(batch["step"]))
    try:
        run_snippet(snippet, masked, 4, 0, 2)
        raise SystemExit("numpy's reader was given what is taken down")
    except AssertionError as error:
        assert "taken down since" in str(error)
    subprocess.run([*materialise, str(masked)], check=True, stdout=subprocess.DEVNULL)
    check_feed(masked, (1, 2, 4))
    check_snippet(masked, snippet)


def run_snippet(snippet, path, step, rank, world):
    places = re.sub(r"^rows, step, rank, world = .*$", "rows, step, rank, world = PLACES", snippet, flags=re.M)
    assert places != snippet
    names = {"PLACES": (path / "rows", step, rank, world)}
    exec(places, names)
    return names


def check_snippet(path, snippet):
    """The lines of the README that read without Headrace."""
    for step in range(9):
        for world in (1, 2, 4, 12):
            for rank in range(world):
                names = run_snippet(snippet, path, step, rank, world)
                ids, first = names["input_ids"], names["first"]
                expected = Feed(path, rank, world, rows=False).read(step)["input_ids"]
                samples = names["file"]["order"][first : first + len(ids)]
                assert sorted(samples) == list(range(rank, 12, world))
                assert (ids[np.argsort(samples)] == expected).all()


def check_forms(*paths):
    """Steps whose pieces are aligned, whose last targets are known and whose samples change their length, also with what is taken down since."""
    for path in map(Path, paths):
        for verify in ("pieces", "files", "off"):
            assert check_feed(path, (1, 2, 4), verify=verify) == []
        bare = copy(path, "bare")
        shutil.rmtree(bare / "blocks")
        kept = [batch for batch in Feed(bare)]
        for batch, expected in zip(kept, Feed(path, rows=False), strict=True):
            check_equal(batch, expected)
        assert len({batch["input_ids"].shape for batch in kept}) == 4
        check_form_damage(path)
        take_down(path, some_rows(path), 1, False)
        take_down(path, some_rows(path)[:1], 2, True)
        assert check_feed(path, (1, 2, 4)) == []


def some_rows(path):
    """Documents of the first step."""
    file = json.loads((path / "rows" / "00000000.json").read_text())
    data = (path / "rows" / file["spans"]).read_bytes()
    count = int.from_bytes(data[:4], "little")
    columns = np.frombuffer(data, dtype="<i4", count=4 * count, offset=4 * (1 + 3 * file["batch"])).reshape(4, count)
    return sorted({(int(slot), int(row)) for _, kind, slot, row in columns.T if kind == 0})[:6]


def check_form_damage(path):
    """A file that says another form, as one of an older writer would, and one whose targets were altered are not used."""
    other = copy(path, "other")
    description = other / "rows" / "00000004.json"
    says = json.loads(description.read_text())
    description.write_text(json.dumps({**says, "version": 1}))
    assert any("lie otherwise than those of the feed" in line for line in check_feed(other))
    description.write_text(json.dumps(says))
    file = other / "rows" / says["spans"]
    data = bytearray(file.read_bytes())
    count = int.from_bytes(data[:4], "little")
    columns = 5 if says.get("cutTargets") else 4
    data[4 * (1 + 3 * says["batch"] + (columns - 1) * count)] ^= 1
    file.write_bytes(data)
    assert any("has other bytes than its description says" in line for line in check_feed(other))


def main(path, readme, *materialise):
    snippet = re.search(r"```python\n(import json, numpy as np\n.*?)```", Path(readme).read_text(), re.S).group(1)
    lines = [line for line in snippet.splitlines() if line and not line.startswith(("import", "from"))]
    assert len(lines) <= 10, "it is ten lines"
    path = Path(path)
    check_equality(path)
    check_used(path)
    check_stretches(path)
    check_buffers(path)
    check_snippet(path, snippet)
    check_damage(path)
    check_take_downs(path, snippet, materialise)


if __name__ == "__main__":
    check_forms(*sys.argv[2:]) if sys.argv[1] == "--forms" else main(*sys.argv[1:])
