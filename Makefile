# The commands people type; Meson and Ninja do the work.
.PHONY: web test-ui screenshots soak test-upsolver all build setup demo test test-cypher test-cypher-random test-interop test-gremlin test-services test-kill test-plans test-extremes test-concurrent bench fuzz lint format sanitize install clean help
PREFIX ?= /usr/local

all: build

help:
	@echo 'make             install what is missing, build build/floe'
	@echo 'make demo        sample flow logs -> Iceberg tables -> graph answers (ARGS=--exit stops before serving)'
	@echo 'make test        unit tests, command tests, bad input, kills: needs only Debian and npm packages'
	@echo 'make test-interop  other Iceberg readers (pyiceberg, Iceberg for Java) read the same rows'
	@echo 'make test-services  S3, Iceberg REST and Glue: real servers on loopback, with faults in between'
	@echo 'make test-gremlin  the scenarios of Apache TinkerPop, fetched from Maven'
	@echo 'make test-upsolver  the public Upsolver CLI and Python SDK run worksheets over POST /query'
	@echo 'make test-concurrent  eight processes on one table, a minute each; kills; a full disk'
	@echo 'make test-clients drivers for Python and Java and Gremlin Console against the servers, with and without TLS'
	@echo 'make test-kill   the kill test, longer'
	@echo 'make soak        ten minutes of files on a clock, the jobs behind them (ARGS="--minutes 3")'
	@echo 'make test-plans  random questions answered by the engine and by SQL, many'
	@echo 'make test-extremes  what the graph engine bears, with a hub of ten million neighbours'
	@echo 'make test-cypher  openCypher TCK through Bolt with the stock Python driver'
	@echo 'make test-cypher-random  random Cypher and the TCK on tables: engine, SQL translation and Kuzu agree'
	@echo 'make test-ui     the browser UI in Chromium against build/floe (make screenshots: docs/screenshots)'
	@echo 'make bench       measure against the bars; writes build/bench-*.jsonl'
	@echo 'make fuzz        fuzz what reads outside bytes, FUZZ_SECONDS each'
	@echo 'make lint        layers, formatting'
	@echo 'make sanitize    unit tests under AddressSanitizer and UBSan'
	@echo 'make install     PREFIX=/usr/local'

setup:
	@scripts/setup

build: setup web
	@test -f build/build.ninja || meson setup build >build-setup.log 2>&1 || { cat build-setup.log; rm -rf build build-setup.log; exit 1; }
	@rm -f build-setup.log
	@ninja -C build --quiet

web: setup
	@scripts/web

test-ui: build
	@scripts/web --tests

screenshots: build
	@scripts/web --screenshots

demo: build
	@build/floe demo $(ARGS)

test: build
	@tests/run

test-interop: build
	@tests/interop/run

test-services: build
	@tests/services/run

test-gremlin: build
	@tests/gremlin/run

test-upsolver: build
	@tests/interop/upsolver_run

soak: build
	@python3 tests/soak.py $(ARGS)

test-concurrent: build
	@python3 tests/concurrent_test.py --seconds 60 --kill-seconds 60

test-clients: build
	@scripts/setup --java
	@python3 tests/clients_test.py

test-kill: build
	@python3 tests/kill_test.py --kills 200 --abuse

test-plans: build
	@PLAN_TEST_COUNT=$${PLAN_TEST_COUNT:-2000} PLAN_TEST_SEED=$${PLAN_TEST_SEED:-100} python3 tests/plan_test.py

test-extremes: build
	@EXTREMES_HUB=$${EXTREMES_HUB:-10000000} python3 tests/graph_extremes_test.py

fuzz: build
	@scripts/setup --fuzz
	@test -f build-fuzz/build.ninja || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Dnative=false -Doptimization=1 -Db_sanitize=address,undefined -Db_lundef=false >build-fuzz.log 2>&1 || { cat build-fuzz.log; rm -rf build-fuzz; exit 1; }
	@rm -f build-fuzz.log
	@ninja -C build-fuzz --quiet $$(cd build-fuzz && ninja -t targets all | sed -n 's,^\(fuzz/fuzz_[a-z_]*\): .*,\1,p')
	@fuzz/run

test-cypher: build
	@tests/cypher/run

test-cypher-random: build
	@TCK_SQL=$${TCK_SQL-1} RANDOM_SECONDS=$${RANDOM_SECONDS:-600} tests/cypher/random

bench: build
	@bench/run

lint:
	@scripts/setup --lint
	@tools/check-layers
	@tools/format --check

format:
	@tools/format

sanitize: setup
	@test -f build-asan/build.ninja || meson setup build-asan -Dbuildtype=debug -Dnative=false -Db_sanitize=address,undefined -Db_lundef=false >/dev/null
	@ninja -C build-asan --quiet unit_tests
	@ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 build-asan/unit_tests >build-asan/unit.log 2>&1; code=$$?; tail -n 1 build-asan/unit.log; \
		if [ $$code != 0 ]; then grep -vE 'RUN|  OK' build-asan/unit.log | head -n 60 >&2; fi; exit $$code

install: build
	install -D build/floe $(DESTDIR)$(PREFIX)/bin/floe
	install -D third_party/duckdb/libduckdb.so $(DESTDIR)$(PREFIX)/lib/libduckdb.so

clean:
	rm -rf build build-asan
