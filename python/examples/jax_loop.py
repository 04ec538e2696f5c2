"""Trains on a feed with JAX: batches are numpy arrays, the step is compiled, and the state goes into a checkpoint as JSON.

    python jax_loop.py FEED CHECKPOINT --steps 40      # again with more steps, it goes on

On many hosts each gives its own rank and world, `jax.process_index()` and `jax.process_count()`, and makes its rows a part of one array by
`jax.make_array_from_process_local_data`. Here one process has them all.
"""

import argparse
import json
import os

import jax
import jax.numpy as jnp
import numpy as np

from headrace import BEGINNING, Feed

VOCABULARY = 512
WIDTH = 32


def make_parameters():
    embed, up, out = jax.random.split(jax.random.key(0), 3)
    shapes = {"embed": (embed, (VOCABULARY, WIDTH)), "up": (up, (WIDTH, 4 * WIDTH)), "out": (out, (4 * WIDTH, VOCABULARY))}
    return {name: jax.random.normal(key, shape) * 0.1 for name, (key, shape) in shapes.items()}


def loss_of(parameters, ids, targets, targets_in_step):
    hidden = jax.nn.gelu(parameters["embed"][ids % VOCABULARY] @ parameters["up"])
    chances = jax.nn.log_softmax(hidden @ parameters["out"])
    each = jnp.take_along_axis(chances, (targets % VOCABULARY)[..., None], axis=-1)[..., 0]
    return -jnp.where(targets >= 0, each, 0).sum() / targets_in_step


@jax.jit
def train(parameters, ids, targets, targets_in_step):
    loss, gradients = jax.value_and_grad(loss_of)(parameters, ids, targets, targets_in_step)
    return loss, jax.tree.map(lambda value, gradient: value - 20.0 * gradient, parameters, gradients)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("checkpoint")
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    arguments = parser.parse_args()

    parameters, state = make_parameters(), BEGINNING
    if os.path.exists(arguments.checkpoint):
        with np.load(arguments.checkpoint) as saved:
            parameters = {name: jnp.asarray(saved[name]) for name in parameters}
            state = json.loads(str(saved["data"]))
    feed = Feed(arguments.feed, state=state)
    while feed.state()["step"] < arguments.steps:
        batch = next(feed)
        loss, parameters = train(parameters, batch["input_ids"], batch["targets"], batch["targets_in_step"])
        print(f"step {batch['step']} loss {loss:.4f} {batch['digest'][:12]}", flush=True)
    with open(f"{arguments.checkpoint}.new", "wb") as file:
        np.savez(file, data=json.dumps(feed.state()), **parameters)
    os.replace(f"{arguments.checkpoint}.new", arguments.checkpoint)


if __name__ == "__main__":
    main()
