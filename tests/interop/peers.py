"""Other engines over one catalog: pyiceberg, Spark, Trino, DuckDB's iceberg extension. Each gives a table's rows as sorted texts."""
import atexit
import datetime
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "interop"


def text_of(v):
    if v is None:
        return "∅"
    if isinstance(v, bool):
        return str(v).lower()
    if isinstance(v, datetime.datetime):
        return v.replace(tzinfo=None).isoformat(" ")
    if isinstance(v, (bytes, bytearray)):
        return bytes(v).hex()
    if isinstance(v, dict):
        return "{" + ", ".join(f"{k}={text_of(x)}" for k, x in sorted(v.items())) + "}"
    if isinstance(v, (list, tuple)):
        return "[" + ", ".join(text_of(x) for x in v) + "]"
    if isinstance(v, float):
        return repr(v)
    return str(v)


def lines(columns, rows):
    order = sorted(range(len(columns)), key=lambda i: columns[i])
    return ["|".join(sorted(columns))] + sorted("|".join(text_of(r[i]) for i in order) for r in rows)


def catalog(home):
    from pyiceberg.catalog.sql import SqlCatalog
    return SqlCatalog("default_glue_catalog", uri=f"sqlite:///{home}/state.db", warehouse=f"file://{home}/warehouse")


def by_pyiceberg(home, table):
    t = catalog(home).load_table(table).scan().to_arrow()
    return lines(t.column_names, [tuple(r.values()) for r in t.to_pylist()])


def by_duckdb(home, table):
    """DuckDB's own iceberg extension over the table's current metadata file."""
    import duckdb
    import importlib
    c = duckdb.connect()
    for name in ("avro", "iceberg"):
        folder = pathlib.Path(importlib.import_module(f"duckdb_extension_{name}").__file__).parent
        c.execute(f"LOAD '{next(folder.rglob('*.duckdb_extension'))}'")
    c.execute("SET TimeZone = 'UTC'")
    location = catalog(home).load_table(table).metadata_location
    r = c.execute(f"SELECT * FROM iceberg_scan('{location.removeprefix('file://')}')")
    return lines([d[0] for d in r.description], r.fetchall())


_trino = None


def has_trino():
    return (WORK / "trino" / "classpath").exists() and (WORK / "trino" / "java").exists()


def stop_trino():
    global _trino
    if _trino:
        _trino.stdin.close()
        _trino.wait(timeout=60)
    _trino = None


def trino(home, query):
    """One Trino server, in a process of its own, for all homes: tests/interop/trino. Tables are floe.<schema>.<table>."""
    global _trino
    if _trino is None:
        folder = WORK / "trino"
        options = ["-Xmx1500m", "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"]
        path = f"{folder}/classes:{(folder / 'classpath').read_text().strip()}"
        _trino = subprocess.Popen([(folder / "java").read_text().strip(), *options, "-cp", path, "ReadTables"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=open(folder / "log", "w"), text=True)
        atexit.register(stop_trino)
    _trino.stdin.write(f"{home}\t{query}\n")
    _trino.stdin.flush()
    answer = json.loads(_trino.stdout.readline() or '{"error": "Trino has ended, see build/interop/trino/log"}', parse_float=str)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["columns"], answer["rows"]


def by_trino(home, table):
    columns, rows = trino(home, f"SELECT * FROM floe.{table}")
    return lines(columns, rows)


_spark = None


def spark(home):
    """A new session each time, because the JDBC catalog's connection stays at the state it first read; the catalog is the JDBC catalog over the home's database."""
    global _spark
    from pyspark.sql import SparkSession
    jars = (WORK / "spark-jars").read_text().strip()
    if _spark is None:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        _spark = (SparkSession.builder.master("local[2]").config("spark.jars", jars).config("spark.driver.memory", "1500m")
                  .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
                  .config("spark.sql.session.timeZone", "UTC").config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "2")
                  .config("spark.sql.catalog.default_glue_catalog", "org.apache.iceberg.spark.SparkCatalog")
                  .config("spark.sql.catalog.default_glue_catalog.catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog")
                  .config("spark.sql.catalog.default_glue_catalog.cache-enabled", "false")
                  .config("spark.sql.catalog.default_glue_catalog.uri", f"jdbc:sqlite:{home}/state.db").config("spark.sql.catalog.default_glue_catalog.jdbc.schema-version", "V1")
                  .config("spark.sql.catalog.default_glue_catalog.warehouse", f"file://{home}/warehouse").getOrCreate())
        _spark.sparkContext.setLogLevel("OFF")
    return _spark.newSession()


def by_spark(home, table):
    r = spark(home).table(f"default_glue_catalog.{table}")
    return lines(r.columns, [tuple(x.asDict(recursive=True).values()) for x in r.collect()])


def stop_spark():
    global _spark
    if _spark is not None:
        _spark.stop()
        _spark = None
