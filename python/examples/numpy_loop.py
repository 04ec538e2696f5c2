"""Trains on a feed without any framework: numpy alone, gradients by hand.

    python numpy_loop.py FEED --steps 40 --world 4

What says the next token is a table by the token before. `--world 4` takes the batch in the parts of four ranks, one after another, as four
processes would that add their gradients: losses and digests are those of one.
"""

import argparse

import numpy as np

from headrace import Feed


class Table:
    """Logits of the next token by the token before. Ids are folded to `vocabulary`, so that it stays small."""

    def __init__(self, vocabulary=512):
        self.vocabulary = vocabulary
        self.logits = np.zeros((vocabulary, vocabulary))

    def loss(self, batch):
        """The sum of losses over the targets of a batch, and its gradient."""
        has_target = batch["targets"] >= 0
        tokens = batch["input_ids"][has_target] % self.vocabulary
        targets = batch["targets"][has_target] % self.vocabulary
        chances = np.exp(self.logits[tokens])
        chances /= chances.sum(1, keepdims=True)
        each = np.arange(len(targets))
        loss = -np.log(chances[each, targets]).sum()
        chances[each, targets] -= 1
        gradient = np.zeros_like(self.logits)
        np.add.at(gradient, tokens, chances)
        return loss, gradient


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    parser.add_argument("--world", type=int, default=1, help="ranks that share a batch")
    arguments = parser.parse_args()

    table = Table()
    ranks = [Feed(arguments.feed, rank, arguments.world) for rank in range(arguments.world)]
    for step in range(arguments.steps):
        batches = [next(feed) for feed in ranks]
        targets = batches[0]["targets_in_step"]
        losses, gradients = zip(*(table.loss(batch) for batch in batches))
        table.logits -= 100 * sum(gradients) / targets
        print(f"step {step} loss {sum(losses) / targets:.4f} {batches[0]['digest'][:12]}", flush=True)


if __name__ == "__main__":
    main()
