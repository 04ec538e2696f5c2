"""Trains models of SentencePiece and KenLM on texts, and writes what these make of them: `ask_kenlm.py FOLDER`, of FOLDER/texts.jsonl. With the
program `build_binary` of KenLM's source in BUILD_BINARY, binary files of every type, too."""

import json
import math
import os
import random
import subprocess
import sys
from collections import Counter

import kenlm
import sentencepiece

folder = sys.argv[1]
at = lambda name: os.path.join(folder, name)
with open(at("texts.jsonl")) as file:
    texts = [json.loads(line) for line in file]
lines = [line for text in texts for line in text.split("\n")]


def train(name, **options):
    with open(at("lines"), "w") as file:
        file.write("\n".join(lines))
    sentencepiece.SentencePieceTrainer.train(
        input=at("lines"), model_prefix=at(name), minloglevel=2, max_sentence_length=100_000, hard_vocab_limit=False, num_threads=2, **options
    )
    return sentencepiece.SentencePieceProcessor(model_file=at(name + ".model"))


def split(line):
    """As KenLM does: at the white space of ASCII."""
    return [word.decode() for word in line.encode().split()]


def write_arpa(name, sentences, order):
    counts = [Counter() for _ in range(order)]
    for sentence in sentences:
        words = ["<s>", *sentence, "</s>"]
        for n in range(order):
            counts[n].update(tuple(words[i : i + n + 1]) for i in range(len(words) - n))
    total = sum(counts[0].values())
    draw = random.Random(1)
    with open(at(name), "w") as file:
        file.write("\\data\\\n" + "".join(f"ngram {n + 1}={len(one) + (n == 0)}\n" for n, one in enumerate(counts)))
        for n, one in enumerate(counts):
            file.write(f"\n\\{n + 1}-grams:\n" + ("-6.5\t<unk>\n" if n == 0 else ""))
            for gram, count in one.items():
                logarithm = -99 if gram == ("<s>",) else math.log10(count / (counts[n - 1][gram[:-1]] if n else total)) - 0.2
                backoff = f"\t{draw.uniform(-1, -0.001):.6g}" if n + 1 < order and gram[-1] != "</s>" else ""
                file.write(f"{logarithm:.7g}\t{' '.join(gram)}{backoff}\n")
        file.write("\n\\end\\\n")


tokenizers = {
    "unigram": train("unigram", vocab_size=8000, model_type="unigram", character_coverage=0.99),
    "bpe": train(
        "bpe", vocab_size=6000, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", split_digits=True,
        remove_extra_whitespaces=False, allow_whitespace_only_pieces=True, character_coverage=0.99,
    ),
}
with open(at("pieces.jsonl"), "w") as file:
    for line in lines:
        answer = {name: {"ids": one.encode(line), "pieces": " ".join(one.encode_as_pieces(line))} for name, one in tokenizers.items()}
        file.write(json.dumps(answer) + "\n")

# Half of the texts, so that the others have words that are not known.
some = [line for text in texts[::2] for line in text.split("\n")]
write_arpa("words.arpa", [split(line) for line in some], 5)
write_arpa("pieces.arpa", [split(" ".join(tokenizers["bpe"].encode_as_pieces(line))) for line in some], 3)
builds = {
    "probing": ["probing"],
    "trie": ["trie"],
    "quantized": ["-q", "8", "-b", "7", "trie"],
    "array": ["-a", "22", "trie"],
    "quantized-array": ["-q", "6", "-b", "8", "-a", "255", "trie"],
}
models = {"words.arpa": None, "pieces.arpa": "bpe"}
for arpa, tokenizer in list(models.items()):
    for kind, options in builds.items() if os.environ.get("BUILD_BINARY") else ():
        name = arpa.replace("arpa", kind)
        subprocess.run([os.environ["BUILD_BINARY"], *options[:-1], options[-1], at(arpa), at(name)], check=True, capture_output=True)
        models[name] = tokenizer
for name, tokenizer in models.items():
    model = kenlm.Model(at(name))
    with open(at(name + ".jsonl"), "w") as file:
        for line in lines:
            sentence = " ".join(tokenizers[tokenizer].encode_as_pieces(line)) if tokenizer else line
            file.write(json.dumps([score for score, _, _ in model.full_scores(sentence)]) + "\n")
print(json.dumps(models))
