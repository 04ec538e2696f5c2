"""Writes the Arrow messages of this folder and expected.json. Run with pyarrow 21 or later."""
import datetime, decimal, json, os, uuid
import pyarrow as pa

here = os.path.dirname(os.path.abspath(__file__))
expected = {}
D = decimal.Decimal
utc = datetime.timezone.utc


def write(name, batches, rows, schema=None, file=False, **options):
    """`rows`: text, and what stands in meta; a dead one has the reason in place of meta."""
    schema = schema or batches[0].schema
    path = f"{here}/{name}.{'arrow' if file else 'arrows'}"
    new = pa.ipc.new_file if file else pa.ipc.new_stream
    with pa.OSFile(path, "wb") as out, new(out, schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        for batch in batches:
            writer.write_batch(batch)
    expected[os.path.basename(path)] = rows


# Every type: a column, two values and a null, and how the values stand in meta.
big, deep = 2**53 + 1, 2**63 - 1
stamp = datetime.datetime(2024, 2, 29, 23, 59, 59, 123456)
types = {
    "int8": (pa.int8(), [-128, 127], [-128, 127]),
    "uint8": (pa.uint8(), [0, 255], [0, 255]),
    "int16": (pa.int16(), [-32768, 1], [-32768, 1]),
    "uint16": (pa.uint16(), [0, 65535], [0, 65535]),
    "int32": (pa.int32(), [-(2**31), 7], [-(2**31), 7]),
    "uint32": (pa.uint32(), [0, 2**32 - 1], [0, 2**32 - 1]),
    "int64": (pa.int64(), [-big, 7], [str(-big), 7]),
    "uint64": (pa.uint64(), [2**64 - 1, 2**53 - 1], [str(2**64 - 1), 2**53 - 1]),
    "half": (pa.float16(), [0.5, -65504.0], [0.5, -65504]),
    "float": (pa.float32(), [0.5, -2.0], [0.5, -2]),
    "double": (pa.float64(), [0.1, float("inf")], [0.1, "Infinity"]),
    "bool": (pa.bool_(), [True, False], [True, False]),
    "utf8": (pa.string(), ["水車", ""], ["水車", ""]),
    "binary": (pa.binary(), [b"\xff\x00", b"text"], ["base64:/wA=", "text"]),
    "large_utf8": (pa.large_string(), ["ü" * 9, "b"], ["ü" * 9, "b"]),
    "large_binary": (pa.large_binary(), [b"\x80", b""], ["base64:gA==", ""]),
    "utf8_view": (pa.string_view(), ["short", "longer than twelve bytes"], ["short", "longer than twelve bytes"]),
    "binary_view": (pa.binary_view(), [b"\xff" * 13, b"b"], ["base64:" + "/////////////////w==", "b"]),
    "fixed": (pa.binary(2), [b"ab", b"\xff\xfe"], ["ab", "base64://4="]),
    "uuid": (pa.uuid(), [uuid.UUID(int=1).bytes, uuid.UUID(int=2**127).bytes], [str(uuid.UUID(int=1)), str(uuid.UUID(int=2**127))]),
    "decimal32": (pa.decimal32(5, 2), [D("-0.01"), D("123.40")], ["-0.01", "123.40"]),
    "decimal64": (pa.decimal64(18, 0), [D(10**17), D(-1)], [str(10**17), "-1"]),
    "decimal128": (pa.decimal128(38, 10), [D("-1234567890123456789.0123456789"), D(0)], ["-1234567890123456789.0123456789", "0.0000000000"]),
    "decimal256": (pa.decimal256(76, 3), [D(10**60), D("-5.125")], [str(10**60) + ".000", "-5.125"]),
    "date32": (pa.date32(), [datetime.date(1969, 12, 31), datetime.date(2024, 2, 29)], ["1969-12-31", "2024-02-29"]),
    "date64": (pa.date64(), [datetime.date(1969, 12, 31), datetime.date(2024, 2, 29)], ["1969-12-31", "2024-02-29"]),
    "time32s": (pa.time32("s"), [datetime.time(1, 2, 3), datetime.time(0)], ["01:02:03", "00:00:00"]),
    "time32ms": (pa.time32("ms"), [datetime.time(1, 2, 3, 4000), datetime.time(0)], ["01:02:03.004", "00:00:00.000"]),
    "time64us": (pa.time64("us"), [datetime.time(23, 59, 59, 999999), datetime.time(0)], ["23:59:59.999999", "00:00:00.000000"]),
    "time64ns": (pa.time64("ns"), [1, 86399 * 10**9], ["00:00:00.000000001", "23:59:59.000000000"]),
    "stamp_s": (pa.timestamp("s"), [stamp.replace(microsecond=0), -1], ["2024-02-29T23:59:59", "1969-12-31T23:59:59"]),
    "stamp_ms": (pa.timestamp("ms", "UTC"), [1, -1], ["1970-01-01T00:00:00.001Z", "1969-12-31T23:59:59.999Z"]),
    "stamp_us": (pa.timestamp("us", "Europe/Berlin"), [stamp.replace(tzinfo=utc), -1], ["2024-02-29T23:59:59.123456Z", "1969-12-31T23:59:59.999999Z"]),
    "stamp_ns": (pa.timestamp("ns"), [deep, -1], ["2262-04-11T23:47:16.854775807", "1969-12-31T23:59:59.999999999"]),
    "duration_s": (pa.duration("s"), [90, -1], ["PT90S", "PT-1S"]),
    "duration_ns": (pa.duration("ns"), [1500000000, 1], ["PT1.5S", "PT0.000000001S"]),
    "interval": (pa.month_day_nano_interval(), [(1, 2, 3000), (0, 0, 0)], ["P1M2DT0.000003S", "PT0S"]),
    "list": (pa.list_(pa.int64()), [[1, big, None], []], [[1, str(big), None], []]),
    "large_list": (pa.large_list(pa.string()), [["a"], ["b", "c"]], [["a"], ["b", "c"]]),
    "fixed_list": (pa.list_(pa.int8(), 2), [[1, 2], [3, None]], [[1, 2], [3, None]]),
    "list_view": (pa.list_view(pa.int32()), [[1], [2, 3]], [[1], [2, 3]]),
    "large_list_view": (pa.large_list_view(pa.int32()), [[], [2, 3]], [[], [2, 3]]),
    "struct": (pa.struct([("a", pa.int64()), ("b", pa.list_(pa.bool_()))]), [{"a": big, "b": [True]}, {"a": None, "b": None}],
               [{"a": str(big), "b": [True]}, {"a": None, "b": None}]),
    "map": (pa.map_(pa.string(), pa.int32()), [[("k", 1), ("ü", None)], []], [{"k": 1, "ü": None}, {}]),
    "map_again": (pa.map_(pa.int32(), pa.int32()), [[(1, 1), (1, 2)], [(3, 4)]], [[{"key": 1, "value": 1}, {"key": 1, "value": 2}], {"3": 4}]),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), ["x", "y"], ["x", "y"]),
    "runs": (pa.run_end_encoded(pa.int32(), pa.string()), ["r", "r"], ["r", "r"]),
    "nothing": (pa.null(), [None, None], [None, None]),
}
texts = ["first", "second", "third"]
columns, meta = {"text": pa.array(texts)}, [{}, {}, {}]
for name, (type, values, shown) in types.items():
    storage = type.storage_type if isinstance(type, pa.ExtensionType) else type
    if pa.types.is_run_end_encoded(type):
        array = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array([values[0], None], pa.string()))
    elif pa.types.is_dictionary(type):
        array = pa.array([*values, None], pa.string()).dictionary_encode().cast(type)
    else:
        array = pa.array([*values, None], storage)
    columns[name] = pa.ExtensionArray.from_storage(type, array) if isinstance(type, pa.ExtensionType) else array
    for row, value in enumerate(shown):
        if value is not None:
            meta[row][name] = value
ids, kinds = pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2]), pa.array(["u"])]
columns["dense"] = pa.UnionArray.from_dense(ids, pa.array([0, 0, 1], pa.int32()), kinds)
columns["sparse"] = pa.UnionArray.from_sparse(ids, [pa.array([1, 0, 2]), pa.array(["", "u", ""])], type_codes=[0, 1])
for row, value in enumerate([1, "u", 2]):
    meta[row] |= {"dense": value, "sparse": value}
all_types = pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))
rows = [[text, meta[i]] for i, text in enumerate(texts)]
for name, compression in [("types", None), ("types-lz4", "lz4"), ("types-zstd", "zstd")]:
    write(name, [all_types], rows, compression=compression)
write("types", [all_types], rows, file=True)
# As of Arrow before 0.15 and before 1.0.
old = all_types.drop_columns([n for n in columns if n.endswith("_view") or n in ("runs", "large_list_view", "decimal32", "decimal64")])
kept = set(old.schema.names)
write("version-4", [old], [[t, {k: v for k, v in m.items() if k in kept}] for t, m in rows], metadata_version=pa.ipc.MetadataVersion.V4,
      use_legacy_format=True)

# Five batches, the first of them empty, with ids that a float64 can't hold.
def part(first, count, text=pa.string()):
    values = [f"row {i} of several batches" for i in range(first, first + count)]
    return pa.record_batch({"text": pa.array(values, text), "id": pa.array([big + 2 * i for i in range(first, first + count)], pa.int64())})
five = [part(0, 0), part(0, 2), part(2, 1), part(3, 3), part(6, 0)]
write("five", five, [[f"row {i} of several batches", {}, str(big + 2 * i)] for i in range(6)])
write("five-lz4", five, [[f"row {i} of several batches", {}, str(big + 2 * i)] for i in range(6)], file=True, compression="lz4")
write("no-rows", [part(0, 0), part(0, 0)], [])
write("blocks-lz4", [pa.record_batch({"text": pa.array(["ab" * 90_000 + str(i) for i in range(3)])})],
      [[f"repeat 90000 ab {i}", {}] for i in range(3)], compression="lz4")
write("views", [part(0, 3, pa.string_view())], [[f"row {i} of several batches", {}, str(big + 2 * i)] for i in range(3)], compression="zstd")
write("large", [part(0, 3, pa.large_string())], [[f"row {i} of several batches", {}, str(big + 2 * i)] for i in range(3)])
write("binary", [pa.record_batch({"text": pa.array([b"fine", b"fine too"], pa.large_binary())})], [["fine", {}], ["fine too", {}]])

# Dictionaries that grow, and that are replaced; texts, ids and lists of them.
def coded(*texts):
    values = pa.array(texts).dictionary_encode()
    tags = pa.ListArray.from_arrays(pa.array(range(len(texts) + 1), pa.int32()), values)
    return pa.record_batch({"text": values, "tags": tags})
named = lambda *texts: [[text, {"tags": [text]}] for text in texts]
write("replaced", [coded("a", "b", "a"), coded("c", "b")], named("a", "b", "a", "c", "b"))
write("delta", [coded("a", "b", "a"), coded("a", "b", "c", "a")], named("a", "b", "a", "a", "b", "c", "a"), emit_dictionary_deltas=True)
write("delta", [coded("a", "b", "a"), coded("a", "b", "c", "a")], named("a", "b", "a", "a", "b", "c", "a"), file=True, emit_dictionary_deltas=True,
      unify_dictionaries=False)

# Slices, whose offsets do not begin at 0, and a text within a struct.
sliced = pa.record_batch({"text": pa.array(["w", "x", "y", "z"]), "n": pa.array([1, None, 3, 4]), "ok": pa.array([True, None, False, True])}).slice(1, 3)
write("sliced", [sliced], [["x", {}], ["y", {"n": 3, "ok": False}], ["z", {"n": 4, "ok": True}]])

# Rows that are no documents, and a name that comes twice.
write("dead", [pa.record_batch({"text": ["a", None, "", "d"]})], [["a", {}], [None, "text-not-a-string"], [None, "empty-text"], ["d", {}]])
twice = pa.RecordBatch.from_arrays([pa.array(["a"]), pa.array([1]), pa.array([2])], names=["text", "n", "n"])
write("twice", [twice], [["a", {"n": 1, "n#2": 2}]])

# Messages that the tests read with options, or that have more than there is room for.
def write_odd(name, batch, **options):
    with pa.OSFile(f"{here}/odd/{name}.arrows", "wb") as out:
        with pa.ipc.new_stream(out, batch.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
            writer.write_batch(batch)
runs = pa.RunEndEncodedArray.from_arrays(pa.array([60_000], pa.int32()), pa.array(["same"]))
write_odd("runs", pa.record_batch({"text": runs}))
long = pa.DictionaryArray.from_arrays(pa.array([0] * 40, pa.int8()), pa.array(["long" * 262_144]))
write_odd("dictionary", pa.record_batch({"text": long}), compression="zstd")
write_odd("zeros", pa.record_batch({"text": ["a", "b"], "zeros": pa.array([b"\0" * (2**26 + 1), b""])}), compression="zstd")
write_odd("long", pa.record_batch({"text": ["a", "b" * (2**24 + 1), "c"]}), compression="zstd")
write_odd("nested", pa.record_batch({"doc": pa.array([{"body": "a", "by": {"site": "s"}}, None, {"body": "c", "by": None}])}))

json.dump(expected, open(f"{here}/expected.json", "w"), ensure_ascii=False, separators=(",", ":"))
