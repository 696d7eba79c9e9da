"""Writes one table of cases as Avro, Parquet, Arrow and ORC files, and the lines of JSON that a load must make of it.

Usage: body_files.py FOLDER. Writes FOLDER/*.{avro,parquet,arrows,arrow,orc} and FOLDER/expected.json:
file name -> list of lines. Instants are shown at +08:00.
"""

import datetime as dt
import decimal
import json
import sys

import fastavro
import pyarrow as pa
import pyarrow.ipc
import pyarrow.orc
import pyarrow.parquet as pq

D = decimal.Decimal
UTC = dt.timezone.utc
LONG = "x" * 3000 + "\u00e9\u4e2d\U0001f600\"\\\n\t"
MOMENT = dt.datetime(2024, 5, 6, 7, 8, 9, 123000)
EARLY = dt.datetime(1969, 12, 31, 23, 59, 59, 500000)
LATE = dt.datetime(9999, 12, 31, 23, 59, 59, 999000)


def text(value):
    """As the lines have it: line breaks and tabs by their number."""
    plain = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return plain.replace("\\n", "\\u000a").replace("\\t", "\\u0009")


# name, Arrow type, values, their JSON, formats that have the type
ALL = ("parquet", "arrow", "orc")
MOST = ("parquet", "arrow")
S = '"%s"'
COLUMNS = [
    ("b", pa.bool_(), [True, False, None], ["true", "false", "null"], ALL),
    ("i8", pa.int8(), [-128, 127, None], ["-128", "127", "null"], ALL),
    ("i16", pa.int16(), [-32768, 32767, None], ["-32768", "32767", "null"], ALL),
    ("i32", pa.int32(), [-(2**31), 2**31 - 1, None], [str(-(2**31)), str(2**31 - 1), "null"], ALL),
    ("i64", pa.int64(), [-(2**63), 2**63 - 1, None], [str(-(2**63)), str(2**63 - 1), "null"], ALL),
    ("u8", pa.uint8(), [0, 255, None], ["0", "255", "null"], MOST),
    ("u16", pa.uint16(), [0, 65535, None], ["0", "65535", "null"], MOST),
    ("u32", pa.uint32(), [0, 2**32 - 1, None], ["0", str(2**32 - 1), "null"], MOST),
    ("u64", pa.uint64(), [0, 2**64 - 1, None], ["0", str(2**64 - 1), "null"], MOST),
    ("f32", pa.float32(), [0.1, -3.4e38, None], ["0.1", "-3.4e+38", "null"], ALL),
    ("f64", pa.float64(), [0.1, 1e300, None], ["0.1", "1e+300", "null"], ALL),
    ("odd", pa.float64(), [float("nan"), float("-inf"), 3.0], ['"NaN"', '"-Infinity"', "3"], ALL),
    ("d9", pa.decimal128(9, 2), [D("1234567.89"), D("-0.05"), None], [S % "1234567.89", S % "-0.05", "null"], ALL),
    ("d18", pa.decimal128(18, 4), [D("12345678901234.5678"), D("-1.0000"), None],
     [S % "12345678901234.5678", S % "-1.0000", "null"], ALL),
    ("d38", pa.decimal128(38, 10), [D("1234567890123456789012345678.0123456789"), D("-1E-10"), None],
     [S % "1234567890123456789012345678.0123456789", S % "-0.0000000001", "null"], ALL),
    ("day", pa.date32(), [dt.date(2024, 2, 29), dt.date(1582, 10, 15), None], [S % "2024-02-29", S % "1582-10-15", "null"], ALL),
    ("ts_ms", pa.timestamp("ms"), [MOMENT, EARLY, LATE],
     [S % "2024-05-06 07:08:09.123", S % "1969-12-31 23:59:59.5", S % "9999-12-31 23:59:59.999"], ALL),
    ("ts_us", pa.timestamp("us"), [MOMENT, EARLY, None], [S % "2024-05-06 07:08:09.123", S % "1969-12-31 23:59:59.5", "null"], ALL),
    ("ts_ns", pa.timestamp("ns"), [MOMENT, EARLY, None], [S % "2024-05-06 07:08:09.123", S % "1969-12-31 23:59:59.5", "null"], ALL),
    ("ts_tz", pa.timestamp("us", "UTC"), [MOMENT.replace(tzinfo=UTC), EARLY.replace(tzinfo=UTC), None],
     [S % "2024-05-06 15:08:09.123", S % "1970-01-01 07:59:59.5", "null"], ALL),
    ("t_us", pa.time64("us"), [dt.time(7, 8, 9, 123000), dt.time(0), None], [S % "07:08:09.123", S % "00:00:00", "null"], MOST),
    ("t_ms", pa.time32("ms"), [dt.time(7, 8, 9, 123000), dt.time(23, 59, 59), None], [S % "07:08:09.123", S % "23:59:59", "null"], MOST),
    ("s", pa.string(), [LONG, "", None], [text(LONG), '""', "null"], ALL),
    ("ls", pa.large_string(), ["a", "\u0001", None], ['"a"', '"\\u0001"', "null"], ALL),
    ("bin", pa.binary(), [b"abc", b"", None], ['"abc"', '""', "null"], ALL),
    ("fix", pa.binary(4), [b"abcd", b"1234", None], ['"abcd"', '"1234"', "null"], MOST),
    ("dict", pa.dictionary(pa.int8(), pa.string()), ["red", "green", None], ['"red"', '"green"', "null"], MOST),
    ("li", pa.list_(pa.int32()), [[1, None, 3], [], None], ["[1,null,3]", "[]", "null"], ALL),
    ("lls", pa.list_(pa.list_(pa.string())), [[["a"], None, []], [[None, 'b"']], None],
     ['[["a"],null,[]]', '[[null,"b\\""]]', "null"], ALL),
    ("st", pa.struct([("a", pa.int64()), ("d", pa.decimal128(9, 2)), ("t", pa.timestamp("us"))]),
     [{"a": 1, "d": D("1.50"), "t": MOMENT}, {"a": None, "d": None, "t": None}, None],
     ['{"a":1,"d":"1.50","t":"2024-05-06 07:08:09.123"}', '{"a":null,"d":null,"t":null}', "null"], ALL),
    ("m", pa.map_(pa.string(), pa.int64()), [[("k", 1), ("l", None)], [], None], ['{"k":1,"l":null}', "{}", "null"], ALL),
    ("lst", pa.list_(pa.struct([("x", pa.int32()), ("y", pa.list_(pa.float64()))])),
     [[{"x": 1, "y": [0.5, None]}, None], [], None], ['[{"x":1,"y":[0.5,null]},null]', "[]", "null"], ALL),
]


# Types that only Arrow has, or writes so.
VIEW = "a text that is longer than a view"
EXTRA = [
    ("sv", pa.string_view(), [VIEW, "short", None], [text(VIEW), '"short"', "null"]),
    ("bv", pa.binary_view(), [b"abc", VIEW.encode(), None], ['"abc"', text(VIEW), "null"]),
    ("d32", pa.decimal32(5, 2), [D("123.45"), D("-0.01"), None], [S % "123.45", S % "-0.01", "null"]),
    ("d64", pa.decimal64(18, 0), [D("-123456789012345678"), D("0"), None], [S % "-123456789012345678", S % "0", "null"]),
    ("d256", pa.decimal256(60, 3), [D("1" * 50 + ".125"), D("-1.000"), None], [S % ("1" * 50 + ".125"), S % "-1.000", "null"]),
    ("h", pa.float16(), [1.5, -65504.0, None], ["1.5", "-65504", "null"]),
    ("d64d", pa.date64(), [dt.date(2024, 2, 29), dt.date(1582, 10, 15), None], [S % "2024-02-29", S % "1582-10-15", "null"]),
    ("ts_s", pa.timestamp("s", "Asia/Tokyo"), [dt.datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), dt.datetime(1, 1, 1, tzinfo=UTC), None],
     [S % "2024-05-06 15:08:09", S % "0001-01-01 08:00:00", "null"]),
    ("t_s", pa.time32("s"), [dt.time(7, 8, 9), dt.time(0), None], [S % "07:08:09", S % "00:00:00", "null"]),
    ("t_ns", pa.time64("ns"), [dt.time(7, 8, 9, 5), dt.time(0), None], [S % "07:08:09.000005", S % "00:00:00", "null"]),
    ("fl", pa.list_(pa.int16(), 2), [[1, 2], [None, 4], None], ["[1,2]", "[null,4]", "null"]),
    ("ll", pa.large_list(pa.large_string()), [["a", None], [], None], ['["a",null]', "[]", "null"]),
    ("lb", pa.large_binary(), [b"abc", b"", None], ['"abc"', '""', "null"]),
    ("di", pa.dictionary(pa.int32(), pa.int64()), [7, -7, None], ["7", "-7", "null"]),
    ("ld", pa.list_(pa.dictionary(pa.uint8(), pa.string())), [["x", "y", "x"], [None], None], ['["x","y","x"]', "[null]", "null"]),
    ("mi", pa.map_(pa.int32(), pa.list_(pa.bool_())), [[(1, [True, None])], [], None], ['{"1":[true,null]}', "{}", "null"]),
    ("nil", pa.null(), [None, None, None], ["null", "null", "null"]),
]


def table(fmt, repeat):
    mine = [c for c in COLUMNS if fmt in c[4]]
    rows = [n % 3 for n in range(repeat)]
    arrays = [pa.array([c[2][r] for r in rows], type=c[1]) for c in mine]
    lines = ["{" + ",".join('"%s":%s' % (c[0], c[3][r]) for c in mine) + "}" for r in rows]
    return pa.table(arrays, names=[c[0] for c in mine]), lines


AVRO = {
    "type": "record",
    "name": "r",
    "fields": [
        {"name": "b", "type": ["null", "boolean"]},
        {"name": "i", "type": ["null", "int"]},
        {"name": "l", "type": "long"},
        {"name": "f", "type": "float"},
        {"name": "d", "type": "double"},
        {"name": "s", "type": ["null", "string"]},
        {"name": "bin", "type": "bytes"},
        {"name": "e", "type": {"type": "enum", "name": "e", "symbols": ["A", "B"]}},
        {"name": "dec", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 10}]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "ts", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "lts", "type": {"type": "long", "logicalType": "local-timestamp-millis"}},
        {"name": "arr", "type": {"type": "array", "items": ["null", "int"]}},
        {"name": "m", "type": {"type": "map", "values": "long"}},
        {"name": "st", "type": {"type": "record", "name": "st", "fields": [{"name": "a", "type": "int"}]}},
    ],
}
AVRO_ROWS = [
    ({"b": True, "i": -(2**31), "l": 2**63 - 1, "f": 0.1, "d": 1e300, "s": LONG, "bin": b"abc", "e": "B",
      "dec": D("1234567890123456789012345678.0123456789"), "day": dt.date(2024, 2, 29),
      "ts": MOMENT.replace(tzinfo=UTC), "lts": MOMENT, "arr": [1, None, 3], "m": {"k": 1}, "st": {"a": 7}},
     '{"b":true,"i":-2147483648,"l":9223372036854775807,"f":0.1,"d":1e+300,"s":%s,"bin":"abc","e":"B",'
     '"dec":"1234567890123456789012345678.0123456789","day":"2024-02-29","ts":"2024-05-06 15:08:09.123",'
     '"lts":"2024-05-06 07:08:09.123","arr":[1,null,3],"m":{"k":1},"st":{"a":7}}' % text(LONG)),
    ({"b": None, "i": None, "l": -(2**63), "f": -3.4e38, "d": 3.0, "s": None, "bin": b"", "e": "A",
      "dec": None, "day": dt.date(1582, 10, 15), "ts": EARLY.replace(tzinfo=UTC), "lts": EARLY, "arr": [], "m": {},
      "st": {"a": -1}},
     '{"b":null,"i":null,"l":-9223372036854775808,"f":-3.4e+38,"d":3,"s":null,"bin":"","e":"A",'
     '"dec":null,"day":"1582-10-15","ts":"1970-01-01 07:59:59.5","lts":"1969-12-31 23:59:59.5","arr":[],"m":{},'
     '"st":{"a":-1}}'),
]


def main(folder):
    expected = {}

    def done(name, lines):
        expected[name] = lines
        return f"{folder}/{name}"

    for codec in ("null", "deflate", "snappy", "zstandard", "bzip2"):
        rows = [AVRO_ROWS[n % 2] for n in range(301)]
        with open(done(f"{codec}.avro", [line for _, line in rows]), "wb") as out:
            fastavro.writer(out, AVRO, [row for row, _ in rows], codec=codec, sync_interval=16000)
    data, lines = table("parquet", 301)
    for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
        pq.write_table(data, done(f"{codec}.parquet", lines), compression=codec, row_group_size=100)
    pq.write_table(data, done("v1.parquet", lines), version="1.0", data_page_version="1.0", use_dictionary=False,
                   coerce_timestamps="us")
    pq.write_table(data, done("v2.parquet", lines), version="2.6", data_page_version="2.0")
    data, lines = table("arrow", 301)
    for codec in (None, "lz4", "zstd"):
        options = pa.ipc.IpcWriteOptions(compression=codec, emit_dictionary_deltas=True)
        for ending, make in (("arrows", pa.ipc.new_stream), ("arrow", pa.ipc.new_file)):
            with pa.OSFile(done(f"{codec}.{ending}", lines), "wb") as sink:
                with make(sink, data.schema, options=options) as writer:
                    writer.write_table(data, max_chunksize=100)
    rows = [n % 3 for n in range(100)]
    data = pa.table([pa.array([c[2][r] for r in rows], type=c[1]) for c in EXTRA], names=[c[0] for c in EXTRA])
    lines = ["{" + ",".join('"%s":%s' % (c[0], c[3][r]) for c in EXTRA) + "}" for r in rows]
    with pa.OSFile(done("extra.arrows", lines), "wb") as sink, pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data.slice(0, 1))
        writer.write_table(data.slice(1), max_chunksize=33)
    data, lines = table("orc", 301)
    for codec in ("uncompressed", "zlib", "snappy", "lz4", "zstd"):
        pa.orc.write_table(data, done(f"{codec}.orc", lines), compression=codec)
    pa.orc.write_table(data, done("v11.orc", lines), file_version="0.11")
    pa.orc.write_table(data, done("dictionary.orc", lines), dictionary_key_size_threshold=1.0, compression="zlib")
    wide = pa.table({
        "n": pa.array([(n * 7919) % 10007 - 5000 if n % 5 else n // 100 for n in range(40000)], pa.int64()),
        "up": pa.array(range(40000), pa.int32()),
        "s": pa.array([None if n % 11 == 0 else f"user {n % 977}" for n in range(40000)]),
        "big": pa.array([(n * 2654435761) % 2**40 * (-1) ** n for n in range(40000)], pa.int64()),
    })
    wide_lines = [
        '{"n":%s,"up":%s,"s":%s,"big":%s}' % (r["n"], r["up"], text(r["s"]), r["big"]) for r in wide.to_pylist()
    ]
    pq.write_table(wide, done("wide.parquet", wide_lines))
    pa.orc.write_table(wide, done("wide.orc", wide_lines), stripe_size=65536, compression="zstd")
    pa.orc.write_table(wide, done("wide11.orc", wide_lines), stripe_size=65536, file_version="0.11")
    with open(f"{folder}/expected.json", "w", encoding="utf-8") as out:
        json.dump(expected, out)
    print("ok")


main(sys.argv[1])
