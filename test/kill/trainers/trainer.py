"""A rank of a trainer that `npm run kill:trainers` kills: trainer.py URL CACHE FOLDER LIFE RANK WORLD EVERY MUTANT [STATE]

It writes a line a step to FOLDER/LIFE-RANK.jsonl, with the SHA-256 of its part of the batch, and every EVERY steps the state to go on with to
FOLDER/state-STEP-RANK.json: a checkpoint stands once all ranks of the life have written theirs. MUTANT is a mistake that it makes, or "none".
"""

import hashlib
import json
import os
import sys

from headrace import Feed

# Behind steps of the run that are still to come, and a server that is away.
WAIT_SECONDS = 90


def write_whole(path, value):
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.rename(f"{path}.new", path)


def main():
    url, cache, folder, life, rank, world, every, mutant, *state = sys.argv[1:]
    rank, world, every = int(rank), int(world), int(every)
    given = {"state": json.loads(open(state[0], encoding="utf-8").read())} if state else {}
    # So small that files go while others are fetched.
    feed = Feed(url, rank, world, follow=True, timeout=WAIT_SECONDS, poll_seconds=0.05, cache=cache, cache_bytes_max=2**20, **given)
    with open(os.path.join(folder, f"{life}-{rank}.jsonl"), "x", encoding="utf-8") as log:
        for batch in feed:
            if mutant == "other-tokens" and batch["step"] % 7 == 3:
                batch = {**batch, "input_ids": batch["targets"]}
            tokens = hashlib.sha256(batch["input_ids"].tobytes()).hexdigest()
            log.write(json.dumps({"step": batch["step"], "rank": rank, "world": world, "digest": batch["digest"], "tokens": tokens}) + "\n")
            log.flush()
            if (batch["step"] + 1) % every == 0:
                if mutant == "skipped-step":
                    next(feed, None)
                write_whole(os.path.join(folder, f"state-{batch['step'] + 1}-{rank}-{life}.json"), feed.state())
    write_whole(os.path.join(folder, f"ended-{life}-{rank}"), feed.state())


if __name__ == "__main__":
    main()
