"""FineWeb's order with datatrove's own parts in one process: JSON Lines in, tokens out. fineweb-datatrove.py INPUT.jsonl MODEL.ftz RANKS.tiktoken

Needs datatrove 0.10.1 with spacy, fasttext-predict and tiktoken. Tokens are made by tiktoken, which is faster than the tokenizer that
datatrove brings; language is fastText's with the model of Headrace. Prints one line of JSON: text bytes, kept, tokens, CPU and wall seconds.
"""

import base64
import json
import logging
import sys
import time

import fasttext
import tiktoken
from datatrove.data import Document
from datatrove.pipeline.filters import C4QualityFilter, FineWebQualityFilter, GopherQualityFilter, GopherRepetitionFilter

logging.disable(logging.WARNING)
path, model_path, ranks_path = sys.argv[1:4]
model = fasttext.load_model(model_path)
with open(ranks_path, "rb") as lines:
    ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line.strip())}
pattern = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
gpt2 = tiktoken.Encoding("gpt2", pat_str=pattern, mergeable_ranks=ranks, special_tokens={"<|endoftext|>": 50256})
filters = [
    GopherRepetitionFilter(),
    GopherQualityFilter(),
    C4QualityFilter(filter_no_terminal_punct=False),
    FineWebQualityFilter(),
]


def is_kept(document):
    labels, scores = model.predict(document.text.replace("\n", " "), k=1)
    if not labels or labels[0] != "__label__en" or scores[0] <= 0.65:
        return False
    for one in filters:
        try:
            if one.filter(document) is not True:
                return False
        except ZeroDivisionError:
            return False
    return True


# The first document loads spaCy's tokenizer; that is not the pipeline's speed.
is_kept(Document(text="The first text. It is here to load what is loaded once, and that is all of it.", id=""))
wall, cpu = time.time(), time.process_time()
text_bytes = kept = tokens = 0
with open(path, encoding="utf-8") as lines:
    for line in lines:
        record = json.loads(line)
        text_bytes += len(record["text"].encode())
        document = Document(text=record["text"], id=record["id"])
        if is_kept(document):
            kept += 1
            tokens += len(gpt2.encode_ordinary(document.text)) + 1
print(json.dumps({"textBytes": text_bytes, "kept": kept, "tokens": tokens, "cpuSeconds": time.process_time() - cpu, "seconds": time.time() - wall}))
