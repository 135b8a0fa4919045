#!/usr/bin/env bash
# Makes a checkout to rehearse on, anew each time: setup.sh DIR. What ran from DIR is stopped; two databases and the
# previous runtime are started, on PORT, DB_PORT and SLOT_DB_PORT. DIR/bin has stand-ins for docker, psql and pwsh, and
# gonogo's lab (GONOGO) plays what runs in the containers. The secrets go to `secrets/` beside the runbook, and
# yesterday's good evidence lies about. Lies are switched on by files in DIR/lies:
#   command-differs     the image's default command is another       probe-defaults     the image keeps docker's own probe
#   migrate-exit0       a migration fails, and the job exits 0       blind-probes       any path answers 200, probes too
#   readyz-constant     /readyz never asks the database              secret-in-log      the start-up log has the tokens
#   silent-start        the start-up log says nothing                wildcard-origin    CORS allows any origin
#   idle-above-open     more idle connections than open ones         burst-above-limit  the burst is above the limit
#   no-auth             no token is asked for                        old-token-valid    the rotated token is still good
#   no-request-id       a request without X-Request-ID is taken      no-key             so is one without a key
#   forgets-keys        a replay gets a new answer                   takes-any-payload  a key takes another payload
#   any-origin          any origin is served                         no-limit           no rate limit at all
#   roles-missing       the reader's role was never made             runtime-migrates   the runtime is a migrator, too
#   writer-owns         the writer may create tables                 reader-writes      the reader may insert
#   live-migrate-fails  the live migration fails, and exits 0        migration-lost     one migration is not applied
#   selfcheck-silent    the self-check exits 0 and says nothing      one-way-schema     the previous image cannot go on
#   matrix-exit0        `go test` fails, the script exits 0          matrix-stale       it names yesterday's log
#   matrix-zero         no test matched, so all passed               matrix-skips       the tests skipped themselves
#   matrix-silent       it names no log                              notes-missing      nobody wrote the drill's notes
#   image-gone          the previous image was cleaned away          never-up           docker says it started; it did not
#   crash-loop          the new runtime ends, docker starts it again
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
if [ -x "$dir/bin/docker" ]; then
    for name in vedicq-runtime vedicq-previous vedicq-slot vedicq-db vedicq-slot-db; do
        "$dir/bin/docker" rm --force "$name" >/dev/null 2>&1 || true
    done
fi
rm -rf "$dir"/{bin,docker,db,env,evidence,image,lies,scripts}
mkdir -p "$dir"/{bin,docker/images,docker/containers,db/bootstrap,db/migrations,db/live,db/slot,env,evidence/drill,image,lies,scripts}
cp "$here"/bin/* "$dir/bin/"
cp "$here"/image/* "$dir/image/"
cp "$here"/scripts/* "$dir/scripts/"
cp "$here"/runtime_roles.sql "$dir/db/bootstrap/"

secret() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
secrets=$here/../secrets
mkdir -p "$secrets"
for name in token old-token second-token db-password; do
    printf '%s\n' "tk_$(secret)" >"$secrets/$name"
done
read -r token <"$secrets/token"
read -r second <"$secrets/second-token"
read -r password <"$secrets/db-password"

cp "$secrets/old-token" "$dir/docker/"

# Which database listens where, for the stand-in of psql.
echo live >"$dir/db/${DB_PORT:-5432}"
echo slot >"$dir/db/${SLOT_DB_PORT:-5433}"
for n in 1 2 3 4 5 6 7 8 9; do echo "-- migration $n" >"$dir/db/migrations/000$n.sql"; done
for database in live slot; do
    printf '%s\n' 0001 0002 0003 0004 0005 0006 0007 >"$dir/db/$database/applied"
    printf '%s\n' "$password" >"$dir/db/$database/password"
    cp "$here/runtime_roles.sql" "$dir/db/$database/roles.sql"
done

environment() { # FILE DB_PORT USER
    cat >"$dir/env/$1" <<ENV
DB_HOST=127.0.0.1
DB_PORT=$2
DB_NAME=vedicq
DB_USER=$3
DB_PASSWORD=$password
DB_MAX_OPEN_CONNS=20
DB_MAX_IDLE_CONNS=5
DB_STATEMENT_TIMEOUT_MS=5000
RUNTIME_ALLOWED_ORIGINS=https://console.asymm.example,https://ops.asymm.example
RUNTIME_RATE_LIMIT_PER_MINUTE=600
RUNTIME_RATE_LIMIT_BURST=40
RUNTIME_API_TOKENS=$token,$second
ENV
}
environment runtime.env "${DB_PORT:-5432}" runtime_app
environment previous.env "${DB_PORT:-5432}" runtime_app
environment migrator.env "${DB_PORT:-5432}" migrator_app
environment slot.env "${SLOT_DB_PORT:-5433}" runtime_app
environment slot-migrator.env "${SLOT_DB_PORT:-5433}" migrator_app

image() { # NAME VERSION COMMAND
    cat >"$dir/docker/images/$1" <<JSON
{"Id":"sha256:$(printf %s "$1" | sha256sum | cut -d' ' -f1)","Config":{"Cmd":$3,
 "Healthcheck":{"Test":["CMD","platform_runtime","probe"],"Interval":10000000000,"Timeout":3000000000,"StartPeriod":10000000000,"Retries":3},
 "Labels":{"version":"$2"}}}
JSON
}
image vedicq-runtime:1.9.4 1.9.4 '["platform_runtime","serve"]'
image vedicq-runtime:2.0.0 2.0.0 '["platform_runtime","serve"]'
image postgres:16 16 '["postgres"]'

# Yesterday's run was good; whoever is content with it learns nothing of today's.
python3 - "$dir/evidence/live_cutover_20260220_101500.log" <<'PYTHON'
import sys
text = "== migrate\r\napplied migrations successfully: 2\r\n== selfcheck\r\nselfcheck ok\r\n== integration\r\n"
text += "".join(f"--- PASS: TestMatrix{n} (0.10s)\r\n" for n in range(8)) + "PASS\r\nok  \tasymm/integration\t1.204s\r\n"
open(sys.argv[1], "wb").write(b"\xff\xfe" + text.encode("utf-16-le"))
PYTHON
cp "$dir/evidence/live_cutover_20260220_101500.log" "$dir/evidence/latest.log"
touch -t 202602201015 "$dir"/evidence/*.log
echo "Staging, 2026-02-19: back to 1.9.4 in 41 s, forward again in 35 s; nothing was lost." >"$dir/evidence/drill/2026-02-19.md"

docker() { "$dir/bin/docker" "$@" >/dev/null; }
docker run -d --name vedicq-db -p "127.0.0.1:${DB_PORT:-5432}:5432" postgres:16
docker run -d --name vedicq-slot-db -p "127.0.0.1:${SLOT_DB_PORT:-5433}:5432" postgres:16
docker run -d --name vedicq-runtime --env-file "$dir/env/previous.env" -p "127.0.0.1:${PORT:-8080}:8080" vedicq-runtime:1.9.4
