"""Writes the Parquet files of this folder, and in expected.json what must come of each row. Run with pyarrow 21 or later.

What is expected is made of pyarrow's own reading (`to_pylist`) of each file, put into words by the functions below.
"""
import base64, datetime, decimal, json, math, os, uuid
import numpy as np, pyarrow as pa, pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe

here = os.path.dirname(os.path.abspath(__file__))
D = decimal.Decimal
decimal.getcontext().prec = 100


def values(kind, some):
    """Ten rows: the values over and over, one of them missing."""
    rows = [some[i % len(some)] for i in range(10)]
    rows[7] = None
    return pa.array(rows, kind)


def integers(kind, bits, signed=True):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
    return values(kind, [0, 1, low, high, high - 1, low + 1])


def stamps(unit, zone=None):
    kind = pa.timestamp(unit, zone)
    numbers = [0, 1, -1, 1714567890123456789 // {"ms": 10 ** 6, "us": 1000, "ns": 1}[unit], -62135596800 if unit == "ns" else -62135596800001, 2 ** 62]
    return values(pa.int64(), numbers).cast(kind)


def scalars():
    binary = [b"plain", "größe".encode(), b"\xff\x00\x01", b"", bytes(range(128, 160))]
    return {
        **{f"int{bits}": integers(getattr(pa, f"int{bits}")(), bits) for bits in (8, 16, 32, 64)},
        **{f"uint{bits}": integers(getattr(pa, f"uint{bits}")(), bits, False) for bits in (8, 16, 32, 64)},
        "bool": values(pa.bool_(), [True, False, False]),
        "half": values(pa.float16(), [np.float16(x) for x in (0, 1.5, -2, 6e-8, 65504, float("inf"))]),
        "float": values(pa.float32(), [0.1, -0.0, 1e38, float("nan"), float("-inf"), 1e-40]),
        "double": values(pa.float64(), [0.1, -0.0, 1.7976931348623157e308, float("nan"), float("inf"), 5e-324, 1e21]),
        "decimal9": values(pa.decimal128(9, 2), [D("0.00"), D("-0.01"), D("9999999.99"), D("-9999999.99"), D("12.50")]),
        "decimal18": values(pa.decimal128(18, 4), [D("0.0001"), D("-99999999999999.9999"), D("90071992547409.9301")]),
        "decimal20": values(pa.decimal128(20, 0), [D("90071992547409930001"), D("90071992547409930002"), D(-12), D(0)]),
        "decimal38": values(pa.decimal128(38, 37), [D("1.2345678901234567890123456789012345678"), D("-0." + "0" * 36 + "1")]),
        "decimal76": values(pa.decimal256(76, 20), [D("9" * 56 + "." + "9" * 20), D("-" + "9" * 56 + "." + "9" * 19 + "8")]),
        "date": values(pa.date32(), [datetime.date(1970, 1, 1), datetime.date(1, 1, 1), datetime.date(2024, 2, 29), datetime.date(9999, 12, 31)]),
        "time_ms": values(pa.time32("ms"), [datetime.time(0), datetime.time(23, 59, 59, 999000)]),
        "time_us": values(pa.time64("us"), [datetime.time(0), datetime.time(23, 59, 59, 999999), datetime.time(1, 2, 3, 4)]),
        "time_ns": values(pa.int64(), [0, 86399999999999, 3723000000004]).cast(pa.time64("ns")),
        **{f"stamp_{unit}": stamps(unit) for unit in ("ms", "us", "ns")},
        **{f"utc_{unit}": stamps(unit, "UTC") for unit in ("ms", "us", "ns")},
        "zoned": stamps("us", "Europe/Berlin"),
        "string": values(pa.string(), ["a", "", "größe", "水車", 'quo"te\n']),
        "binary": values(pa.binary(), binary),
        "large": values(pa.large_binary(), binary),
        "fixed": values(pa.binary(4), [b"abcd", b"\xde\xad\xbe\xef", b"\x00\x00\x00\x01"]),
        "uuid": pa.ExtensionArray.from_storage(pa.uuid(), values(pa.binary(16), [uuid.UUID(int=i * 7 ** 40 % 2 ** 128).bytes for i in range(3)])),
        "words": values(pa.string(), ["web", "books"]).dictionary_encode(),
        "null": pa.nulls(10),
    }


def nested():
    text, number = pa.string(), pa.int64()
    lists = [[], None, ["a"], ["a", None, "b"], [None], ["x"] * 40]
    structs = [{"name": "x", "big": 2 ** 60}, None, {"name": None, "big": None}, {"name": "", "big": -1}]
    return {
        "list": values(pa.list_(text), lists),
        "lists": values(pa.list_(pa.list_(number)), [[], [[]], [[1], [], [2, None]], [None, [3]], [[i] for i in range(30)]]),
        "fixed_list": pa.array([[1, 2, 3], [0.5, None, -1]] * 5, pa.list_(pa.float32(), 3)),
        "struct": values(pa.struct([("name", text), ("big", number)]), structs),
        "deep": values(pa.struct([("a", pa.struct([("b", pa.list_(pa.struct([("c", text)])))]))]),
                       [{"a": {"b": [{"c": "x"}, None, {"c": None}]}}, {"a": None}, {"a": {"b": None}}, {"a": {"b": []}}]),
        "list_struct": values(pa.list_(pa.struct([("name", text), ("tags", pa.list_(text))])),
                              [[], [{"name": "x", "tags": ["a", "b"]}, {"name": "y", "tags": []}], [None], [{"name": None, "tags": [None]}]]),
        "map": values(pa.map_(text, text), [[], [("language", "en"), ("größe", "groß")], [("x", None)], [("__proto__", "p"), ("constructor", "c")]]),
        "map_int": values(pa.map_(pa.int32(), pa.list_(number)), [[(10, [1]), (2, []), (-1, None)], []]),
        "map_date": values(pa.map_(pa.date32(), pa.decimal128(20, 1)), [[(datetime.date(2024, 5, 1), D("90071992547409930.1"))]]),
        "maps": values(pa.map_(text, pa.map_(text, number)), [[("a", [("b", 1), ("c", 2 ** 63 - 1)]), ("d", [])]]),
        "map_bytes": values(pa.map_(pa.binary(), pa.bool_()), [[(b"\xff", True), (b"ok", False)]]),
        "list_decimal": values(pa.list_(pa.decimal128(38, 2)), [[D("123456789012345678901234567890.12"), None]]),
        "list_stamp": values(pa.list_(pa.timestamp("ns", "UTC")), [[1, None], []]),
    }


def word(value, kind):
    if value is None:
        return None
    if pa.types.is_dictionary(kind):
        return word(value, kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return [word(item, kind.value_type) for item in value]
    if pa.types.is_struct(kind):
        members = {field.name: word(value[field.name], field.type) for field in kind}
        return {name: member for name, member in members.items() if member is not None}
    if pa.types.is_map(kind):
        pairs = [(word(key, kind.key_type), word(item, kind.item_type)) for key, item in value]
        return {key if isinstance(key, str) else json.dumps(key): item for key, item in pairs}
    if pa.types.is_timestamp(kind):
        digits = {"ms": 3, "us": 6, "ns": 9}[kind.unit]
        return iso(value, digits) + ("Z" if kind.tz else "")
    if pa.types.is_time(kind):
        return clock(value, {"ms": 3, "us": 6, "ns": 9}[kind.unit])
    if isinstance(value, (datetime.date, uuid.UUID)):
        return str(value)
    if isinstance(value, D):
        return format(value, "f")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return "base64:" + base64.b64encode(value).decode()
    if isinstance(value, (float, np.floating)):
        value = float(value)
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2 ** 53 - 1:
        return str(value)
    return value


def clock(units, digits):
    second, rest = divmod(units, 10 ** digits)
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.{rest:0{digits}}"


def iso(units, digits):
    """By NumPy, which has years beyond four digits."""
    second, rest = divmod(units, 10 ** digits)
    day = str(np.datetime64(second, "s"))
    date, time = day[:-9], day[-8:]
    year = date[:-6]
    sign = "-" if year.startswith("-") else "+"
    if len(year) != 4 or sign == "-":
        date = sign + year.lstrip("-").rjust(6, "0") + date[-6:]
    return f"{date}T{time}.{rest:0{digits}}"


def units_of(kind):
    """The same type with plain numbers for times, which Python's own have no nanoseconds for."""
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return pa.int64()
    if pa.types.is_time32(kind):
        return pa.int32()
    if pa.types.is_list(kind):
        return pa.list_(units_of(kind.value_type))
    return kind


def expect(path, names):
    """The rows of a file as pyarrow reads it, by column; what is missing is left out."""
    table = pq.read_table(path, columns=names)
    columns = {}
    for name in names:
        column = table[name]
        kind = column.type
        plain = column.cast(units_of(kind)) if units_of(kind) != kind else column
        if isinstance(kind, pa.UuidType):
            columns[name] = [None if v is None else str(v) for v in plain.to_pylist()]
        else:
            columns[name] = [word(v, kind) for v in plain.to_pylist()]
    return [{name: columns[name][i] for name in names if columns[name][i] is not None} for i in range(table.num_rows)]


expected = {}


def write(name, table, **options):
    path = f"{here}/{name}.parquet"
    data = pa.table({"text": pa.array([f"row {i}" for i in range(table.num_rows)]), **{n: table[n] for n in table.column_names}})
    pq.write_table(data, path, **options)
    expected[name] = expect(path, table.column_names)


flat, deep = pa.table(scalars()), pa.table(nested())
write("plain", flat, compression="none", use_dictionary=False, write_page_checksum=True)
write("dictionary", flat, compression="snappy", data_page_version="2.0", write_page_checksum=True)
integral = [n for n in flat.column_names if flat[n].type in (pa.int32(), pa.int64(), pa.uint32(), pa.uint64())]
wide = [n for n in flat.column_names if flat[n].type in (pa.float32(), pa.float64()) or n in ("decimal38", "fixed")]
encoded = flat.select([*integral, *wide, "string", "binary", "date", "utc_us"])
delta = {**{n: "DELTA_BINARY_PACKED" for n in [*integral, "date", "utc_us"]}, **{n: "BYTE_STREAM_SPLIT" for n in wide},
         "string": "DELTA_BYTE_ARRAY", "binary": "DELTA_LENGTH_BYTE_ARRAY"}
for codec, version in [("gzip", "1.0"), ("zstd", "2.0")]:
    write(f"delta-{codec}", encoded, compression=codec, use_dictionary=False, column_encoding=delta, data_page_version=version)
split = {n: "BYTE_STREAM_SPLIT" for n in [*integral, *wide]}
write("split-lz4", flat.select([*integral, *wide]), compression="lz4", use_dictionary=False, column_encoding=split)
write("older", flat.select(["decimal9", "decimal18", "stamp_ns", "time_us"]), compression="brotli", version="1.0",
      use_deprecated_int96_timestamps=True, store_decimal_as_integer=True)
write("nested", deep, compression="zstd", write_batch_size=1, data_page_size=1, dictionary_pagesize_limit=64)
write("nested-older", deep, compression="none", use_compliant_nested_type=False, data_page_version="2.0", use_dictionary=False, row_group_size=3)
many = pa.table({"n": pa.array([(i * 2654435761) % 2 ** 40 - 2 ** 39 for i in range(700)]), "s": pa.array([f"{i // 7:05}" for i in range(700)])})
write("delta-long", many, compression="zstd", use_dictionary=False, column_encoding={"n": "DELTA_BINARY_PACKED", "s": "DELTA_BYTE_ARRAY"})
write("no-rows", pa.table({"n": pa.array([], pa.int64())}))
with pq.ParquetWriter(f"{here}/no-groups.parquet", pa.schema([("text", pa.string())])):
    expected["no-groups"] = []


class Kms(pe.KmsClient):
    def __init__(self, config):
        pe.KmsClient.__init__(self)

    def wrap_key(self, key, name):
        return base64.b64encode(key)

    def unwrap_key(self, key, name):
        return base64.b64decode(key)


def encrypt(name, **options):
    table = pa.table({"text": ["a", "b"], "id": ["1", "2"], "secret": ["x", "y"]})
    factory = pe.CryptoFactory(lambda config: Kms(config))
    config = pe.EncryptionConfiguration(footer_key="f", **options)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), config)
    with pq.ParquetWriter(f"{here}/{name}.parquet", table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)


encrypt("encrypted", column_keys={"c": ["text"]})
encrypt("encrypted-text", column_keys={"c": ["text"]}, plaintext_footer=True)
encrypt("encrypted-column", column_keys={"c": ["secret"]}, plaintext_footer=True)
json.dump(expected, open(f"{here}/expected.json", "w"), ensure_ascii=False, indent=0)
