#!/usr/bin/env python3
"""`floe table`: what it shows, proves and keeps healthy; the rows stay the same throughout."""
import os
import time

from harness import *

CONN, DEV = "puppygraph.vpcflowlogs_connections", "puppygraph.vpcflowlogs_devices"


def rows_of(h, table):
    return h.sql(f"SELECT count(*), sum(hash(t)) FROM (SELECT * FROM default_glue_catalog.{table}) t")


def files_below(h):
    return sorted(str(p) for p in (h.home / "warehouse").rglob("*") if p.is_file())


with Home() as h:
    check("list without tables", h.floe("table", "list").stdout, "there are no tables yet\n")
    subprocess.run([FLOE, "gen", "flow-logs", "--rows", "30000", "--rows-per-file", "1000", "--out", str(h.samples / "parquet")], check=True, capture_output=True)
    check("load", h.load("--most-files", "6").returncode, 0)
    before = {t: rows_of(h, t) for t in (CONN, DEV)}
    listed = h.floe("table", "list", "--format", "csv").stdout
    check_in("list", f"{CONN},2,30000,", listed)
    check_in("show", "partitioned by $event_date", h.floe("table", "show", CONN).stdout)
    check("by its name alone", h.floe("table", "show", DEV.split(".")[-1]).stdout.splitlines()[0], DEV)
    check_in("a name that no table has", "there is no table 'nothing'; floe table list", h.floe("table", "show", "nothing").stderr)
    check_in("files", "position deletes", h.floe("table", "files", DEV).stdout)
    check_in("snapshots", "overwrite", h.floe("table", "snapshots", DEV).stdout)
    for table in (CONN, DEV):
        done = h.floe("table", "check", table)
        check_in(f"check {table}", "sound", done.stdout)
        check(f"check {table} ends well", done.returncode, 0)
    some = h.floe("table", "files", CONN, "--where", "packets > 999999999999")
    check_in("files that a condition passes over", "no file would be read", some.stdout)
    check_in("what was passed over", "passed over: ", some.stderr)
    check("a column that is not there", h.floe("table", "files", CONN, "--where", "nothing = 1").returncode, 1)

    # compaction resolves deletes, sorts by source address and keeps every row
    for table in (CONN, DEV):
        done = h.floe("table", "maintain", table, "--compact", "--manifests")
        check(f"compact {table}", done.returncode, 0)
        check(f"{table} has the same rows", rows_of(h, table), before[table])
    check_in("sorted", "sorted by      srcaddr, start", h.floe("table", "show", CONN).stdout)
    check("no deletes are left", h.floe("table", "files", DEV).stdout.count("position deletes"), 0)
    again = h.floe("table", "maintain", CONN, "--compact", "--least-files", "1", timeout=60)
    check_in("a second round has nothing to do", "  0 files rewritten", again.stdout)

    # what a killed writer leaves goes, what is young stays, --dry-run only counts
    stray = h.home / "warehouse/puppygraph/vpcflowlogs_connections/data/2024-04-18/stray.parquet"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"PAR1 was never finished")
    temporary = h.home / "warehouse/puppygraph/vpcflowlogs_connections/metadata/00009-x.metadata.json.77.tmp"
    temporary.write_bytes(b"{")
    check_in("young garbage stays", " 0 files deleted", h.floe("table", "maintain", CONN, "--orphans").stdout)
    old = time.time() - 10 * 86400
    os.utime(stray, (old, old))
    os.utime(temporary, (old, old))
    check_in("dry run counts", " 2 files deleted", h.floe("table", "maintain", CONN, "--orphans", "--dry-run").stdout)
    check("dry run deletes nothing", stray.exists() and temporary.exists())
    check_in("orphans go", " 2 files deleted", h.floe("table", "maintain", CONN, "--orphans").stdout)
    check("they are gone", stray.exists() or temporary.exists(), False)

    # expiry keeps what the jobs have yet to read on from, and every file that is needed
    files = len(files_below(h))
    done = h.floe("table", "maintain", "--all", "--expire", "--snapshot-age", "0")
    check("expire", done.returncode, 0)
    check("files went", len(files_below(h)) < files)
    for table in (CONN, DEV):
        check(f"{table} has the same rows after expiry", rows_of(h, table), before[table])
        check_in(f"{table} is sound after expiry", "sound", h.floe("table", "check", table).stdout)
    h.write("more.log.gz", log_text("2 1 eni-1 10.9.9.9 10.9.9.8 1 2 6 1 1 1713400000 1713400060 ACCEPT OK"))
    check("jobs read on after expiry", h.load().returncode, 0)
    check("as of a time before the table", h.floe("table", "files", DEV, "--as-of", "1999-01-01").returncode, 1)

    # retention takes whole files out
    rows = h.floe("table", "maintain", CONN, "--retain", "--retention-days", "1").stdout
    check_in("retention", "30001 rows past retention", rows)
    check("no rows are left", h.sql(f"SELECT count(*) FROM default_glue_catalog.{CONN}"), ["0"])

    # faults are found
    data = next(p for p in (h.home / "warehouse/puppygraph/vpcflowlogs_devices/data").rglob("*.parquet"))
    content = data.read_bytes()
    data.write_bytes(content + b"x")
    done = h.floe("table", "check", DEV)
    check("a changed file fails the proof", done.returncode, 1)
    check_in("which one and how", f"has {len(content) + 1} bytes, not {len(content)}", done.stdout)
    data.unlink()
    check_in("a missing file", "is missing", h.floe("table", "check", DEV).stdout)

# the background round of `floe serve`
with Home() as h:
    subprocess.run([FLOE, "gen", "flow-logs", "--rows", "6000", "--rows-per-file", "500", "--out", str(h.samples / "parquet")], check=True, capture_output=True)
    check("load", h.load("--most-files", "2").returncode, 0)
    before = rows_of(h, DEV)
    server = subprocess.Popen([FLOE, "serve", "--home", str(h.home), "--port", "0", "--upkeep", "1", "--no-sign-in"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for _ in range(100):
        if h.floe("table", "files", DEV, "--format", "csv").stdout.count("\n") == 2:
            break
        time.sleep(0.2)
    server.terminate()
    check("serve ends well", (server.communicate(timeout=20)[1] != "", server.returncode), (True, 0))
    check("upkeep in the background left one file", h.floe("table", "files", DEV, "--format", "csv").stdout.count("\n"), 2)
    check("with the same rows", rows_of(h, DEV), before)
finish()
