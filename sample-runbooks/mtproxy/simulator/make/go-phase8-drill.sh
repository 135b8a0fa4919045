#!/usr/bin/env bash
# Stands in for `make go-phase8-drill`: `go test … | tee log` without pipefail, so that it exits 0 whatever happens.
log=artifacts/phase8/go-phase8.log
report=artifacts/phase8/phase8-cutover-report.json
{
    echo "=== RUN   TestPhase8CutoverRollbackDrill"
    if [ -e lies/drill-fails ]; then
        echo "--- FAIL: TestPhase8CutoverRollbackDrill (3.02s)"
        echo "FAIL"
    elif [ -e lies/drill-skip ]; then
        echo "--- SKIP: TestPhase8CutoverRollbackDrill (0.00s)"
        echo "PASS"
    else
        startup=272.687
        [ -e lies/drill-slow ] && startup=2011.3
        at=$(date -u +%FT%TZ)
        [ -e lies/drill-copied ] && at=2026-02-14T10:00:53Z
        [ -e lies/drill-stale ] || cat >"$report" <<JSON
{"generated_at":"$at","steps":[
 {"name":"baseline_c","startup_ms":279.293,"shutdown_ms":261.6},
 {"name":"cutover_go","startup_ms":$startup,"shutdown_ms":282.4},
 {"name":"rollback_c","startup_ms":261.654,"shutdown_ms":260.9}]}
JSON
        echo "--- PASS: TestPhase8CutoverRollbackDrill (3.02s)"
        echo "PASS"
    fi
} | tee "$log"
# As it happened: the old runtime's tree was moved away, and nobody asked the way back.
[ ! -e lies/rollback-gone ] || mv objs/bin/mtproto-proxy objs/bin/c-original
