"""Trains a Llama on a feed by the Trainer of transformers, on any number of ranks that divides the feed's batch, and goes on from a checkpoint.

    python hugging_face.py FEED OUT --steps 40
    torchrun --nproc-per-node 4 hugging_face.py FEED OUT --steps 80     # goes on from step 40, on four ranks

Needs transformers and accelerate. Three things are for the feed: batches come from a `Loader` as they are (the Trainer would cut and shuffle
those of a dataset), the loader's state lies in each checkpoint, and the Trainer does not count batches to find its place (`ignore_data_skip`).
Losses come out right by themselves, as the Trainer divides by the targets of all ranks.
"""

import argparse
import json
import os

import torch
from transformers import LlamaConfig, LlamaForCausalLM, Trainer, TrainerCallback, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from headrace.torch import Loader, for_hf, micro

STATE = "headrace.json"

# Where ranks have no GPU, transformers loads the optimizer to "cpu:0", and torch knows "cpu" alone.
torch.serialization.register_package(100, lambda storage: None, lambda storage, place: storage if place.startswith("cpu:") else None)


class FeedTrainer(Trainer):
    """A Trainer that is fed by a Loader: a step of the feed is one of the optimizer."""

    def __init__(self, *args, loader, **options):
        super().__init__(*args, **options)
        self.loader = loader
        self.add_callback(KeepPlace(loader))

    def get_train_dataloader(self):
        return Parts(self.loader, self.args.gradient_accumulation_steps)

    def _load_from_checkpoint(self, resume_from_checkpoint, model=None):
        super()._load_from_checkpoint(resume_from_checkpoint, model)
        with open(os.path.join(resume_from_checkpoint, STATE), encoding="utf-8") as file:
            self.loader.load_state_dict(json.load(file))


class Parts:
    """What the Trainer iterates over: the micro-batches of each step, as the model takes them."""

    def __init__(self, loader, parts):
        self.loader, self.parts = loader, parts

    def __iter__(self):
        for batch in self.loader:
            for part in micro(batch, self.parts):
                given = for_hf(part)
                # The Trainer counts by itself, over micro-batches and ranks.
                del given["num_items_in_batch"]
                yield given


class KeepPlace(TrainerCallback):
    """Puts the loader's state into each checkpoint, and prints each step as the other examples do."""

    def __init__(self, loader):
        self.loader = loader

    def on_save(self, args, state, control, **_):
        if state.is_world_process_zero:
            place = os.path.join(args.output_dir, f"checkpoint-{state.global_step}", STATE)
            with open(f"{place}.new", "w", encoding="utf-8") as file:
                json.dump(self.loader.state_dict(), file)
            os.replace(f"{place}.new", place)

    def on_log(self, args, state, control, logs=None, **_):
        if state.is_world_process_zero and "loss" in logs:
            place = self.loader.state_dict()
            print(f"step {place['step'] - 1} loss {logs['loss']:.4f} {place['digest'][:12]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("feed")
    parser.add_argument("out", help="folder of checkpoints")
    parser.add_argument("--steps", type=int, required=True, help="the last step is the one before this")
    parser.add_argument("--micro", type=int, default=1, help="micro-batches of a rank's part of a step")
    parser.add_argument("--every", type=int, default=10, help="steps between checkpoints")
    parser.add_argument("--vocabulary", type=int, required=True, help="tokens of the tokenizer: 199,998 of o200k_base")
    arguments = parser.parse_args()

    set_seed(0)
    training = TrainingArguments(
        arguments.out,
        max_steps=arguments.steps,
        gradient_accumulation_steps=arguments.micro,
        ignore_data_skip=True,
        average_tokens_across_devices=True,
        learning_rate=3e-3,
        lr_scheduler_type="constant",
        max_grad_norm=0,
        logging_steps=1,
        logging_strategy="steps",
        save_steps=arguments.every,
        save_total_limit=2,
        remove_unused_columns=False,
        report_to="none",
        disable_tqdm=True,
    )
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=arguments.vocabulary, use_cache=False, **shape))
    loader = Loader(arguments.feed, training.process_index, training.world_size)
    trainer = FeedTrainer(model, training, loader=loader)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(arguments.out) if os.path.isdir(arguments.out) else None)


if __name__ == "__main__":
    main()
