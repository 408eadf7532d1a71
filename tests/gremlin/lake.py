"""A graph of the feature files as Iceberg tables with a graph schema: one table for each label, loaded by
COPY jobs as flow logs are."""

import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import graphson
from harness import FLOE, Home

TYPES = {"i": ("INTEGER", "Int"), "l": ("BIGINT", "Long"), "d": ("DOUBLE", "Double"), "f": ("FLOAT", "Float"), "str": ("VARCHAR", "String")}
NAMESPACE = "t"


def plain(x):
    return x["@value"] if isinstance(x, dict) else x


def sql_text(v):
    return "NULL" if v is None else "'" + v[1].replace("'", "''") + "'" if v[0] == "str" else str(v[1])


class Label:
    def __init__(self, name):
        self.name = name
        self.columns = {}  # name → kind
        self.rows = []
        self.ends = None

    def add(self, keys, properties):
        row = dict(keys)
        for key, x in properties.items():
            row[key] = graphson.value(x)
            self.columns[key] = row[key][0]
        self.rows.append(row)


def read(lines):
    vertices, edges, label_of = {}, {}, {}
    for v in lines:
        label_of[plain(v["id"])] = v["label"]
        properties = {k: x[-1]["value"] for k, x in v.get("properties", {}).items()}
        vertices.setdefault(v["label"], Label(v["label"])).add({"_id": ("i", plain(v["id"]))}, properties)
    for v in lines:
        for label, of in v.get("outE", {}).items():
            for e in of:
                l = edges.setdefault(label, Label(label))
                ends = (v["label"], label_of[plain(e["inV"])])
                if l.ends not in (None, ends):
                    raise ValueError(f"{label} leads from {ends} and from {l.ends}")
                l.ends = ends
                l.add(
                    {"_id": ("i", plain(e["id"])), "_from": ("i", plain(v["id"])), "_to": ("i", plain(e["inV"]))},
                    e.get("properties", {}),
                )
    return vertices, edges


class Lake(Home):
    def __init__(self, lines):
        super().__init__()
        self.vertices, self.edges = read(lines)
        jobs = [f"CREATE FILE CONNECTION s ROOT = '{self.samples}';"]
        for is_edge, labels in ((False, self.vertices), (True, self.edges)):
            for l in labels.values():
                table = self.table(l, is_edge)
                self.write_rows(l, table, is_edge)
                jobs.append(f"CREATE ICEBERG TABLE default_glue_catalog.{NAMESPACE}.{table}();")
                jobs.append(
                    f"CREATE SYNC JOB load_{table} START_FROM = BEGINNING CONTENT_TYPE = AUTO AS COPY FROM FILE s "
                    f"LOCATION = '{table}' INTO default_glue_catalog.{NAMESPACE}.{table};"
                )
        self.worksheet.write_text("\n".join(jobs))
        done = self.load()
        if done.returncode:
            raise SystemExit(done.stderr)
        path = self.path / "schema.json"
        path.write_text(json.dumps(self.schema()))
        done = self.floe("schema", "apply", path)
        if done.returncode:
            raise SystemExit(done.stderr)

    def table(self, label, is_edge):
        return ("e_" if is_edge else "v_") + label.name.lower()

    def write_rows(self, label, table, is_edge):
        names = ["_id"] + (["_from", "_to"] if is_edge else []) + list(label.columns)
        types = {n: TYPES[label.columns.get(n, "i")][0] for n in names}
        folder = self.samples / table
        folder.mkdir()
        values = ",\n".join("(" + ", ".join(sql_text(r.get(n)) for n in names) + ")" for r in label.rows)
        casts = ", ".join(f'"{n}"::{types[n]} AS "{n}"' for n in names)
        columns = ", ".join(f'"{n}"' for n in names)
        query = f"COPY (SELECT {casts} FROM (VALUES {values}) x({columns})) TO '{folder}/1.parquet'"
        script = self.path / "rows.sql"
        script.write_text(query)
        done = subprocess.run([FLOE, "sql", query, "--home", str(self.home)], capture_output=True, text=True, timeout=60) if len(query) < 100000 else None
        if done is None:
            self.write_many(label, folder, names, types)
        elif done.returncode:
            raise SystemExit(done.stderr)

    def write_many(self, label, folder, names, types):
        """Rows that no command line holds go through a CSV file."""
        import csv

        path = self.path / "rows.csv"
        with open(path, "w", newline="") as f:
            w = csv.writer(f)
            w.writerow(names)
            for r in label.rows:
                w.writerow(["" if r.get(n) is None else r[n][1] for n in names])
        casts = ", ".join(f'"{n}"::{types[n]} AS "{n}"' for n in names)
        done = self.floe("sql", f"COPY (SELECT {casts} FROM read_csv('{path}', all_varchar = true, header = true)) TO '{folder}/1.parquet'")
        if done.returncode:
            raise SystemExit(done.stderr)

    def schema(self):
        def source(table, names):
            fields = [{"sourceFieldName": n, "targetFieldName": n} for n in names]
            return {"externalDataSource": {"enabled": True, "catalog": "c", "schema": NAMESPACE, "table": table, "mappedField": fields}}

        def attributes(l):
            return [{"name": n, "type": TYPES[k][1]} for n, k in l.columns.items()]

        nodes = [
            {
                "label": l.name,
                "id": [{"name": "_id", "type": "Int"}],
                "attribute": attributes(l),
                "dataSourceGroup": source(self.table(l, False), ["_id", *l.columns]),
            }
            for l in self.vertices.values()
        ]
        edges = [
            {
                "label": l.name,
                "fromNodeLabel": l.ends[0],
                "toNodeLabel": l.ends[1],
                "id": [{"name": "_id", "type": "Int"}],
                "fromKey": [{"name": "_from", "type": "Int"}],
                "toKey": [{"name": "_to", "type": "Int"}],
                "attribute": attributes(l),
                "dataSourceGroup": source(self.table(l, True), ["_id", "_from", "_to", *l.columns]),
            }
            for l in self.edges.values()
        ]
        return {"catalogs": [{"name": "c", "type": "iceberg", "metastore": {"type": "embedded"}}], "node": nodes, "edge": edges}
