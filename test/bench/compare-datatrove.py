"""What datatrove's own filters decide about real documents, for compare-datatrove.ts to hold ours against.

    python compare-datatrove.py OUT.jsonl DOCUMENTS CORPUS.jsonl...    documents of the language en, spread evenly
    python compare-datatrove.py --golden CASES.jsonl                   adds the answers to {"name", "text"} lines, to stdout

Needs datatrove 0.10.1 with spacy. Each filter sees each document's own text; `chain` is FineWeb's order, where C4 edits what
FineWeb's filter reads. A line out: {"id", FILTER: reason or null, "c4Text": sha256 of the edited text, "error": ...}.
"""

import hashlib
import json
import logging
import sys
import time

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

logging.disable(logging.WARNING)

FILTERS = {
    "gopherRepetition": GopherRepetitionFilter(),
    "gopherQuality": GopherQualityFilter(),
    "c4": C4QualityFilter(),
    "c4AnyLineEnd": C4QualityFilter(filter_no_terminal_punct=False),
    "fineweb": FineWebQualityFilter(),
}
CHAIN = ["gopherRepetition", "gopherQuality", "c4AnyLineEnd", "fineweb"]


def ask(name, document):
    try:
        answer = FILTERS[name].filter(document)
    except Exception as error:  # datatrove divides by zero on some documents
        return "error: " + type(error).__name__
    return None if answer is True else answer[1]


def decide(text):
    decisions = {}
    for name in FILTERS:
        document = Document(text=text, id="")
        decisions[name] = ask(name, document)
        if name.startswith("c4") and decisions[name] is None:
            decisions[name + "Text"] = hashlib.sha256(document.text.encode("utf-8", "replace")).hexdigest()
    document = Document(text=text, id="")
    decisions["chain"] = next((reason for name in CHAIN if (reason := ask(name, document)) is not None), None)
    return decisions


def english(paths):
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get("lang_expected") == "en":
                    yield record


def golden(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            case = json.loads(line)
            print(json.dumps({**case, "datatrove": decide(case["text"])}, ensure_ascii=False))


def main(out, wanted, *paths):
    total = sum(1 for _ in english(paths))
    wanted = min(int(wanted), total)
    started, done = time.time(), 0
    with open(out, "w", encoding="utf-8") as decisions:
        for index, record in enumerate(english(paths)):
            if index * wanted // total == (index + 1) * wanted // total:
                continue
            decisions.write(json.dumps({"id": record["id"], **decide(record["text"])}) + "\n")
            done += 1
            if done % 500 == 0:
                print(f"{done}/{wanted} {time.time() - started:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    golden(sys.argv[2]) if sys.argv[1] == "--golden" else main(*sys.argv[1:])
