"""Steps that stand in files of rows (`headrace materialise`), in which a rank's part of a step is one stretch."""

import hashlib
import json
import logging
import os
import re
import time
import zlib
from collections import OrderedDict

import numpy as np

from .buffers import Buffers
from .fields import NO_TARGET, positions_of, targets_of

FILES_MAX = 8
# Of one call that reads into several places: fewer than any system takes.
PLACES_MAX = 1024
BYTES_MAX = 1 << 30
LEARNED, PADDING, MASKED = 0, 1, 2
SETTLED_NS = 1_000_000_000
FETCHED = 8

log = logging.getLogger("headrace")


class Damaged(Exception):
    """What is wrong with a file of rows. Its steps are read from blocks and shards instead."""


class Rows:
    """Makes one rank's part of the steps that stand below `rows/` of a feed, equal to what is cut from shards, and says None for others."""

    def __init__(self, path, rank, world, targets_dtype, verify, masks):
        self._path = os.path.join(path, "rows")
        self._rank, self._world = rank, world
        self._targets_dtype = targets_dtype
        self._verify = verify
        self._masks = masks
        # The first step of each file, as they were when the folder had this stamp.
        self._stamp, self._firsts = None, []
        self._files = OrderedDict()
        self._buffers = Buffers()
        self._told = set()

    def make(self, step, head):
        """The rank's part of a step, or None where it does not stand here. What stands here and is not the step is told, once a file."""
        first = None
        try:
            first = self._find(step["step"])
            if first is None:
                return None
            file = self._open(first, head)
            index = step["step"] - first
            if index >= file.steps:
                return self._miss(step["step"])
            return self._make(file, index, step, head)
        except (Damaged, OSError, ValueError, KeyError, TypeError, IndexError) as error:
            self._files.pop(first, None)
            self._tell(first, f"step {step['step']} is read from blocks, as its file in {self._path} can't be used: {error}")
            return None

    def _find(self, number):
        """The first step of the file that may have a step."""
        try:
            stamp = os.stat(self._path).st_mtime_ns
        except FileNotFoundError:
            return None
        if stamp != self._stamp:
            names = os.listdir(self._path)
            self._firsts = sorted(int(name[:-5]) for name in names if re.fullmatch(r"[0-9]{8,16}\.json", name))
            # A name that comes within the same tick of the system's clock does not show.
            self._stamp = stamp if time.time_ns() - stamp > SETTLED_NS else None
        index = int(np.searchsorted(self._firsts, number, side="right")) - 1
        return self._firsts[index] if index >= 0 else self._miss(number)

    def _miss(self, number):
        self._tell("missing", f"step {number} stands in no file of {self._path}: it, and others like it, are read from blocks")

    def _tell(self, what, text):
        if what not in self._told:
            self._told.add(what)
            log.warning("%s", text)

    def _open(self, first, head):
        file = self._files.get(first)
        if file is None:
            file = self._files[first] = _RowFile(self._path, first, head, self._rank, self._world)
            if len(self._files) > FILES_MAX:
                self._files.popitem(last=False)
        self._files.move_to_end(first)
        return file

    def _make(self, file, index, step, head):
        digest = step["digest"]
        shape = (step["samples"], step.get("length", head["length"]))
        if file.says["digests"][index] != digest or (file.batch, file.says["length"]) != shape:
            raise Damaged("it has another history of the feed: headrace materialise mends it")
        spans = file.spans(index)
        if self._verify != "off":
            spans.check_seal(head["feed"], digest, file.says["sha256"][index], file.says["seals"][index])
        ids = file.ids(index, self._buffers)
        own = file.own
        if self._verify != "off":
            _check_rows(ids, spans.checks[own])
        if self._verify == "files":
            file.check_hash(index, ids)
        kinds, blank = self._mask(spans, step["step"])
        at = spans.of_samples(own) if self._world > 1 else slice(None)
        lengths, flat = spans.lengths[at], ids.reshape(-1)
        padded = _bounds_of(spans.room(head.get("align", 1))[at])
        cu_seqlens = _bounds_of(lengths) if head.get("align", 1) > 1 else padded
        bounds = padded.tolist()
        if bounds[-1] != len(flat):
            raise Damaged("its spans are not those of its samples")
        silent = [(bounds[i], bounds[i + 1]) for i in np.flatnonzero(kinds[at]).tolist()]
        for i in np.flatnonzero(blank[at]).tolist() if blank is not None else ():
            flat[bounds[i] : bounds[i] + int(lengths[i])] = head["endOfText"] or 0
        ends = padded[:-1] + lengths
        aligned = np.flatnonzero(ends < padded[1:])
        silent += zip(ends[aligned].tolist(), padded[1:][aligned].tolist())
        following = None if spans.next is None else np.where(spans.next < 0, NO_TARGET, spans.next)[at]
        take = self._buffers.take
        return {
            "step": step["step"],
            "digest": digest,
            "input_ids": ids,
            "targets": targets_of(flat, ends, following, silent, take(flat.shape, self._targets_dtype)).reshape(ids.shape),
            "position_ids": positions_of(padded, take(flat.shape, np.int32)).reshape(ids.shape),
            "cu_seqlens": cu_seqlens,
            "cu_seqlens_padded": padded,
            "documents": spans.documents_at(at),
            "domains": [file.says["domains"][number] for number in spans.domains[own].tolist()],
            "targets_in_step": spans.count_targets(kinds == LEARNED),
        }

    def _mask(self, spans, step):
        """The kind of each span, by what was taken down until now, and which are blank by that: the file may be older. None: no other ones."""
        if self._masks.is_empty:
            return spans.kinds, None
        kinds, blank = spans.kinds.copy(), np.zeros(len(spans.kinds), dtype=bool)
        addresses = zip(spans.slots.view("<u4").tolist(), spans.rows.view("<u4").tolist())
        for i, address in enumerate(addresses):
            masked = self._masks.judge(address, step) if kinds[i] != PADDING else None
            if masked is not None:
                kinds[i] = MASKED
                blank[i] = masked == "all"
        return kinds, blank


class _RowFile:
    """An open file of rows: its description, and the two files that this names."""

    def __init__(self, path, first, head, rank, world):
        with open(os.path.join(path, f"{first:08d}.json"), encoding="utf-8") as file:
            self.says = says = json.load(file)
        self.steps, self.batch = says["steps"], says["batch"]
        if says["version"] not in (1, 2):
            raise Damaged(f"its version is {says['version']!r}, and this client reads versions 1 and 2: install a newer headrace")
        self._has_next = head.get("cutTargets") == "next"
        if says["version"] != (2 if self._has_next or head.get("align", 1) > 1 else 1):
            raise Damaged("its spans lie otherwise than those of the feed: headrace materialise mends it")
        if (says["feed"], says["first"]) != (head["feed"], first):
            raise Damaged("it is of another feed: headrace materialise mends it")
        if sorted(says["order"]) != list(range(self.batch)):
            raise Damaged("its order of rows is none")
        if any(len(says[name]) != self.steps for name in ("digests", "sha256", "seals", "spansEnds")):
            raise Damaged("it has more or fewer values than steps")
        self._row_bytes = 4 * says["length"]
        self._step_bytes = self.batch * self._row_bytes
        self._ids = open(_below(path, says["ids"]), "rb", buffering=0)
        self._spans = open(_below(path, says["spans"]), "rb", buffering=0)
        if os.fstat(self._ids.fileno()).st_size != self.steps * self._step_bytes:
            raise Damaged(f"{says['ids']} has not the bytes of its steps")
        self._world = world
        # The numbers of the rank's samples.
        self.own = np.arange(rank, self.batch, world)
        self._stretches = _stretches(np.argsort(says["order"])[rank::world])
        for file in (self._ids, self._spans):
            self._advise(file, "POSIX_FADV_RANDOM", 0, 0)
        # Steps for which the next one is still asked for ahead.
        self._fetched = 0

    def ids(self, index, buffers):
        """The rank's samples of a step, in their order."""
        ids = buffers.take((len(self.own), self.says["length"]), np.int32)
        view = memoryview(ids).cast("B")
        places = [view[at : at + self._row_bytes] for at in range(0, len(view), self._row_bytes)]
        base, is_cold = index * self._step_bytes, False
        for row, samples in self._stretches:
            is_cold |= _read_into(self._ids.fileno(), [places[sample] for sample in samples], base + row * self._row_bytes)
        # Where the disk is at work, the next step is fetched while this one is used: what follows this step is for other ranks.
        self._fetched = FETCHED if is_cold else max(0, self._fetched - 1)
        if self._fetched > 0 and index + 1 < self.steps:
            low, high = self._stretches[0][0], self._stretches[-1][0] + len(self._stretches[-1][1])
            ends = self.says["spansEnds"]
            self._advise(self._spans, "POSIX_FADV_WILLNEED", ends[index], ends[index + 1] - ends[index])
            self._advise(self._ids, "POSIX_FADV_WILLNEED", base + self._step_bytes + low * self._row_bytes, (high - low) * self._row_bytes)
        return ids

    def spans(self, index):
        """What else the step has, of all ranks."""
        ends = self.says["spansEnds"]
        start = ends[index - 1] if index > 0 else 0
        data = os.pread(self._spans.fileno(), ends[index] - start, start)
        if len(data) != ends[index] - start:
            raise Damaged(f"{self.says['spans']} ends before the step")
        return _Spans(data, self.batch, self._has_next)

    def check_hash(self, index, ids):
        """The SHA-256 of a step's rows. Of a part of them there is none, so the others are read, too."""
        digest = hashlib.sha256()
        if self._world == 1:
            for sample in self.says["order"]:
                digest.update(ids[sample])
        else:
            for at in range(0, self._step_bytes, BYTES_MAX):
                digest.update(os.pread(self._ids.fileno(), min(BYTES_MAX, self._step_bytes - at), index * self._step_bytes + at))
        if digest.hexdigest() != self.says["sha256"][index]:
            raise Damaged(f"{self.says['ids']} has other bytes of the step than its description says: remove both, and materialise again")

    @staticmethod
    def _advise(file, advice, start, length):
        # Not all systems have it.
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), start, length, getattr(os, advice))


class _Spans:
    """What `spans` has of a step: see `src/rows/step-spans.ts`."""

    def __init__(self, data, samples, has_next):
        count = int.from_bytes(data[:4], "little")
        columns = 5 if has_next else 4
        ints = np.frombuffer(data, dtype="<i4", count=1 + 3 * samples + columns * count)
        self.counts, self.domains, self.checks = ints[1 : 1 + 3 * samples].reshape(3, samples)
        self.lengths, self.kinds, self.slots, self.rows, *others = ints[1 + 3 * samples :].reshape(columns, count)
        self.next = others[0] if has_next else None
        self._data, self._text = data, data[4 * len(ints) :]

    def check_seal(self, feed, digest, sha256, seal):
        found = hashlib.sha256(f"{feed}\n{digest}\n{sha256}\n".encode())
        found.update(self._data)
        if found.hexdigest() != seal:
            raise Damaged("what it says of the step has other bytes than its description says: remove it, and materialise again")

    def room(self, align):
        """The tokens of a row that each span takes, with those that align the next one."""
        return self.lengths if align == 1 else np.where(self.kinds == PADDING, self.lengths, -(-self.lengths // align) * align)

    def count_targets(self, learned):
        """Targets of these spans: each has one less than tokens, or as many where one is known behind it."""
        count = int(self.lengths[learned].sum(dtype=np.int64)) - int(np.count_nonzero(learned))
        return count if self.next is None else count + int(np.count_nonzero(self.next[learned] >= 0))

    def of_samples(self, own):
        """The numbers of the spans of some samples."""
        ends, counts = np.cumsum(self.counts), self.counts[own]
        if ends[-1] != len(self.lengths):
            raise Damaged("its spans are not those of its samples")
        first = ends[own] - counts
        before = np.cumsum(counts) - counts
        return np.arange(int(counts.sum())) + np.repeat(first - before, counts)

    def documents_at(self, at):
        documents = json.loads(self._text)
        if len(documents) != len(self.lengths):
            raise Damaged("it has not an id for each span")
        return documents if isinstance(at, slice) else [documents[i] for i in at.tolist()]


def _bounds_of(lengths):
    bounds = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=bounds[1:])
    return bounds


def _stretches(rows):
    """Rows of a file in which samples 0, 1, 2 ... of a rank lie: the first row of each stretch, and the samples in it."""
    samples = np.argsort(rows)
    borders = np.flatnonzero(np.diff(rows[samples]) != 1) + 1
    return [(int(rows[part[0]]), part.tolist()) for part in np.split(samples, borders)]


def _read_into(file, places, at):
    """Fills places one after the other from `at` on, and says whether the disk had to be asked for it."""
    size, is_cold = len(places[0]), False
    count = min(PLACES_MAX, max(1, BYTES_MAX // size))
    for i in range(0, len(places), count):
        part = places[i : i + count]
        if not _read_held(file, part, at + i * size):
            is_cold = True
            if _read_places(file, part, at + i * size) != size * len(part):
                raise Damaged("its rows end before the step")
    return is_cold


def _read_held(file, places, at):
    """Reads what the system holds in memory; whether that was all. Not all systems, nor all file systems, can tell."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    try:
        return os.preadv(file, places, at, os.RWF_NOWAIT) == len(places) * len(places[0])
    except OSError:
        return False


def _read_places(file, places, at):
    if hasattr(os, "preadv"):
        return os.preadv(file, places, at)
    done = 0
    for place in places:
        data = os.pread(file, len(place), at + done)
        place[: len(data)] = data
        done += len(data)
    return done


def _check_rows(ids, checks):
    for row, check in zip(ids, checks.tolist()):
        if zlib.crc32(row) != check & 0xFFFFFFFF:
            raise Damaged("its tokens are not those that were written: remove it, and materialise again")


def _below(path, name):
    if not re.fullmatch(r"[0-9]{8,16}(\.[0-9]{1,9})?\.(i32|spans)", name):
        raise Damaged(f"it names {name!r} for its data")
    return os.path.join(path, name)
