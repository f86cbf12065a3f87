#!/usr/bin/env bash
# Puts the shop on this server, or brings it up to date: ./deploy.sh
#
#   ./deploy.sh            build, start, wait until everything is healthy, try it out with bin/smoke
#   ./deploy.sh --demo     the same, and load the demo catalogue into an empty database
#   ./deploy.sh --check    start nothing: only try out the running shop (for cron)
#
# The first run writes .env with random secrets (mode 0600). Needs Docker with its compose plugin, and python3.
# AUTOSHOP_URL, from the environment or .env, says which address is tried: http://127.0.0.1:8080 unless it is set.
# Exit code 0 means: all services are healthy and the contract's checks passed.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"

ENV_FILE=${AUTOSHOP_ENV_FILE:-.env}
SECRETS=(AUTOSHOP_DB_SUPERUSER_PASSWORD AUTOSHOP_DB_OWNER_PASSWORD AUTOSHOP_DB_PASSWORD AUTOSHOP_CACHE_PASSWORD)
PATIENCE_SECONDS=300
DEMO=0 CHECK=0

main() {
  parse_options "$@"
  need_tools
  [ "$CHECK" = 1 ] || prepare_env
  [ -s "$ENV_FILE" ] || die "there is no $ENV_FILE: run ./deploy.sh without --check first"
  [ "$CHECK" = 1 ] || start
  try_out
}

parse_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --demo) DEMO=1 ;;
      --check) CHECK=1 ;;
      -h | --help) sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "$0"; exit 0 ;;
      *) die "unknown option $1 (see ./deploy.sh --help)" ;;
    esac
    shift
  done
}

need_tools() {
  command -v python3 >/dev/null || die "python3 is missing: apt-get install python3"
  command -v docker >/dev/null || die "Docker is missing: https://docs.docker.com/engine/install/"
  docker info >/dev/null 2>&1 ||
    die "the Docker engine does not answer: start it (systemctl start docker), or run this as root or as a member of the group docker"
  local version
  version=$(docker compose version --short 2>/dev/null | tr -d v) ||
    die "the compose plugin is missing: apt-get install docker-compose-plugin"
  printf '2.21\n%s\n' "$version" | sort -CV || die "compose $version is too old: 2.21 or newer is needed"
}

# ---------------------------------------------------------------------------------------------- .env
prepare_env() {
  umask 077
  if [ ! -e "$ENV_FILE" ]; then
    cp .env.example "$ENV_FILE"
    put AUTOSHOP_HOSTS "$(value AUTOSHOP_HOSTS)$(own_names)"
    say "wrote $ENV_FILE; this machine is answered as: $(value AUTOSHOP_HOSTS)"
  fi
  chmod 600 "$ENV_FILE"
  local name
  for name in "${SECRETS[@]}"; do
    [ -n "$(value "$name")" ] || put "$name" "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
  done
  [[ $(value AUTOSHOP_CACHE_PASSWORD) =~ ^[A-Za-z0-9._~-]+$ ]] ||
    die "AUTOSHOP_CACHE_PASSWORD in $ENV_FILE stands inside an address: use letters and digits only"
}

value() { # value NAME: what .env says, without quotes
  sed -n "s/^$1=//p" "$ENV_FILE" | tail -n 1 | sed -e 's/^"\(.*\)"$/\1/' -e "s/^'\(.*\)'\$/\1/"
}

put() { # put NAME VALUE: into .env, in the place where it stands
  NAME=$1 VALUE=$2 python3 - "$ENV_FILE" <<'PY'
import os, pathlib, sys
path, name, line = pathlib.Path(sys.argv[1]), os.environ["NAME"], f'{os.environ["NAME"]}={os.environ["VALUE"]}'
lines = path.read_text(encoding="utf-8").splitlines()
places = [i for i, text in enumerate(lines) if text.startswith(name + "=")] or [len(lines)]
lines[places[-1]:places[-1] + 1] = [line]
path.write_text("\n".join(lines) + "\n", encoding="utf-8")
PY
}

own_names() { # ,server,192.168.1.5: the names and addresses under which people in the shop reach this machine
  local name
  for name in $(hostname 2>/dev/null) $(hostname -I 2>/dev/null); do
    case $name in *:*) printf ',[%s]' "$name" ;; *) printf ',%s' "$name" ;; esac
  done
}

# ---------------------------------------------------------------------------------------------- the stack
compose() { # with moving lines on a terminal, and silent in a log
  local progress=quiet
  [ ! -t 1 ] || progress=auto
  docker compose --progress "${COMPOSE_PROGRESS:-$progress}" --env-file "$ENV_FILE" "$@"
}

start() {
  ports_are_free
  say "building"
  compose build --quiet || die "the image was not built, see above"
  say "starting PostgreSQL"
  compose up -d --wait --wait-timeout "$PATIENCE_SECONDS" --quiet-pull postgres || failed
  compose exec -T postgres /docker-entrypoint-initdb.d/10-roles.sh || failed
  say "starting the rest"
  compose up -d --wait --wait-timeout "$PATIENCE_SECONDS" --quiet-pull --remove-orphans || failed
  # Images that this build replaced.
  docker image prune --force --filter label=org.opencontainers.image.title=autoshop >/dev/null || true
  compose ps --all --format 'table {{.Service}}\t{{.Status}}'
  [ "$DEMO" = 0 ] || load_demo
  load_facts
}

load_demo() {
  local said
  say "loading the demo catalogue"
  if said=$(compose exec -T api autoshop demo 2>&1); then
    # The application's role may not; without it the first searches would be planned blindly.
    compose exec -T postgres psql -XqU postgres -d autoshop -c 'VACUUM (ANALYZE)'
  elif [[ $said != *"is not empty"* ]]; then
    printf '%s\n' "$said" >&2
    die "the demo catalogue was not loaded, see above"
  fi
  printf '%s\n' "$said"
}

load_facts() { # what is known of parts and cars comes with the code: each version brings its own
  local said
  say "loading what is known of parts and cars"
  said=$(compose exec -T api autoshop facts load 2>&1) || {
    printf '%s\n' "$said" >&2
    die "what is known was not loaded, see above"
  }
  printf '%s\n' "$said"
}

ports_are_free() {
  port_is_free nginx AUTOSHOP_PORT 8080
  port_is_free postgres AUTOSHOP_POSTGRES_PORT 5432
  port_is_free valkey AUTOSHOP_VALKEY_PORT 6379
}

port_is_free() { # port_is_free SERVICE VARIABLE DEFAULT
  local port
  port=$(value "$2") port=${port:-$3}
  [ -z "$(compose ps -q --status running "$1" 2>/dev/null)" ] || return 0
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
    die "port $port is taken by another program: set $2 in $ENV_FILE to a free one, then run ./deploy.sh again"
}

failed() { # say which services failed, and the end of their logs
  local service state health code
  compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}' | sed 's/  / - /' |
    while read -r service state health code; do
      case $state/$health/$code in
        running/healthy/* | running/-/* | exited/-/0 | created/*) continue ;;
      esac
      printf '\n--- %s is %s %s (exit code %s); the end of its log:\n' "$service" "$state" "$health" "$code"
      compose logs --no-color --no-log-prefix --tail 30 "$service" </dev/null
    done >&2
  die "the shop did not start"
}

# ---------------------------------------------------------------------------------------------- the checks
try_out() {
  local url port options=(--empty-ok)
  port=$(value AUTOSHOP_PORT)
  url=${AUTOSHOP_URL:-$(value AUTOSHOP_URL)}
  url=${url:-http://127.0.0.1:${port:-8080}}
  [ "$DEMO" = 0 ] || options=()
  token_works || new_token
  say "trying out $url"
  AUTOSHOP_TOKEN=$(value AUTOSHOP_SMOKE_TOKEN) bin/smoke "$url" "${options[@]}" || die "the shop does not do what it must, see above"
  say "done: $url"
}

token_works() {
  local token
  token=$(value AUTOSHOP_SMOKE_TOKEN)
  # Through standard input: a process list would show it.
  [ -n "$token" ] && compose exec -T api python -c '
import sys, urllib.request as u
u.urlopen(u.Request("http://127.0.0.1:8000/api/v1/session", headers={"Authorization": "Bearer " + sys.stdin.read().strip()}))
' <<<"$token" 2>/dev/null
}

new_token() {
  local token
  say "making a token for the checks"
  token=$(compose exec -T api autoshop token new --name "smoke-$(date -u +%Y%m%d-%H%M%S)" --scope inventory:read --scope inventory:write |
    grep -oE 'as_[A-Za-z0-9_-]+' | head -n 1) || die "no token was made, see above"
  put AUTOSHOP_SMOKE_TOKEN "$token"
}

say() { printf '==> %s\n' "$*"; }
die() { printf 'deploy.sh: %s\n' "$*" >&2; exit 1; }

main "$@"
