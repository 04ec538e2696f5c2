"""read_export.py FORMAT EXPECTED LENGTH DIR...: reads exports of a feed by the format's official reader; fails unless every token is the feed's.

EXPECTED has a line of JSON for each sample of the feed, in order.
"""
import csv
import gzip
import importlib.util
import itertools
import json
import os
import sys
import tempfile
import types
from pathlib import Path

import numpy as np

format_name, expected_path, length = sys.argv[1], sys.argv[2], int(sys.argv[3])
expected = [json.loads(line) for line in open(expected_path, encoding="utf8")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")


def same(got, wanted, what):
    if len(got) != len(wanted):
        raise AssertionError(f"{what}: {len(got)} and not {len(wanted)}")
    for i, (one, other) in enumerate(zip(got, wanted)):
        if one != other:
            raise AssertionError(f"{what} {i}: {one} and not {other}")


def ints(values):
    return [int(value) for value in values]


rows = [sample["tokens"] for sample in expected]
pieces = [sample["tokens"][start : start + count] for sample in expected for start, count, _ in sample["pieces"]]
fields = ("tokens", "targets", "positions", "domain", "step")


def read_mds(folder):
    from streaming import StreamingDataset

    scratch = tempfile.mkdtemp()
    # As a remote, as hashes are checked there alone.
    data = StreamingDataset(
        remote=str(folder), local=scratch, shuffle=False, batch_size=1, num_canonical_nodes=1, validate_hash="sha256"
    )
    got = [{name: ints(row[name]) if hasattr(row[name], "shape") else row[name] for name in row} for row in data]
    for name in fields:
        same([row[name] for row in got], [sample[name] for sample in expected], name)
    same([ints(row["cu_seqlens"]) for row in got], [sample["bounds"] for sample in expected], "cu_seqlens")
    same([json.loads(row["documents"]) for row in got], [sample["documents"] for sample in expected], "documents")


def share_mds():
    """What MosaicML's own partition gives to ranks: with one canonical node a global batch is a step."""
    from streaming.base.partition.orig import get_partitions_orig

    batch = 12
    for nodes, ranks, workers in ((1, 1, 1), (1, 4, 1), (1, 1, 2), (2, 1, 3), (2, 3, 2)):
        ids = get_partitions_orig(len(rows), 1, nodes, ranks, workers, batch // (nodes * ranks))
        for step in range(len(rows) // batch):
            # A DataLoader takes a batch of each worker in turn.
            given = sorted(ids[:, :, step % workers, step // workers].flatten().tolist())
            same(given, list(range(step * batch, (step + 1) * batch)), f"step {step} on {nodes} x {ranks} x {workers}")


def read_megatron(folder):
    from megatron.core.datasets.indexed_dataset import IndexedDataset

    got, documents = [], 0
    for name in sorted(folder.glob("*.idx")):
        data = IndexedDataset(str(name)[:-4], mmap=True)
        got += [ints(data[i]) for i in range(len(data))]
        documents += len(data.document_indices) - 1
    same(got, pieces, "sequence")
    assert documents == len(pieces)


def read_datatrove(folder):
    from datatrove.utils.dataset import DatatroveFolderDataset

    token_size = 2 if folder.name.endswith("-2") else 4
    data = DatatroveFolderDataset(
        str(folder), seq_len=length - 1, filename_pattern="*.ds", token_size=token_size, return_positions=True
    )
    got = [data[i] for i in range(len(data))]
    same([ints(row["input_ids"]) for row in got], rows, "row")
    same([ints(row["positions"]) for row in got], [sample["positions"] for sample in expected], "positions")


def read_olmo_by_numpy(folder):
    got, bounds = [], []
    before = 0
    for path in sorted(folder.glob("*.npy")):
        tokens = np.memmap(path, dtype=np.uint32, mode="r")
        got += tokens.reshape(-1, length).tolist()
        with gzip.open(path.with_suffix(".csv.gz"), "rt", newline="") as file:
            for start, end, document, domain, step in csv.reader(file):
                bounds.append([before + int(start), before + int(end), document, domain, int(step)])
        before += len(tokens)
    same(got, rows, "row")
    wanted = [
        [i * length + start, i * length + start + count, document, sample["domain"], sample["step"]]
        for i, sample in enumerate(expected)
        for start, count, document in sample["pieces"]
    ]
    same(bounds, wanted, "document")


def read_olmo(folder):
    from olmo_core.data import DataCollator, NumpyDataLoaderBase, NumpyDatasetDType, NumpyFSLDatasetConfig, TokenizerConfig
    from olmo_core.data.utils import iter_document_indices

    paths = sorted(str(path) for path in folder.glob("*.npy"))
    data = NumpyFSLDatasetConfig(
        paths=paths,
        sequence_length=length,
        tokenizer=TokenizerConfig(vocab_size=100_000, eos_token_id=60_000, pad_token_id=60_000),
        dtype=NumpyDatasetDType.uint32,
        work_dir=tempfile.mkdtemp(),
    ).build()
    data.prepare()
    same([ints(data[i]["input_ids"]) for i in range(len(data))], rows, "row")
    batch = 12
    loader = NumpyDataLoaderBase.wrap_numpy_dataset(
        data,
        collator=DataCollator(pad_token_id=60_000),
        global_batch_size=batch * length,
        work_dir=tempfile.mkdtemp(),
        shuffle=False,
    )
    loader.reshuffle(epoch=1)
    same([ints(row) for step in loader for row in step["input_ids"]], rows, "row of a batch")
    got = []
    for path in paths:
        tokens = np.memmap(path, dtype=np.uint32, mode="r")
        got += [tokens[start:end].tolist() for start, end in iter_document_indices(path, use_array_if_local=False)]
    same(got, pieces, "document")


def read_hf(folder):
    import datasets

    datasets.disable_progress_bars()
    names = sorted(str(path) for path in folder.glob("*.arrow"))
    for data in (
        datasets.load_from_disk(str(folder)),
        datasets.load_dataset("arrow", data_files=names, split="train", streaming=True),
    ):
        got = list(data)
        same([row["input_ids"] for row in got], rows, "row")
        same([row["position_ids"] for row in got], [sample["positions"] for sample in expected], "positions")
        same([row["cu_seqlens"] for row in got], [sample["bounds"] for sample in expected], "cu_seqlens")
        same([json.loads(row["documents"]) for row in got], [sample["documents"] for sample in expected], "documents")
        for name in ("targets", "domain", "step"):
            same([row[name] for row in got], [sample[name] for sample in expected], name)


def read_webdataset(folder):
    import webdataset

    names = sorted(str(path) for path in folder.glob("*.tar"))
    got = list(webdataset.WebDataset(names, shardshuffle=False).decode())
    for name in ("tokens", "targets", "positions"):
        same([ints(row[f"{name}.npy"]) for row in got], [sample[name] for sample in expected], name)
    same([ints(row["cu_seqlens.npy"]) for row in got], [sample["bounds"] for sample in expected], "cu_seqlens")
    for name in ("domain", "step", "documents"):
        same([row["json"][name] for row in got], [sample[name] for sample in expected], name)


def read_litdata(folder):
    from litdata import StreamingDataset
    from litdata.streaming.item_loader import TokensLoader

    data = StreamingDataset(str(folder), item_loader=TokensLoader(block_size=length), shuffle=False)
    same([ints(data[i]) for i in range(len(data))], rows, "row")
    same([ints(row) for row in itertools.islice(data, len(rows) + 1)], rows, "row that is iterated")


def prepare_internevo():
    """Its package imports a whole trainer that does not load, so the parents of the reader's module are bare. Its own code is as it is."""
    if "internlm" in sys.modules:
        return
    root = importlib.util.find_spec("internlm").submodule_search_locations[0]
    for name in ("internlm", "internlm.data", "internlm.data.tokenized"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = [root + "/".join([""] + name.split(".")[1:])]


def read_internevo(folder):
    prepare_internevo()
    from internlm.data.tokenized.single_dataset import JsonlDataset

    got = []
    for path in sorted((folder / "train" / "headrace").glob("*.bin")):
        data = JsonlDataset(str(path), dataset_type_id=0, min_length=0)
        got += [data[i]["tokens"] for i in range(len(data))]
        assert len(JsonlDataset(str(path), min_length=50)) == sum(len(tokens) >= 50 for tokens in got[-len(data) :])
    same(got, pieces, "line")


readers = {
    "mds": read_mds,
    "megatron": read_megatron,
    "datatrove": read_datatrove,
    "olmo-numpy": read_olmo_by_numpy,
    "olmo": read_olmo,
    "hf": read_hf,
    "webdataset": read_webdataset,
    "litdata": read_litdata,
    "internevo": read_internevo,
}
for name in sys.argv[4:]:
    readers[format_name](Path(name))
if format_name == "mds":
    share_mds()
print(f"{len(rows)} samples, {len(pieces)} pieces")
