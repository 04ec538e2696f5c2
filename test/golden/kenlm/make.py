"""Draws small models in the ARPA format, builds binary files of some, and asks KenLM what it makes of texts by each: `python make.py
BUILD_BINARY`, with `kenlm` 0.3.0 of PyPI and the program `build_binary` of KenLM's source (kpu/kenlm 4cb443e, `compile_query_only.sh`)."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile

import kenlm

here = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(5)
words = ["the", "mill", "wheel", "river", "stone", "Wasser", "水", "é", ",", ".", "and", "of", "\u00a0x"]


def draw_number(low, draw=draw):
    return f"{draw.uniform(low, -0.01):.7g}"


def make_grams(order, share, draw=draw):
    """N-grams of every length, each with all that it begins with and all that it ends with, as pruning of models leaves them."""
    starts, inside = ["<s>"], words
    grams = [[(word,) for word in ["<unk>", "<s>", "</s>", *words]]]
    for length in range(2, order + 1):
        known = set(grams[-1])
        longer = [
            (*gram, word)
            for gram in grams[-1]
            if gram[-1] != "</s>"
            for word in [*inside, "</s>", *(["<unk>"] if draw.random() < 0.2 else [])]
            if (*gram[1:], word) in known and draw.random() < share
        ]
        grams.append(longer)
    return grams


def write_arpa(name, grams, draw=draw):
    with open(os.path.join(here, name), "w") as file:
        file.write("\\data\\\n")
        for i, of_length in enumerate(grams):
            file.write(f"ngram {i + 1}={len(of_length)}\n")
        for i, of_length in enumerate(grams):
            file.write(f"\n\\{i + 1}-grams:\n")
            for gram in of_length:
                fields = ["-99" if gram == ("<s>",) else draw_number(-4, draw), " ".join(gram)]
                has_backoff = i + 1 < len(grams) and gram[-1] != "</s>" and draw.random() < 0.9
                file.write("\t".join(fields + ([draw_number(-1, draw)] if has_backoff else [])) + "\n")
        file.write("\n\\end\\\n")


four = make_grams(4, 0.25)
write_arpa("four.arpa", four)
# Without some that longer ones end with, as SRILM may leave them out.
begun = {gram[:2] for of_length in four[2:] for gram in of_length}
gaps = [four[0], [gram for i, gram in enumerate(four[1]) if gram in begun or i % 2], *four[2:]]
write_arpa("gaps.arpa", gaps)
write_arpa("two.arpa", make_grams(2, 0.3))
without = [[gram for gram in of_length if "<unk>" not in gram] for of_length in make_grams(3, 0.3)]
write_arpa("no-unknown.arpa", without)

# Of its pointers, some bits stand in arrays.
others = random.Random(7)
five = make_grams(5, 0.4, others)
write_arpa("five.arpa", five, others)


def build(name, arpa, *options):
    command = [sys.argv[1], *options, os.path.join(here, arpa), os.path.join(here, name)]
    subprocess.run(command, check=True, capture_output=True)


def build_with_rest(name, arpa, grams):
    """Models of fewer words for the rest costs: of one word an ARPA file, of more any."""
    with tempfile.TemporaryDirectory() as folder:
        lower = [os.path.join(folder, f"{order}.arpa") for order in range(1, len(grams))]
        for path, order in zip(lower, range(1, len(grams))):
            write_arpa(path, grams[:order], others)
        build(name, arpa, "-r", " ".join(lower), "probing")


binaries = {
    "five.probing.bin": ("five.arpa", "probing"),
    "five.trie.bin": ("five.arpa", "trie"),
    "five.quantized.bin": ("five.arpa", "-q", "5", "-b", "4", "trie"),
    "five.array.bin": ("five.arpa", "-a", "22", "trie"),
    "five.quantized-array.bin": ("five.arpa", "-q", "4", "-b", "5", "-a", "22", "-v", "trie"),
    "gaps.trie.bin": ("gaps.arpa", "trie"),
    "two.quantized-array.bin": ("two.arpa", "-q", "4", "-a", "22", "trie"),
    "no-unknown.probing.bin": ("no-unknown.arpa", "-p", "1.2", "probing"),
}
for name, (arpa, *options) in binaries.items():
    build(name, arpa, *options)
build_with_rest("four.rest.bin", "four.arpa", four)

texts = [" ".join(draw.choice(words) for _ in range(draw.randint(0, 25))) for _ in range(25)]
texts += ["", "   ", "\n", "the mill\nthe wheel", "the mill\n\n river \n", "the\tmill\r\nand  of", "unknown", "<unk> the mill"]
texts += ["unknown the mill unknown unknown wheel", "<s> the mill </s> the", "\u00a0x \u00a0 x", "the " * 300]

arpas = ("four.arpa", "gaps.arpa", "two.arpa", "no-unknown.arpa", "five.arpa")
models = {name: kenlm.Model(os.path.join(here, name)) for name in (*arpas, *binaries, "four.rest.bin")}
with open(os.path.join(here, "answers.jsonl"), "w") as file:
    for text in texts:
        answers = {}
        for name, model in models.items():
            scores = [score for line in text.split("\n") for score in model.full_scores(line)]
            ends = text.count("\n") + 1
            answers[name] = {
                "logarithm": math.fsum(logarithm for logarithm, _, _ in scores),
                "words": len(scores) - ends,
                "unknown": sum(is_unknown for _, _, is_unknown in scores),
            }
        file.write(json.dumps({"text": text, "answers": answers}, ensure_ascii=False) + "\n")
