"""Trains while text still arrives, kills the trainer twice, goes on with another number of ranks, and draws the loss by domain.

    pip install './python[torch]' && python pipelines/live/demo.py

It copies the sample into a folder bit by bit, runs `headrace run --follow` over it, and trains on 2 ranks, then on 1, then on 4: each but the
last is killed with SIGKILL between two checkpoints. Then a trainer that is left alone takes the same steps on one rank, and both must have trained
on the same tokens, step by step. Needs Node (`npm ci`) and torch; some four minutes on two cores.
"""

import argparse
import glob
import gzip
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from picture import draw_losses, read_reports

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LINE = re.compile(r"step (\d+) loss (\S+) tokens (\S+)")
WAIT_SECONDS = 600


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default=os.path.join(".headrace", "demo"), help="a new folder for all of it (default .headrace/demo)")
    parser.add_argument("--steps", type=int, default=240, help="steps to train (default 240; the sample has some 300)")
    parser.add_argument("--seconds", type=float, default=90, help="in which the sample arrives (default 90)")
    arguments = parser.parse_args()
    if os.path.exists(arguments.out):
        parser.error(f"--out {arguments.out} is there already: remove it, or name another folder")
    os.makedirs(os.path.join(arguments.out, "growing"))
    out = os.path.abspath(arguments.out)
    began = time.monotonic()
    growing = threading.Thread(target=grow, args=(os.path.join(out, "growing"), arguments.seconds), daemon=True)
    growing.start()
    run = begin_run(out)
    try:
        feed = wait_for_feed(out, run)
        tell(began, f"the feed has its first step, while text arrives for {arguments.seconds:.0f} s")
        disturbed, marks, every = {}, [], max(2, arguments.steps // 24)
        for ranks, part in ((2, 0.35), (1, 0.6), (4, None)):
            # The first step behind a checkpoint, which is then done again.
            last = None if part is None else round(arguments.steps * part / every) * every
            seen = train(feed, out, "disturbed", ranks, (arguments.steps, every), last)
            marks.append((min(seen), describe(ranks)))
            disturbed.update(seen)
            ended = "killed with SIGKILL" if part else "to the end"
            arrival = "text still arrives" if growing.is_alive() else "all text is there"
            tell(began, f"{describe(ranks)}: steps {min(seen)} to {max(seen)}, {ended}; {arrival}")
    finally:
        end_run(run)
    alone = train(feed, out, "alone", 1, (arguments.steps, every))
    tell(began, f"left alone, 1 rank: steps {min(alone)} to {max(alone)}")
    compare(disturbed, alone, arguments.steps)
    draw_losses(read_reports(feed, "disturbed"), marks, os.path.join(out, "loss.svg"))
    print(f"the picture: {os.path.join(arguments.out, 'loss.svg')}")


def describe(ranks):
    return f"{ranks} rank{'s' if ranks > 1 else ''}"


def tell(began, what):
    print(f"{time.monotonic() - began:6.1f} s  {what}", flush=True)


def grow(folder, seconds):
    """The sample, file by file, each of some 128 KB and complete when it appears."""
    lines = []
    for path in sorted(glob.glob(os.path.join(ROOT, "pipelines", "sample", "sample-*.jsonl.gz"))):
        with gzip.open(path, "rb") as file:
            lines += file.readlines()
    size = sum(map(len, lines))
    began, written, part, number = time.monotonic(), 0, b"", 0
    for line in lines:
        part += line
        if len(part) < 128 * 1024 and line is not lines[-1]:
            continue
        time.sleep(max(0.0, began + seconds * written / size - time.monotonic()))
        path = os.path.join(folder, f"{number:04d}.jsonl")
        with open(f"{path}.new", "wb") as file:
            file.write(part)
        os.rename(f"{path}.new", path)
        written, part, number = written + len(part), b"", number + 1


def begin_run(out):
    program = ["node", os.path.join(ROOT, "bin", "headrace.js"), "run", os.path.join(HERE, "pipeline.ts")]
    given = ["--follow", "--input", os.path.join(out, "growing", "*.jsonl"), "--dir", os.path.join(out, "runs"), "--workers", "1"]
    with open(os.path.join(out, "run.log"), "wb") as log:
        return subprocess.Popen([*program, *given], cwd=ROOT, stdout=log, stderr=log)


def end_run(run):
    run.send_signal(signal.SIGINT)
    try:
        run.wait(60)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()


def wait_for_feed(out, run):
    feed = os.path.join(out, "runs", "live", "feed")
    last = time.monotonic() + WAIT_SECONDS
    while not os.path.exists(os.path.join(feed, "head.json")):
        if run.poll() is not None or time.monotonic() > last:
            raise SystemExit(f"the run gave no step: see {os.path.join(out, 'run.log')}")
        time.sleep(0.1)
    return feed


def train(feed, out, name, ranks, length, kill_at=None):
    """Trains under a name, `length` steps with a checkpoint every so many. Kills all ranks once they have taken the step `kill_at`.

    Returns what was printed of each step: its loss, and the digest of its tokens.
    """
    steps, every = length
    given = [feed, "--name", name, "--checkpoint", os.path.join(out, f"{name}.pt"), "--steps", str(steps)]
    given += ["--every", str(every)]
    with open(os.path.join(out, f"{name}.log"), "ab") as log:
        trainers = begin_ranks([sys.executable, os.path.join(HERE, "train.py"), *given], ranks, log)
    seen, is_killed = {}, False
    try:
        for line in trainers[0].stdout:
            match = LINE.fullmatch(line.strip())
            if match:
                seen[int(match[1])] = (float(match[2]), match[3])
            if kill_at is not None and kill_at in seen and not is_killed:
                is_killed = True
                kill_all(trainers)
        statuses = [trainer.wait(WAIT_SECONDS) for trainer in trainers]
    finally:
        kill_all(trainers)
    if not is_killed and any(statuses):
        raise SystemExit(f"the ranks ended with {statuses}: see {os.path.join(out, name)}.log")
    return seen


def begin_ranks(program, ranks, log):
    """The processes that torchrun would begin; its own would outlive it when it is killed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(ranks)}
    shared["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // ranks))
    return [
        subprocess.Popen(
            program,
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE if rank == 0 else log,
            stderr=log,
            text=True,
        )
        for rank in range(ranks)
    ]


def kill_all(trainers):
    for trainer in trainers:
        if trainer.poll() is None:
            trainer.kill()
    for trainer in trainers:
        trainer.wait()


def compare(disturbed, alone, steps):
    if not list(sorted(disturbed)) == list(sorted(alone)) == list(range(steps)):
        raise SystemExit(f"steps are missing: {len(disturbed)} and {len(alone)} of {steps}")
    other = [step for step in alone if alone[step][1] != disturbed[step][1]]
    if other:
        raise SystemExit(f"step {other[0]} was trained on other tokens than by the trainer that was left alone")
    apart = max(abs(alone[step][0] - disturbed[step][0]) for step in alone)
    part = max(1, steps // 10)
    first, last = (sum(disturbed[step][0] for step in some) / part for some in (range(part), range(steps - part, steps)))
    print(f"the same tokens in all {steps} steps; losses differ by {apart:.4f} at most; loss {first:.3f} at first, {last:.3f} at last")
    if not last < first:
        raise SystemExit("the loss did not fall")


if __name__ == "__main__":
    main()
