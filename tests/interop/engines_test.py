#!/usr/bin/env python3
"""Other engines and Floe on the same tables, both ways: pyiceberg, Spark with the Iceberg runtime, Trino, DuckDB's iceberg
extension read what Floe writes; Floe reads what pyiceberg and Spark write. Run by tests/interop/run inside the virtual environment."""
import datetime
import decimal
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from harness import *
import peers

CONN, DEV = "puppygraph.vpcflowlogs_connections", "puppygraph.vpcflowlogs_devices"
READERS = [("pyiceberg", peers.by_pyiceberg), ("Spark", peers.by_spark), ("DuckDB", peers.by_duckdb)] + ([("Trino", peers.by_trino)] if peers.has_trino() else [])


def by_floe(h, table):
    done = h.floe("sql", f"SELECT * FROM default_glue_catalog.{table}", "--format", "json")
    if done.returncode:
        return [done.stderr]
    rows = [json.loads(line, parse_float=str) for line in done.stdout.splitlines()]
    columns = list(rows[0]) if rows else []
    return peers.lines(columns, [tuple(r.values()) for r in rows])


def compare(h, table, when, readers=READERS, rows=None):
    want = by_floe(h, table)
    check(f"{when}: {table} has rows", len(want) > 1)
    if rows is not None:
        check(f"{when}: rows of {table}", len(want) - 1, rows)
    for name, reader in readers:
        try:
            got = reader(h.home, table)
        except Exception as fault:
            got = [f"{type(fault).__name__}: {str(fault)[:300]}"]
        same = got == want
        check(f"{when}: {name} reads {table}", same)
        if not same:
            shown = [(g, w) for g, w in zip(got, want) if g != w][:2]
            print(f"  {len(got)} lines, not {len(want)}: {shown}", file=sys.stderr)


def generate(h, name, seed, start):
    subprocess.run([FLOE, "gen", "flow-logs", "--rows", "4000", "--rows-per-file", "1000", "--seed", str(seed), "--start", start,
                    "--out", str(h.samples / name)], check=True, capture_output=True)


def sound(h, table, when):
    done = h.floe("table", "check", table)
    check(f"{when}: {table} is sound", (done.returncode, done.stdout.splitlines()[-1:][0].endswith("sound") if done.stdout else done.stderr), (0, True))
    if done.returncode:
        print(done.stdout[-500:], done.stderr[-300:], file=sys.stderr)


def floe_writes(version):
    with Home() as h:
        text = h.worksheet.read_text()
        for end in ("PARTITIONED BY $event_date;", "PRIMARY KEY device_id;"):
            text = text.replace(end, end.replace(";", f" FORMAT_VERSION = {version};"))
        h.worksheet.write_text(text)
        readers = [r for r in READERS if version == 2 or r[0] != "pyiceberg"]
        if version == 3:
            skip("pyiceberg 0.10 on format version 3: it does not read it")
        peers.stop_spark()
        generate(h, "one", 1, "2024-04-18")
        check("load", h.load().returncode, 0)
        for table in (CONN, DEV):
            compare(h, table, f"v{version}, first load", readers)
        generate(h, "two", 2, "2024-04-19")
        check("second load", h.load().returncode, 0)
        for table in (CONN, DEV):
            compare(h, table, f"v{version}, upserts", readers)
            sound(h, table, f"v{version}, upserts")
        for sql in ("ADD COLUMN note string", "RENAME COLUMN log_status TO status", "ALTER COLUMN srcport TYPE bigint",
                    "ADD PARTITION FIELD bucket(3, srcaddr)",
                    "ADD PARTITION FIELD truncate(4, action)"):
            peers.spark(h.home).sql(f"ALTER TABLE default_glue_catalog.{CONN} {sql}")
        generate(h, "three", 3, "2024-04-20")
        done = h.load()
        check("load after schema and partition evolution by Spark", (done.returncode, done.stderr[-300:] if done.returncode else ""), (0, ""))
        for table in (CONN, DEV):
            compare(h, table, f"v{version}, evolution", readers)
        for table in (CONN, DEV):
            check(f"maintain {table}", h.floe("table", "maintain", table).returncode, 0)
            compare(h, table, f"v{version}, compaction", readers)
            sound(h, table, f"v{version}, compaction")
        peers.spark(h.home).sql(f"DELETE FROM default_glue_catalog.{DEV} WHERE device_id LIKE '%7'")
        generate(h, "four", 4, "2024-04-21")
        check("load after Spark deleted", h.load().returncode, 0)
        compare(h, DEV, f"v{version}, upserts after Spark's deletes", readers)


def widened(h):
    """Spark's vectorised reader wants int columns without annotation where the table has widened them: files of SQL are written so, too."""
    source = h.path / "ints"
    source.mkdir()
    h.floe("sql", f"CREATE FILE CONNECTION ints ROOT = '{h.path}'")
    h.floe("sql", "CREATE TABLE peer.widened (i int, f float, n decimal(5,2), s string)")
    h.floe("sql", "CREATE JOB ints AS COPY FROM FILE ints LOCATION = 'ints' INTO peer.widened")
    empty = h.path / "empty.sql"
    empty.write_text("")
    for k in range(2):
        h.floe("sql", f"COPY (SELECT (x + {k} * 100)::SMALLINT i, x::FLOAT / 4 f, (x / 4)::DECIMAL(5,2) n, 'x' || x s FROM range(100) q(x)) TO '{source}/{k}.parquet'")
        check("load", h.floe("run", empty, "--until-caught-up", "--quiet").returncode, 0)
        if k == 0:
            for column, kind in (("i", "bigint"), ("f", "double"), ("n", "decimal(9,2)")):
                peers.spark(h.home).sql(f"ALTER TABLE default_glue_catalog.peer.widened ALTER COLUMN {column} TYPE {kind}")
    compare(h, "peer.widened", "widened columns", rows=200)


def pyiceberg_writes(h):
    import pyarrow as pa
    from pyiceberg.partitioning import PartitionField, PartitionSpec
    from pyiceberg.schema import Schema
    from pyiceberg.transforms import BucketTransform, DayTransform, TruncateTransform
    from pyiceberg.types import (BinaryType, BooleanType, DateType, DecimalType, DoubleType, FixedType, FloatType, IntegerType, ListType, LongType, MapType,
                                 NestedField, StringType, StructType, TimestampType, TimestamptzType, TimeType, UUIDType)
    c = peers.catalog(h.home)
    c.create_namespace_if_not_exists("peer")
    schema = Schema(NestedField(1, "i", IntegerType()), NestedField(2, "l", LongType()), NestedField(3, "f", FloatType()), NestedField(4, "d", DoubleType()),
                    NestedField(5, "b", BooleanType()), NestedField(6, "dec", DecimalType(12, 2)), NestedField(7, "day", DateType()), NestedField(8, "at", TimestampType()),
                    NestedField(9, "utc", TimestamptzType()), NestedField(10, "s", StringType()), NestedField(11, "bin", BinaryType()),
                    NestedField(12, "st", StructType(NestedField(13, "x", IntegerType()), NestedField(14, "y", StringType()))),
                    NestedField(15, "li", ListType(16, LongType(), element_required=False)), NestedField(17, "m", MapType(18, StringType(), 19, LongType(), value_required=False)))
    spec = PartitionSpec(PartitionField(7, 1000, DayTransform(), "day_day"), PartitionField(10, 1001, BucketTransform(4), "s_bucket"),
                         PartitionField(2, 1002, TruncateTransform(10), "l_trunc"))
    t = c.create_table("peer.types", schema, partition_spec=spec)

    def rows(first, n):
        day = datetime.date(2024, 1, 1)
        out = []
        for k in range(first, first + n):
            out.append({"i": k, "l": k * 7 if k % 5 else None, "f": k / 4, "d": k / 8, "b": k % 2 == 0, "dec": decimal.Decimal(k) / 4, "day": day + datetime.timedelta(days=k % 3),
                        "at": datetime.datetime(2024, 1, 1, 2, 3, 4) + datetime.timedelta(hours=k), "utc": datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=k),
                        "s": f"text {k} é" if k % 7 else None, "bin": None, "st": {"x": k, "y": f"y{k}"}, "li": [k, None, k + 1], "m": [("a", k)]})
        return pa.Table.from_pylist(out, schema=t.schema().as_arrow())

    t.append(rows(0, 40))
    t.append(rows(40, 40))
    flat = "SELECT count(*), sum(i), sum(l), sum(d), count(s), sum(st.x), sum(len(li)), sum(m['a']), sum(dec)::VARCHAR, min(day)::VARCHAR, max(utc)::VARCHAR FROM default_glue_catalog.peer.types"
    k = range(80)
    check_in("Floe reads pyiceberg's types", f"80,{sum(k)},{sum(7 * x for x in k if x % 5)},{sum(x / 8 for x in k)},{sum(1 for x in k if x % 7)},{sum(k)},240", ",".join(h.sql(flat)))
    t.delete("i >= 70")
    with t.update_schema() as u:
        u.rename_column("d", "double")
        u.add_column("extra", StringType())
        u.delete_column("f")
        u.update_column("i", LongType())
    check("after a delete and evolution", h.sql("SELECT count(*), sum(i), sum(double), count(extra) FROM default_glue_catalog.peer.types"), [f"70,{sum(range(70))},{sum(x / 8 for x in range(70))},0"])
    sound(h, "peer.types", "pyiceberg wrote")
    files = h.floe("table", "files", "peer.types", "--where", "day = 2024-01-02 and i < 20", "--format", "csv")
    scanned = [f for f in files.stdout.splitlines()[1:]]
    check("pruning by another writer's partitions and bounds leaves some files", 0 < len(scanned) < len(h.floe("table", "files", "peer.types", "--format", "csv").stdout.splitlines()) - 1)
    check("compact another writer's table", h.floe("table", "maintain", "peer.types", "--least-files", "2").returncode, 0)
    check("same rows", h.sql("SELECT count(*), sum(i) FROM default_glue_catalog.peer.types"), [f"70,{sum(range(70))}"])
    check("pyiceberg reads it after Floe compacted", len(peers.by_pyiceberg(h.home, "peer.types")), 71)
    sound(h, "peer.types", "compacted")


class Fresh:
    """spark.sql over a session that sees what Floe has committed."""

    def __init__(self, home):
        self.home = home

    def sql(self, text):
        return peers.spark(self.home).sql(text)


def files_without_ids(h):
    """add_files takes Parquet files as they are; the table's name mapping says which column is which."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    c = peers.catalog(h.home)
    data = pa.table({"id": pa.array(range(100), pa.int64()), "name": [f"n{k}" for k in range(100)], "pair": [{"x": k, "y": str(k)} for k in range(100)]})
    paths = []
    for k in range(2):
        paths.append(f"{h.path}/plain{k}.parquet")
        pq.write_table(data.slice(k * 50, 50), paths[-1])
    t = c.create_table("peer.adopted", data.schema)
    t.add_files([f"file://{p}" for p in paths])
    with t.update_schema() as u:
        u.rename_column("name", "title")
        u.add_column("extra", __import__("pyiceberg.types", fromlist=["x"]).StringType())
    t.append(pa.table({"id": pa.array([1000], pa.int64()), "title": ["new"], "pair": [{"x": 1, "y": "1"}], "extra": ["e"]}))
    sql = "SELECT count(*), sum(id), count(title), min(title), count(extra), sum(pair.x) FROM default_glue_catalog.peer.adopted"
    want = [f"101,{sum(range(100)) + 1000},101,n0,1,{sum(range(100)) + 1}"]
    check("files without field ids are read by the name mapping", h.sql(sql), want)
    check("and compacted", h.floe("table", "maintain", "peer.adopted", "--compact", "--least-files", "2").returncode, 0)
    check("with the same rows", h.sql(sql), want)
    check("that pyiceberg reads too", len(peers.by_pyiceberg(h.home, "peer.adopted")), 102)


def spark_writes(h, version):
    spark = Fresh(h.home)
    name = f"peer.spark{version}"
    full = f"default_glue_catalog.{name}"
    spark.sql("CREATE NAMESPACE IF NOT EXISTS default_glue_catalog.peer")
    spark.sql(f"""CREATE TABLE {full} (id bigint, name string, day date, amount decimal(10,2)) USING iceberg PARTITIONED BY (bucket(3, id), day)
        TBLPROPERTIES ('format-version'='{version}', 'write.delete.mode'='merge-on-read', 'write.update.mode'='merge-on-read', 'write.merge.mode'='merge-on-read',
                       'write.avro.compression-codec'='zstd', 'write.metadata.compression-codec'='gzip')""")
    spark.sql(f"INSERT INTO {full} SELECT id, concat('n', id), date_add(DATE '2024-01-01', int(id % 3)), id / 4 FROM range(300)")
    spark.sql(f"INSERT INTO {full} SELECT id, concat('n', id), date_add(DATE '2024-01-01', int(id % 3)), id / 4 FROM range(300, 500)")
    spark.sql(f"DELETE FROM {full} WHERE id % 10 = 3")
    spark.sql(f"UPDATE {full} SET name = 'changed' WHERE id % 25 = 1")
    spark.sql(f"MERGE INTO {full} t USING (SELECT id, 'merged' AS name FROM range(480, 520)) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET t.name = s.name "
              f"WHEN NOT MATCHED THEN INSERT (id, name, day, amount) VALUES (s.id, s.name, DATE '2024-02-01', 0)")
    kind = "deletion vector" if version == 3 else "position deletes"
    check_in(f"Spark wrote {kind}", kind, h.floe("table", "files", name).stdout)
    compare(h, name, f"Spark's v{version} {kind}", [("Spark", peers.by_spark)])
    sound(h, name, f"Spark's v{version}")
    tag = spark.sql(f"ALTER TABLE {full} CREATE TAG kept")
    spark.sql(f"DELETE FROM {full} WHERE id < 100")
    spark.sql(f"ALTER TABLE {full} ADD COLUMN note string")
    compare(h, name, f"Spark's v{version}, more deletes", [("Spark", peers.by_spark)])
    before = peers.by_spark(h.home, name)
    lineage = spark.sql(f"SELECT id, _row_id, _last_updated_sequence_number FROM {full} ORDER BY id").collect() if version == 3 else None
    done = h.floe("table", "maintain", name, "--compact", "--manifests", "--least-files", "2")
    check(f"Floe compacts Spark's v{version}", (done.returncode, done.stderr), (0, ""))
    check("no deletes are left", kind in h.floe("table", "files", name).stdout, False)
    check(f"Spark reads the same rows after Floe compacted v{version}", peers.by_spark(h.home, name), before)
    if version == 3:
        check("row ids and their last updates survive", spark.sql(f"SELECT id, _row_id, _last_updated_sequence_number FROM {full} ORDER BY id").collect() == lineage)
    check("expiry keeps the tag", (h.floe("table", "maintain", name, "--expire", "--snapshot-age", "0").returncode, "kept" in h.floe("table", "snapshots", name).stdout), (0, True))
    check(f"Spark reads the tag after expiry", spark.sql(f"SELECT count(*) FROM {full} VERSION AS OF 'kept'").collect()[0][0] > 400)
    spark.sql(f"INSERT INTO {full} (id, name, day, amount, note) VALUES (9999, 'last', DATE '2024-03-01', 1, 'n')")
    compare(h, name, f"Spark writes on v{version}", [("Spark", peers.by_spark)])


def equality_deletes(h):
    """Written by Iceberg's own Java library: Spark reads them, but does not write them."""
    for partitioned in (False, True):
        name = "peer.equality" + ("_by_day" if partitioned else "")
        full = f"default_glue_catalog.{name}"
        peers.spark(h.home).sql(f"CREATE TABLE {full} (id int, name string, day date) USING iceberg {'PARTITIONED BY (day)' if partitioned else ''} TBLPROPERTIES ('format-version'='2')")
        for k in range(3):
            spark = peers.spark(h.home)
            jvm = spark._jvm
            spark.sql(f"INSERT INTO {full} SELECT int(id), if(id % 11 = 0, NULL, concat('n', id % 7)), date_add(DATE '2024-01-01', int(id % 2)) FROM range({k * 50}, {k * 50 + 50})")
            table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, full)
            for columns, row in ((["id"], {"id": k * 50 + 4}), (["name"], {"name": "n3"}), (["id", "name"], {"id": k * 50 + 11, "name": None})):
                schema = table.schema().select(columns)
                ids = spark.sparkContext._gateway.new_array(jvm.int, len(columns))
                for i, c in enumerate(columns):
                    ids[i] = table.schema().findField(c).fieldId()
                record = jvm.org.apache.iceberg.data.GenericRecord.create(schema)
                for c, v in row.items():
                    record.setField(c, v)
                partition = None
                if partitioned:
                    partition = jvm.org.apache.iceberg.PartitionData(table.spec().partitionType())
                    partition.set(0, jvm.java.lang.Integer(19723 + k % 2))
                factory = jvm.org.apache.iceberg.data.GenericAppenderFactory(table.schema(), table.spec(), ids, schema, None)
                out = jvm.org.apache.iceberg.encryption.EncryptedFiles.plainAsEncryptedOutput(table.io().newOutputFile(f"{table.location()}/data/eq-{k}-{'-'.join(columns)}.parquet"))
                writer = factory.newEqDeleteWriter(out, getattr(jvm.org.apache.iceberg, "FileFormat").PARQUET, partition)
                writer.write(record)
                writer.close()
                table.newRowDelta().addDeletes(writer.toDeleteFile()).commit()
                table.refresh()
        check_in("they are there", "equality deletes", h.floe("table", "files", name).stdout)
        compare(h, name, "equality deletes", [("Spark", peers.by_spark)])
        before = peers.by_spark(h.home, name)
        check("Floe compacts them away", (h.floe("table", "maintain", name, "--compact").returncode, "equality deletes" in h.floe("table", "files", name).stdout), (0, False))
        check("Spark reads the same rows", peers.by_spark(h.home, name), before)


if "--widened" in sys.argv:
    with Home() as h:
        h.floe("table", "list")
        widened(h)
    finish()
if not peers.has_trino():
    skip("Trino: its server or a Java that runs it could not be fetched")
if "--writers" not in sys.argv:
    floe_writes(2)
    floe_writes(3)
with Home() as h:
    h.floe("table", "list")
    peers.stop_spark()
    pyiceberg_writes(h)
    widened(h)
    files_without_ids(h)
    for version in (2, 3):
        spark_writes(h, version)
    equality_deletes(h)
peers.stop_spark()
finish()
