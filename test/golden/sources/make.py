"""Writes the files of this folder and expected.json. Run with pyarrow 15 or later."""
import bz2, datetime, json, lzma, os
import pyarrow as pa, pyarrow.parquet as pq

here = os.path.dirname(os.path.abspath(__file__))
n = 300
texts = [f"document {i}: the mill turns. " * (1 + i % 7) + ("水車" if i % 3 == 0 else "") for i in range(n)]
texts[17], texts[18] = "", None
table = pa.table({
    "text": pa.array(texts, pa.string()),
    "id": pa.array([9007199254740993 + i for i in range(n)], pa.int64()),
    "domain": pa.array(["web", "books", None], pa.string()).take(pa.array([i % 3 for i in range(n)])).dictionary_encode(),
    "added": pa.array([datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i) for i in range(n)], pa.timestamp("ms")),
    "score": pa.array([None if i % 5 == 0 else i / 4 for i in range(n)], pa.float64()),
    "tags": pa.array([[f"t{i % 4}", "x"] for i in range(n)], pa.list_(pa.string())),
    "info": pa.array([{"lang": "en", "n": i} for i in range(n)], pa.struct([("lang", pa.string()), ("n", pa.int64())])),
})
for codec in ["none", "snappy", "gzip", "zstd", "brotli", "lz4"]:
    pq.write_table(table, f"{here}/{codec}.parquet", compression=codec, row_group_size=120, write_page_index=codec == "zstd",
                   data_page_version="2.0" if codec in ("zstd", "brotli") else "1.0")
rows = []
for i in range(n):
    if i in (17, 18):
        rows.append({"line": i + 1, "reason": "empty-text" if i == 17 else "text-not-a-string"})
        continue
    meta = {} if i % 5 == 0 else {"score": i / 4}
    meta |= {"tags": [f"t{i % 4}", "x"], "info": {"lang": "en", "n": i}}
    rows.append({"line": i + 1, "text": texts[i], "id": str(9007199254740993 + i), "domain": ["web", "books", "default"][i % 3],
                 "added": (datetime.datetime(2024, 1, 1) + datetime.timedelta(seconds=i)).isoformat() + ".000", "meta": meta})
json.dump(rows, open(f"{here}/expected.json", "w"), ensure_ascii=False, separators=(",", ":"))

lines = [json.dumps({"text": f"line {i} of the mill: " + "wheel " * (i % 7) + "\u6c34" * (i % 3)}, ensure_ascii=False) + "\n" for i in range(400)]
content = "".join(lines).encode()
half = len(content) // 2 + 5
with open(f"{here}/lines.jsonl.bz2", "wb") as file:
    file.write(bz2.compress(content[:half], 1) + bz2.compress(content[half:], 9))
settings = [{"id": lzma.FILTER_LZMA2, "preset": 6, "lc": 1, "lp": 2, "pb": 1}]
with open(f"{here}/lines.jsonl.xz", "wb") as file:
    second = lzma.compress(content[half:], format=lzma.FORMAT_XZ, check=lzma.CHECK_SHA256, filters=settings)
    file.write(lzma.compress(content[:half]) + b"\0" * 8 + second)
