"""Holds a Loader in the loaders and trainers of others: test_frameworks.py FEED_DIR. Needs torchdata and lightning."""

import logging
import pickle
import sys
import tempfile
import warnings

from support import error_of
import lightning
import torch
from torch.utils.data import DataLoader
from torchdata.stateful_dataloader import StatefulDataLoader

from headrace import Feed
from headrace.torch import Loader, StepDataset


def check_data_loader(path):
    """A Loader is a dataset that a DataLoader takes, in line and in one worker however that is started; several are refused."""
    steps = [batch["step"] for batch in Feed(path)]
    assert len(pickle.dumps(Loader(path))) < 2_000
    for workers, method in ((0, None), (1, "fork"), (1, "spawn")):
        loader = DataLoader(Loader(path), batch_size=None, num_workers=workers, multiprocessing_context=method)
        assert [batch.step for batch in loader] == steps, (workers, method)
    several = DataLoader(Loader(path), batch_size=None, num_workers=2, multiprocessing_context="fork")
    try:
        next(iter(several))
    except Exception as error:
        assert "headrace.torch.StepDataset" in str(error), error
    else:
        raise AssertionError("two workers were not refused")


def check_stateful(path):
    """A StatefulDataLoader goes on behind the batches that it gave, of a Loader and of steps by their numbers."""
    steps = [batch["step"] for batch in Feed(path)]
    datasets = ((lambda: Loader(path), {}), (lambda: StepDataset(path), {"sampler": range(len(steps))}))
    for make, options in datasets:
        for workers in (0, 1):
            first = StatefulDataLoader(make(), batch_size=None, num_workers=workers, **options)
            seen = []
            for batch in first:
                seen.append(batch.step)
                if len(seen) == 5:
                    break
            state = pickle.loads(pickle.dumps(first.state_dict()))
            other = StatefulDataLoader(make(), batch_size=None, num_workers=workers, **options)
            other.load_state_dict(state)
            assert seen + [batch.step for batch in other] == steps, (workers, seen)


class Model(lightning.LightningModule):
    """Remembers which steps it was trained on, and keeps the place behind the last one: Lightning has fetched the next already."""

    def __init__(self, loader):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.loader = loader
        self.steps = []

    def training_step(self, batch, _):
        self.steps.append(batch.step)
        self.place = self.loader.state_after(batch)
        return self.layer(batch.input_ids[:1, :1].float()).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.0)

    def on_save_checkpoint(self, checkpoint):
        checkpoint["headrace"] = self.place

    def on_load_checkpoint(self, checkpoint):
        self.loader.load_state_dict(checkpoint["headrace"])


def check_lightning(path):
    """Lightning looks one batch ahead of an iterable without a length. `state_after` counts what was trained on."""
    steps = [batch["step"] for batch in Feed(path)]
    options = {"accelerator": "cpu", "devices": 1, "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    with tempfile.TemporaryDirectory() as folder:

        def train(steps_max, checkpoint=None):
            model = Model(Loader(path))
            trainer = lightning.Trainer(max_steps=steps_max, enable_checkpointing=False, default_root_dir=folder, **options)
            trainer.fit(model, DataLoader(model.loader, batch_size=None), ckpt_path=checkpoint)
            trainer.save_checkpoint(f"{folder}/{steps_max}.ckpt")
            return model

        first = train(4)
        second = train(9, f"{folder}/4.ckpt")
        assert first.steps == steps[:4] and first.place["step"] == 4
        assert second.steps == steps[4:9], second.steps
        assert first.loader.state_dict()["step"] == 5, "Lightning looks ahead no more: the advice of Loader can go"


def main(path):
    # Both tell of workers that two cores have no room for, and of what torch is to rename.
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    check_data_loader(path)
    check_stateful(path)
    check_lightning(path)
    error_of(lambda: Loader(path).load_state_dict({}))


if __name__ == "__main__":
    main(*sys.argv[1:])
