"""Trains the small models here with fastText's own code, and asks it for probabilities: `python make.py`, with `fasttext-wheel` of PyPI."""

import json
import os
import random

import fasttext

here = os.path.dirname(os.path.abspath(__file__))
draw = random.Random(12)
letters = ["abcdefghijklmnopqrstuvwxyz", "äöüßéèêç", "жзиклмнопрст", "水车磨坊河流"]


def make_word():
    alphabet = draw.choice(letters)
    return "".join(draw.choice(alphabet) for _ in range(draw.randint(1, 7)))


words = sorted({make_word() for _ in range(300)})


def make_line(topic, topics, length):
    own = words[topic::topics]
    return " ".join(draw.choice(own if draw.random() < 0.6 else words) for _ in range(length))


def write_lines(path, topics, lines):
    with open(path, "w") as file:
        for i in range(lines):
            file.write(f"__label__t{i % topics} {make_line(i % topics, topics, 12)}\n")


def save(model, name):
    model.save_model(os.path.join(here, name))


def train(path, **options):
    return fasttext.train_supervised(path, thread=1, verbose=0, epoch=8, lr=0.5, **options)


two, five, many = [os.path.join("/tmp", name) for name in ("two.txt", "five.txt", "many.txt")]
write_lines(two, 2, 1500)
write_lines(five, 5, 1500)
write_lines(many, 260, 1500)
models = {"softmax.bin": train(two, dim=10, wordNgrams=2, bucket=150)}
models["hierarchical.bin"] = train(five, loss="hs", dim=6, wordNgrams=3, minn=2, maxn=4, bucket=200)
models["one-against-all.bin"] = train(five, loss="ova", dim=4, bucket=0)
models["negative-sampling.bin"] = train(five, loss="ns", dim=4, minn=1, maxn=2, bucket=100)
for name, model in models.items():
    save(model, name)
pruned = train(two, dim=6, wordNgrams=2, minn=3, maxn=3, bucket=600)
pruned.quantize(input=two, qnorm=True, cutoff=300, verbose=0)
quantized = train(many, dim=5, bucket=0)
quantized.quantize(input=many, qnorm=False, qout=True, verbose=0)
both = train(many, dim=4, loss="hs", bucket=0)
both.quantize(input=many, qnorm=True, qout=True, verbose=0)
models |= {"pruned.ftz": pruned, "quantized-output.ftz": quantized, "quantized-norms.ftz": both}
for name in ("pruned.ftz", "quantized-output.ftz", "quantized-norms.ftz"):
    save(models[name], name)
save(fasttext.train_unsupervised(two, thread=1, verbose=0, dim=2, bucket=10, maxn=0), "skipgram.bin")

texts = [make_line(i % 5, 5, draw.randint(1, 40)) for i in range(30)]
known = words[7]
texts += [
    "",
    " \t ",
    known,
    "unknown",
    "unknown words alone",
    f"{known} </s> {words[8]}",
    f"__label__t1 {known}",
    f"__label__none {known} {words[9]}",
    f"{known}\u00a0{words[3]}",
    "\u2028\u2029",
    f"{'x' * 70} {known} {'ж' * 5000}",
    " ".join(make_word() for _ in range(3000)),
]
with open(os.path.join(here, "answers.jsonl"), "w") as file:
    for text in texts:
        answers = {}
        for name, model in models.items():
            # What the package's `predict` calls; with numpy 2 that one fails.
            found = model.f.predict(text + "\n", 6, 0.0, "strict")
            answers[name] = {label.removeprefix("__label__"): probability for probability, label in found}
        file.write(json.dumps({"text": text, "answers": answers}, ensure_ascii=False) + "\n")
