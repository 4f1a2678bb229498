# What the demo's steps are made of: servers that are started and stopped, commands that are shown, and what they must say.
# shellcheck shell=bash disable=SC2154

work=$(mktemp -d)
site="$work/site"
passed=0
failed=0
broker_pid=
pids=()

cleanup() {
  for pid in $broker_pid "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

# Nothing of the user's own configuration takes part.
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 AWS_MAX_ATTEMPTS=1 AWS_PAGER=
unset AWS_PROFILE AWS_ENDPOINT_URL AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_S3

say() { printf '\n== %s\n' "$1"; }

daypass() { "$target/debug/daypass" "$@"; }

aws() {
  if [ -x /usr/bin/aws ]; then /usr/bin/aws "$@"; else "$cache/venv/bin/aws" "$@"; fi
}

# see WHAT PATTERN COMMAND…: runs a command, shows it with what it says, and checks that against a pattern.
see() {
  local what=$1 pattern=$2 said
  shift 2
  printf '$ %s\n' "$*"
  said=$("$@" 2>&1)
  printf '%s\n' "$said" | sed '/^$/d; s/^/    /'
  if printf '%s' "$said" | tr '\n' ' ' | grep -qE "$pattern"; then
    printf '  ok      %s\n' "$what"
    passed=$((passed + 1))
  else
    printf '  FAILED  %s: expected `%s`\n' "$what" "$pattern"
    failed=$((failed + 1))
  fi
}

# started FD WORDS LOG: waits until a server has printed a line with these words, which it leaves in $line.
started() {
  local fd=$1 words=$2 log=$3
  while IFS= read -r -t 60 -u "$fd" line; do
    case "$line" in *"$words"*) cat <&"$fd" >/dev/null & return 0 ;; esac
  done
  printf 'a server never said `%s`:\n' "$words" >&2
  cat "$log" >&2
  exit 1
}

# start_broker [SITE [WRAPPER…]]
start_broker() {
  local folder=${1:-$site} port=()
  [ $# -eq 0 ] || shift
  [ -d "$folder" ] || port=(--port 0)
  local fd
  exec {fd}< <(exec "$@" "$target/debug/daypass" dev --dir "$folder" "${port[@]}" 2>>"$work/broker.log")
  broker_pid=$!
  started "$fd" 'listening url=' "$work/broker.log"
  url=$(printf '%s' "$line" | sed 's/.*listening url=\([^ ]*\).*/\1/')
  issuer=$(printf '%s' "$line" | sed 's/.*issuer=\([^ ]*\).*/\1/')
  printf 'the broker answers on %s, its identity provider on %s\n' "$url" "$issuer"
}

stop_broker() {
  kill "$broker_pid"
  # A child of a process substitution can't be waited for by number in every bash.
  tail --pid="$broker_pid" -f /dev/null
  broker_pid=
}

start_s3() {
  local fd address
  mkdir -p "$work/buckets/demo"
  daypass dev token --dir "$site" --sub service:s3 >"$work/service.token"
  address="127.0.0.1:$(free_port)"
  exec {fd}< <(exec "$target/debug/daypass-example-s3-service" --listen "$address" --root "$work/buckets" \
    --broker "$url" --web-identity-token-file "$work/service.token" \
    --role-arn arn:aws:iam::111122223333:role/S3Service 2>&1)
  pids+=($!)
  started "$fd" ready /dev/null
  s3="http://$address"
  printf 'the S3 service answers on %s, with credentials of its own\n' "$s3"
}

start_redis() {
  local fd
  redis_port=$(free_port)
  exec {fd}< <(exec redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$work")
  pids+=($!)
  started "$fd" 'Ready to accept connections' /dev/null
  printf 'redis-server answers on port %s\n' "$redis_port"
}

# A port that nothing listens on, tried by connecting.
free_port() {
  local port
  while port=$((20000 + RANDOM % 20000)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  done
  printf '%s' "$port"
}

# sign_in SUBJECT ROLE [OPTION…]: a token of the identity provider, and credentials for it in the environment.
sign_in() {
  local subject=$1 role="arn:aws:iam::111122223333:role/$2" keys
  shift 2
  daypass dev token --dir "$site" --sub "$subject" >"$work/$subject.token"
  printf '$ daypass dev token --sub %s > %s.token\n' "$subject" "$subject"
  printf '$ aws sts assume-role-with-web-identity --role-arn %s --role-session-name %s --web-identity-token file://%s.token %s\n' \
    "$role" "$subject" "$subject" "$*"
  keys=$(unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
    aws sts assume-role-with-web-identity --endpoint-url "$url" --role-arn "$role" --role-session-name "$subject" \
      --web-identity-token "file://$work/$subject.token" --output text \
      --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken,Expiration]' "$@") || return 1
  read -r AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN expires <<<"$keys"
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN
  printf '    credentials %s, good until %s\n' "$AWS_ACCESS_KEY_ID" "$expires"
}

redis() { redis-cli -h 127.0.0.1 -p "$redis_port" "$@"; }

# Every key with its kind, and the first bytes of those that hold a value.
show_redis() {
  redis --scan | while IFS= read -r key; do
    kind=$(redis type "$key")
    printf '    %-52s %s\n' "$key" "$kind"
    [ "$kind" != string ] || redis get "$key" | head -c 48 | od -An -tx1 | sed 's/^/       /'
  done
}

# Looks for what could be used in a dump of all of Redis.
search_redis() {
  local found=0 needle
  redis config set rdbcompression no >/dev/null
  redis save >/dev/null
  for needle in "$AWS_SECRET_ACCESS_KEY" "$AWS_SESSION_TOKEN" "$AWS_ACCESS_KEY_ID" "$(cut -d. -f3 "$work/alice.token")"; do
    ! grep -qaF -- "$needle" "$work/dump.rdb" || found=$((found + 1))
  done
  printf '%s found\n' "$found"
}

finish() {
  say 'Seen'
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}
