"""Trains two small models of SentencePiece, makes a language model of pieces, and asks SentencePiece and KenLM what they make of texts:
`python make.py BUILD_BINARY FOLDER`, with `sentencepiece` 0.2.0 and `kenlm` 0.3.0 of PyPI, `build_binary` as for `../kenlm/make.py`, and the folder
of facebookresearch/cc_net (`cc_net/text_normalizer.py`)."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter

import kenlm
import sentencepiece

here = os.path.dirname(os.path.abspath(__file__))
at = lambda name: os.path.join(here, name)
sys.path.insert(0, os.path.join(sys.argv[2], "cc_net"))
from text_normalizer import normalize  # noqa: E402

draw = random.Random(3)
words = "the mill wheel river stone water turns slowly under old bridge Wasser Mühle dreht sich 水車 磨坊 河水 石橋 и вода мельница 12 345 zzz loooong ooo".split()
lines = [" ".join(draw.choice(words) for _ in range(draw.randint(3, 12))) + draw.choice([".", "。", "!", ""]) for _ in range(800)]

# Rules of its own: those of `nmt_nfkc` take 240 KB. Code points of what is replaced, and of what it becomes.
rules = {"ﬁ": "fi", "Ａ": "A", "\u3000": " ", "\t": " ", "\u00a0": " ", "\u00ad": "", "é": "é", "½": "1/2", "①": "1 ", "，": ",", "㍿": "株式会社", "``": '"'}
code = lambda text: " ".join(f"{ord(sign):04X}" for sign in text)


def train(name, **options):
    with tempfile.TemporaryDirectory() as folder:
        text, rule_file = os.path.join(folder, "text"), os.path.join(folder, "rules.tsv")
        with open(text, "w") as file:
            file.write("\n".join(lines))
        with open(rule_file, "w") as file:
            file.write("".join(f"{code(a)}\t{code(b)}\n" for a, b in rules.items()))
        if options.pop("rules", False):
            options["normalization_rule_tsv"] = rule_file
        prefix = os.path.join(folder, "model")
        sentencepiece.SentencePieceTrainer.train(input=text, model_prefix=prefix, minloglevel=2, num_threads=1, **options)
        os.replace(prefix + ".model", at(name))
    return sentencepiece.SentencePieceProcessor(model_file=at(name))


processors = {
    "unigram.model": train("unigram.model", vocab_size=220, hard_vocab_limit=False, model_type="unigram", user_defined_symbols=["<sep>", "http", "½½"], rules=True),
    "bpe.model": train(
        "bpe.model", vocab_size=360, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", split_digits=True,
        remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
    ),
    "suffix.model": train("suffix.model", vocab_size=110, model_type="bpe", treat_whitespace_as_suffix=True, user_defined_symbols=["<sep>"], rules=True),
}

texts = [draw.choice(lines) for _ in range(20)]
texts += ["", " ", "   ", "\t", "\u3000", "▁", "▁▁ ▁", " a  b ", "the  mill ", "\u00ad", "ﬁsh ½ ① ㍿ Ａ", "unknown 未知 字字 \U0001f600\U0001f600", "<s></s><unk>"]
texts += ["<sep>a<sep>the", "the <sep> http://mill", "é é e\u0301\u0301", "1234567", "\u0000a\u0001", "a\rb", "\ufffd\ufeff", "水" * 50, "the" * 60, "x" * 300]
texts += ["zzzzz ooooo zzzzzzzz ooooooo", "½½ ½ ½½½", "`` ` ```a"]
signs = [*"abcdefgh themilw ▁", "http", "<sep>", "水", "車", "é", "\u3000", "\u00ad", "ﬁ", "\U0001f600", "\u0301", "и"]
texts += ["".join(draw.choice(signs) for _ in range(draw.randint(1, 40))) for _ in range(80)]
with open(at("answers.jsonl"), "w") as file:
    for text in texts:
        answers = {name: {"ids": one.encode(text), "pieces": " ".join(one.encode_as_pieces(text))} for name, one in processors.items()}
        file.write(json.dumps({"text": text, "answers": answers}, ensure_ascii=False) + "\n")

pieces = processors["unigram.model"]
counts = [Counter(), Counter(), Counter()]
for line in lines[:200]:
    row = ["<s>", *pieces.encode_as_pieces(normalize(line)), "</s>"]
    for n in range(3):
        counts[n].update(tuple(row[i : i + n + 1]) for i in range(len(row) - n))
with tempfile.TemporaryDirectory() as folder:
    arpa = os.path.join(folder, "pieces.arpa")
    with open(arpa, "w") as file:
        file.write("\\data\\\n" + "".join(f"ngram {n + 1}={len(one) + (n == 0)}\n" for n, one in enumerate(counts)))
        for n, one in enumerate(counts):
            file.write(f"\n\\{n + 1}-grams:\n" + ("-4\t<unk>\n" if n == 0 else ""))
            for gram, count in one.items():
                logarithm = -99 if gram == ("<s>",) else math.log10(count / (counts[n - 1][gram[:-1]] if n else sum(one.values()))) - 0.1
                backoff = f"\t{draw.uniform(-1, -0.01):.6g}" if n < 2 and gram[-1] != "</s>" else ""
                file.write(f"{logarithm:.7g}\t{' '.join(gram)}{backoff}\n")
        file.write("\n\\end\\\n")
    subprocess.run([sys.argv[1], "-q", "6", "-b", "6", "-a", "22", "trie", arpa, at("pieces.bin")], check=True, capture_output=True)
model = kenlm.Model(at("pieces.bin"))


def measure(lines):
    """CCNet's rule, with sums of 64 bits; None where nothing is left of a text."""
    scores = [score for line in lines for score, _, _ in model.full_scores(" ".join(pieces.encode_as_pieces(line)))]
    return 10.0 ** (-math.fsum(scores) / len(scores))


documents = ["\n".join(draw.choice(lines) for _ in range(draw.randint(1, 6))) for _ in range(20)]
documents += ["The MILL’s “wheel” — ½ Ａ…", "Ünder İstanbul ΑΣ ΣΑΣ ΟΔΟΣ. 12\n\n  ٣٤ 345\t", "  \n\u3000\n", "\u0001\u0002", "a\u0085", "水車，磨坊。【河水】！\r\nMühle", "ﬁ é e\u0301 한국", "Ⅻ x̂ ǅ", "\u0085 a \u0085"]
with open(at("documents.jsonl"), "w") as file:
    for text in documents:
        whole = normalize(text)
        answer = {
            "text": text,
            "normalized": whole,
            "ccnet": measure([whole]) if pieces.encode(whole) else None,
            "ccnet-lines": measure([normalize(line) for line in text.split("\n")]),
            "lines": measure(text.split("\n")),
        }
        file.write(json.dumps(answer, ensure_ascii=False) + "\n")
