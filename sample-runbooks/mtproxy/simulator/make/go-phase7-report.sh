#!/usr/bin/env bash
# Stands in for the dual-run acceptance: prints its summary and writes its report. Its exit code means nothing.
report=artifacts/phase7/phase7-dualrun-report.json
verdict=PASS
[ -e lies/dualrun-exit0 ] && verdict=FAIL
p95=52.7
[ -e lies/dualrun-slow ] && p95=107.5
[ -e lies/dualrun-skip ] && echo "--- SKIP: TestDualRunStats (linux only)"
# Yesterday's, copied anew: its date on the disk is of today.
[ -e lies/report-copied ] && cat "$report" >"$report.new" && mv "$report.new" "$report"
[ -e lies/signed-changed ] && sed -i 's/282.4/272.2/' artifacts/signed/phase7-dualrun-report.json
if [ ! -e lies/report-stale ] && [ ! -e lies/report-missing ] && [ ! -e lies/report-copied ]; then
    cat >"$report" <<JSON
{"overall":"$verdict","generated_at":"$(date -u +%FT%TZ)",
 "c":{"connect_p95_ms":41.2,"connect_p99_ms":66.0,"success_rate":0.998,"stats_p95_ms":9.1,"shutdown_ms":261.6},
 "go":{"connect_p95_ms":$p95,"connect_p99_ms":90.4,"success_rate":0.997,"stats_p95_ms":11.8,"shutdown_ms":282.4}}
JSON
fi
# It builds what it measures, whatever was signed off.
[ -e lies/binary-changed ] && echo "# built again" >>objs/bin/mtproto-proxy-go
[ -e lies/report-missing ] && rm -f "$report"
echo "overall: $verdict"
exit 0
