"""The ids that Hugging Face's tokenizers give the texts of a file, as JSON, each with whether something was cut off."""

import json
import sys

from tokenizers import BertWordPieceTokenizer

vocabulary, texts, casing, tokens_max = sys.argv[1:]
tokenizer = BertWordPieceTokenizer(vocabulary, lowercase=casing == "lower", strip_accents=casing == "lower")
tokenizer.no_padding()
tokenizer.enable_truncation(int(tokens_max))
with open(texts, encoding="utf-8") as file:
    encoded = tokenizer.encode_batch(json.load(file))
print(json.dumps([{"ids": one.ids, "isCut": len(one.overflowing) > 0} for one in encoded]))
