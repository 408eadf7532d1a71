#!/usr/bin/env python3
"""The main job by its commands: load, restart, upsert, graph answers, errors of queries."""
import json
import os
import pathlib
import re
import subprocess
import time

from harness import *

DATA = pathlib.Path(os.environ.get("FLOE_TEST_DATA", ROOT.parent / "shared" / "data"))
TOP20 = ("g.V('devices:::10.0.1.10').outE().as('sends').inV().as('dest').group().by(select('dest').id())"
         ".by(select('sends').values('packets').sum()).unfold().order().by(select(values), desc).limit(20)")


def facts(name, samples, worksheet_change=lambda text: text):
    """What data/README.md says of the real flow logs."""
    with Home(samples) as h:
        h.worksheet.write_text(worksheet_change(h.worksheet.read_text()))
        done = h.load()
        check(f"{name}: loads", (done.returncode, done.stderr if done.returncode else ""), (0, ""))
        row = h.sql(f"SELECT count(*), count(DISTINCT (srcaddr, dstaddr)), count(*) FILTER (action = 'REJECT'), count(*) FILTER (action = 'ACCEPT'), sum(bytes), "
                    f"sum(packets), count(DISTINCT primary_key), count(DISTINCT dstaddr) FILTER (srcaddr = '10.0.1.10') FROM {CONNECTIONS}")
        check(f"{name}: facts", row, ["152366,23701,57211,95155,249969988,758484,152366,8690"])
        check(f"{name}: one live row an address", h.sql(f"SELECT count(*), count(DISTINCT device_id) FROM {DEVICES}"), ["15031,15031"])
        late = (f"SELECT count(*) FROM (SELECT a, max(t) m FROM (SELECT srcaddr a, \"$event_time\" t FROM {CONNECTIONS} UNION ALL SELECT dstaddr, \"$event_time\" "
                f"FROM {CONNECTIONS}) GROUP BY a) x FULL JOIN {DEVICES} d ON d.device_id = x.a WHERE d.last_seen IS DISTINCT FROM x.m")
        check(f"{name}: last_seen is the latest", h.sql(late), ["0"])
        check(f"{name}: scanners", h.sql(f"SELECT count(*), max(p) FROM (SELECT srcaddr, count(DISTINCT dstport) p FROM {CONNECTIONS} WHERE action = 'REJECT' "
                                         "GROUP BY 1 HAVING count(DISTINCT dstport) >= 20)"), ["180,2773"])
        beacon = (f"SELECT round(avg(gap), 1), round(stddev(gap) / avg(gap), 2) FROM (SELECT start - lag(start) OVER (ORDER BY start) gap FROM {CONNECTIONS} "
                  "WHERE srcaddr = '73.54.23.243' AND dstport = 80 AND (tcp_flags & 2) = 2 AND (tcp_flags & 16) = 0)")
        check(f"{name}: the beacon", h.sql(beacon), ["272.8,0.16"])
        check(f"{name}: schema", h.apply_schema().returncode, 0)
        check(f"{name}: V", h.gremlin("g.V().count()"), ["15031"])
        check(f"{name}: E", h.gremlin("g.E().count()"), ["152366"])
        check(f"{name}: recipients", h.gremlin("g.V('devices:::10.0.1.10').out().dedup().count()"), ["8690"])
        top = h.gremlin(TOP20)
        check(f"{name}: top 20", (len(top), top[:3]), (20, ["devices[170.64.237.193]=6845", "devices[88.218.249.242]=5777", "devices[73.54.23.243]=4851"]))
        again = h.load()
        check(f"{name}: again nothing happens", (again.returncode, "rows in" in again.stderr), (0, False))
        check(f"{name}: again the same rows", h.sql(f"SELECT count(*) FROM {CONNECTIONS}"), ["152366"])


def real_data():
    if not DATA.is_dir():
        return skip("real flow logs (their folder is not here)")
    facts("865 gzip files", DATA / "rita_vpc_v5")
    with Home() as folder:
        os.symlink(DATA / "rita_vpc_v5.gzip.parquet", folder.samples / "rita_vpc_v5.gzip.parquet")
        facts("one Parquet file", folder.samples)


def new_files_and_order():
    with Home() as h:
        h.write("a_20240418T0100Z_x.log.gz", log_text(record("10.0.0.1", "10.0.0.2"), record("10.0.0.1", "10.0.0.3", 5)))
        check("first load", h.load().returncode, 0)
        h.write("b_20240418T0300Z_x.log.gz", log_text(record("10.0.0.9", "10.0.0.2", 7)))
        h.write("late_20240417T2300Z_x.log.gz", log_text(record("10.0.0.1", "10.0.0.8")), day="2024/04/17")
        check("second load", h.load().returncode, 0)
        check("late and new files are there", h.sql(f"SELECT count(*), sum(packets) FROM {CONNECTIONS}"), ["4,14"])
        check("a late file does not turn the clock back", h.sql(f"SELECT device_id, last_seen FROM {DEVICES} ORDER BY 1"),
              ["10.0.0.1,2024-04-18 01:00:00", "10.0.0.2,2024-04-18 03:00:00", "10.0.0.3,2024-04-18 01:00:00", "10.0.0.8,2024-04-17 23:00:00", "10.0.0.9,2024-04-18 03:00:00"])
        check("partitions by day", h.sql(f'SELECT DISTINCT "$event_date" FROM {CONNECTIONS} ORDER BY 1'), ["2024-04-17", "2024-04-18"])
        h.apply_schema()
        check("pairs and edges", h.gremlin("g.V('devices[10.0.0.1]').out().dedup().count()"), ["3"])


ALL_FIELDS = (HEADER + " vpc-id subnet-id instance-id tcp-flags type pkt-srcaddr pkt-dstaddr region az-id sublocation-type sublocation-id pkt-src-aws-service pkt-dst-aws-service "
              "flow-direction traffic-path ecs-cluster-arn ecs-cluster-name ecs-container-instance-arn ecs-container-instance-id ecs-container-id ecs-second-container-id ecs-service-name "
              "ecs-task-definition-arn ecs-task-arn ecs-task-id reject-reason resource-id encryption-status instance-tag instance-tag-2 interface-tag interface-tag-2 asg-tag asg-tag-2 "
              "interface-type next-hop-interface-id next-hop-subnet-id next-hop-az-id next-hop-vpc-id next-hop-interface-type").split()


def every_field_of_version_11():
    import random
    numbers = {"version", "srcport", "dstport", "protocol", "packets", "bytes", "start", "end", "tcp-flags", "traffic-path"}
    check("fields of version 11", len(ALL_FIELDS), 54)
    with Home() as h:
        for seed in range(3):
            order = random.Random(seed).sample(ALL_FIELDS, len(ALL_FIELDS))
            h.write(f"{seed}.log.gz", " ".join(order) + "\n" + " ".join(str(seed) if f in numbers else f"{f}.{seed}" for f in order) + "\n" + " ".join("-" for _ in order) + "\n")
        check("all orders load", h.load().returncode, 0)
        columns = ", ".join('"' + f.replace("-", "_") + '"' for f in ALL_FIELDS)
        want = [",".join(str(seed) if f in numbers else f"{f}.{seed}" for f in ALL_FIELDS) for seed in range(3)]
        check("every field lands in its column", h.sql(f"SELECT {columns} FROM {CONNECTIONS} WHERE version IS NOT NULL ORDER BY version"), want)
        check("a row of dashes is all null", h.sql(f"SELECT count(*), {', '.join('count(' + c + ')' for c in columns.split(', '))} FROM {CONNECTIONS} WHERE version IS NULL"), ["3" + ",0" * 54])


def headers_and_schemas():
    with Home() as h:
        h.write("a.log.gz", "dstaddr srcaddr version packets account-id\n10.0.0.2 10.0.0.1 3 4 111122223333\n")
        h.write("b.log.gz", "version srcaddr dstaddr ecs-task-id encryption-status account-id\n11 10.0.0.1 - task-1 2 -\n")
        check("any header order", h.load().returncode, 0)
        check("columns by name, - is null", h.sql(f"SELECT version, srcaddr, dstaddr, packets, account_id, ecs_task_id, encryption_status FROM {CONNECTIONS} ORDER BY 1"),
              ["3,10.0.0.1,10.0.0.2,4,111122223333,,", "11,10.0.0.1,,,,task-1,2"])
        h.write("c.log.gz", log_text(record("10.0.0.5", "10.0.0.6")))
        check("columns of the rest", h.load().returncode, 0)
        check("a row without an end is no edge", (h.apply_schema().returncode, h.gremlin("g.E().count()")), (0, ["2"]))


def secrets():
    with Home() as h:
        made = h.floe("sql", "CREATE S3 CONNECTION b SESSION_TOKEN = '' AWS_ACCESS_KEY_ID = 'AKIA' AWS_SECRET_ACCESS_KEY = 'hush1''hush2'")
        check("a connection with secrets", made.returncode, 0)
        changed = h.floe("sql", "ALTER S3 CONNECTION b SET AWS_SECRET_ACCESS_KEY = 'hush3''hush4' SET SESSION_TOKEN = 'hush5'")
        check("other secrets", changed.returncode, 0)
        kept = b"".join(p.read_bytes() for p in h.home.rglob("*") if p.is_file())
        check("no secret stands in the home", re.findall(rb"hush\d", kept), [])
        shown = h.floe("sql", "SHOW CREATE CONNECTION b", "--format", "csv").stdout
        check("a listing hides them", (re.findall(r"hush\d", shown), shown.count("'***'")), ([], 2))


def sessions():
    with Home() as h:
        h.write("a.log.gz", log_text(*[record(f"10.0.0.{i % 9}", f"10.0.1.{i % 7}", i, i) for i in range(200)]))
        h.load()
        h.apply_schema()
        total = h.sql(f"SELECT count(DISTINCT dstaddr) FROM {CONNECTIONS} WHERE srcaddr = '10.0.0.1'")
        check("out", h.gremlin("g.V('devices:::10.0.0.1').out().dedup().count()"), total)
        check("group count", h.gremlin("g.V().hasLabel('devices').has('device_type','source').count()"), ["9"])
        check("filters", h.gremlin("g.E().has('packets', gt(190)).values('packets').order().by(desc).limit(2)"), ["199", "198"])
        check("where and not", h.gremlin("g.V().not(out()).count()"), ["7"])
        check("union", h.gremlin("g.V('devices[10.0.0.1]').union(out().dedup().count(), outE().count())"), ["7", "23"])
        check("repeat", h.gremlin("g.V('devices[10.0.1.1]').repeat(both()).times(2).dedup().count()"), ["7"])
        def cypher(text):
            done = h.floe("cypher", text)
            return done.stdout.splitlines()[1:] if done.returncode == 0 else [done.stderr]

        typed = h.floe("gremlin", "g.V('devices[10.0.0.1]').outE().limit(1)", "--graphson").stdout
        edge = json.loads(typed)["@value"]
        check("GraphSON edges", (json.loads(typed)["@type"], edge["outV"], edge["outVLabel"], edge["label"]), ("g:Edge", "devices[10.0.0.1]", "devices", "connections"))
        check("GraphSON maps", json.loads(h.floe("gremlin", "g.V('devices[10.0.0.1]').out().groupCount().by(label)", "--graphson").stdout),
              {"@type": "g:Map", "@value": ["devices", {"@type": "g:Int64", "@value": 23}]})
        check("Cypher counts", cypher("MATCH (n) RETURN count(*)"), ["16"])
        check("Cypher and Gremlin agree", cypher("MATCH (a)-->(b) WHERE id(a) = 'devices[10.0.0.1]' RETURN count(DISTINCT b)"), total)
        check("Cypher groups as SQL does", cypher("MATCH (a)-[e]->(b) WHERE e.packets > 20 RETURN b.device_id AS d, sum(e.bytes) AS s, count(*) ORDER BY s DESC, d LIMIT 4"),
              [line.replace(",", " | ") for line in h.sql(f"SELECT dstaddr, sum(bytes), count(*) FROM {CONNECTIONS} WHERE packets > 20 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 4")])
        check("Cypher paths pass no edge twice", cypher("MATCH (a)-[x]->(b)<-[y]-(c) WHERE id(a) = 'devices[10.0.0.1]' RETURN count(*)"),
              h.sql(f"SELECT count(*) FROM {CONNECTIONS} x JOIN {CONNECTIONS} y ON x.dstaddr = y.dstaddr AND x.primary_key <> y.primary_key WHERE x.srcaddr = '10.0.0.1'"))
        for text, part in [("MATCH (n) RETURN m", "`m` is not defined"), ("CREATE (n)", "read-only"), ("MATCH (n RETURN n", "cypher:1:10"), ("MATCH (n) RETURN n LIMIT x", "whole number")]:
            done = h.floe("cypher", text)
            check(f"{text}: fails", done.returncode, 1)
            check_in(text, part, done.stderr)
        for text, part in [("g.V().cont()", "did you mean count()?"), ("g.V().addV('x')", "read-only"), ("g.V().tree(1)", "name of a side effect"),
                           ("g.V(", "gremlin:1:5"), ("g.V().has('packets', )", "expected a value"), ("V()", "begins with g."), ("g.V('unclosed).count()", "not closed"),
                           ("g.V().values('device_id').out()", "takes a vertex")]:
            done = h.floe("gremlin", text)
            check(f"{text}: fails", done.returncode, 1)
            check_in(text, part, done.stderr)
        started = time.monotonic()
        check("quick start", h.gremlin("g.V().count()"), ["16"])
        check("answers within a second of starting", time.monotonic() - started < 1)


def graph_agrees_with_sql():
    """Random vertices of generated logs: every answer of the graph is what SQL says."""
    with Home() as h:
        made = subprocess.run([FLOE, "gen", "flow-logs", "--rows", "60000", "--rows-per-file", "9000", "--seed", "5", "--out", str(h.samples)], capture_output=True)
        check("generate", made.returncode, 0)
        check("load", h.load("--most-files", "3").returncode, 0)
        h.apply_schema()
        names = h.sql(f"SELECT device_id FROM {DEVICES} WHERE device_id NOT LIKE '%:%' ORDER BY hash(device_id) LIMIT 12") + ["10.0.1.10", "203.0.113.9"]
        templates = [
            ("g.V('devices:::%s').out().dedup().count()", "SELECT count(DISTINCT dstaddr) FROM c WHERE srcaddr = '%s' AND dstaddr IS NOT NULL"),
            ("g.V('devices:::%s').in().dedup().count()", "SELECT count(DISTINCT srcaddr) FROM c WHERE dstaddr = '%s' AND srcaddr IS NOT NULL"),
            ("g.V('devices:::%s').bothE().count()", "SELECT count(*) FILTER (srcaddr = '%s') + count(*) FILTER (dstaddr = '%s') FROM c WHERE srcaddr IS NOT NULL AND dstaddr IS NOT NULL"),
            ("g.V('devices:::%s').outE().has('action','REJECT').values('dstport').dedup().count()", "SELECT count(DISTINCT dstport) FROM c WHERE srcaddr = '%s' AND action = 'REJECT'"),
            ("g.V('devices:::%s').inE().values('bytes').sum()", "SELECT sum(bytes) FROM c WHERE dstaddr = '%s' AND srcaddr IS NOT NULL"),
            ("g.V('devices:::%s').out().out().dedup().count()", "SELECT count(DISTINCT y.dstaddr) FROM c x JOIN c y ON x.dstaddr = y.srcaddr WHERE x.srcaddr = '%s' AND y.dstaddr IS NOT NULL"),
        ]
        for gremlin, sql in templates:
            for name in names:
                got = h.gremlin(gremlin.replace("%s", name))
                want = h.sql(sql.replace("%s", name).replace(" c ", f" {CONNECTIONS} "))
                check(f"{gremlin} of {name}", got or [""], want)


real_data()
graph_agrees_with_sql()
new_files_and_order()
every_field_of_version_11()
headers_and_schemas()
secrets()
sessions()
finish()
