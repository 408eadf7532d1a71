"""Print each column of a table as pyiceberg reads it: name, values that are not null, and a checksum that no order changes.

    read_pyiceberg.py HOME namespace.table
"""
import sys
import zlib

from pyiceberg.catalog.sql import SqlCatalog


def text_of(value):
    text = str(value)
    return text[:-7] if text.endswith(".000000") else text


def main(home, name):
    catalog = SqlCatalog("default_glue_catalog", uri=f"sqlite:///{home}/state.db", warehouse=f"file://{home}/warehouse")
    rows = catalog.load_table(name).scan().to_arrow()
    for column in sorted(rows.column_names):
        values = [v for v in rows[column].to_pylist() if v is not None]
        total = sum(zlib.crc32(text_of(v).encode()) for v in values) % 2**64
        print(f"{column}\t{len(values)}\t{total}")


main(*sys.argv[1:])
