# shellcheck shell=bash disable=SC2034,SC2154 # what `stack` sets, and what it reads
# The data sets, and the prepared databases that hold them. Sourced by `stack`.

# Besides wide:ROWS and narrow:ROWS.
readonly SETS=(sample vega torture none platform sakila zabbix ledgersmb)

# A crate whose tests bring the Sakila database for PostgreSQL.
readonly SAKILA=sea-schema@0.3.1

# Gets what a set is loaded from, if that is not here.
install_set() {
  case $1 in
    platform) install_npm platform "$PLATFORM" ;;
    sakila) install_crate sakila "$SAKILA" ;;
    zabbix) install_deb_files zabbix zabbix-server-pgsql ;;
    ledgersmb) install_deb_files ledgersmb ledgersmb ;;
  esac
}
# Everything is loaded as `postgres`, the role that owns a hosted project's tables.
load() {
  local set=$1 dir=$2
  say "loading $set"
  case $set in
    none) ;;
    platform) load_platform "$dir" ;;
    sakila | zabbix | ledgersmb) "load_$set" "$dir" ;;
    sample) run_psql postgres postgres -f "$fixtures/sample.sql" ;;
    torture) run_psql postgres postgres -f "$fixtures/hard_types.sql" ;;
    vega)
      node "$here/load_vega" "$cache/node/node_modules/vega-datasets/data" >"$dir/vega.sql"
      run_psql postgres postgres -f "$dir/vega.sql"
      rm "$dir/vega.sql"
      ;;
    wide:* | narrow:*) generate "${set%%:*}" "${set#*:}" ;;
  esac
}

# Supabase's own schemas, in template1: every database made later has them, and `postgres` at once.
load_platform() {
  local errors
  run_psql supabase_admin template1 -c 'CREATE ROLE supabase_functions_admin LOGIN NOINHERIT CREATEROLE'
  # The package's SQL expects an empty database and extensions that nobody packages. Its types without
  # a schema belong to `auth`.
  PGOPTIONS='-c client_min_messages=error' "$PSQL" -X -q -h 127.0.0.1 -p "$PG_PORT" -U supabase_admin -d template1 \
    -c 'SET search_path = auth, extensions' \
    -f "$cache/platform/node_modules/@pgpm/supabase/deploy/supabase.sql" </dev/null >/dev/null 2>"$1/platform.log"
  errors=$(grep 'ERROR:' "$1/platform.log" |
    grep -Ev 'already exists|extension "(pg_graphql|supabase_vault)" (is not available|does not exist)') || true
  [[ -z $errors ]] || die "$PLATFORM does not load: $errors"
  run_psql supabase_admin template1 -f "$here/sql/platform.sql"
  run_psql supabase_admin template1 -c 'DROP DATABASE postgres'
  run_psql supabase_admin template1 -c 'CREATE DATABASE postgres OWNER postgres'
}

# A port of Pagila, once a dump of PostgreSQL 8. Left out: what only a superuser may do, a setting that is
# gone, and who may use `public`, which is Supabase's to say. Constraints rest for the tables that the
# dump lists before those they refer to; the rules of `payment` do not.
load_sakila() {
  local from=$cache/sakila/vendor/sea-schema/tests/sakila/postgres
  sed -E '
    /^(CREATE OR REPLACE|ALTER) PROCEDURAL LANGUAGE/d
    /^SET default_with_oids/d
    /^(COMMENT ON|REVOKE ALL ON|GRANT ALL ON) SCHEMA public/d
    /^ALTER TABLE payment (DIS|EN)ABLE TRIGGER ALL;/d
    s/^ALTER TABLE .* DISABLE TRIGGER ALL;/SET session_replication_role = replica;/
    s/^ALTER TABLE .* ENABLE TRIGGER ALL;/SET session_replication_role = origin;/
  ' "$from/sakila-schema.sql" "$from/sakila-data.sql" >"$1/sakila.sql"
  run_psql postgres postgres -1 -f "$1/sakila.sql"
  rm "$1/sakila.sql"
}

# The database of a monitoring server as it is before its first start: 173 tables, images as bytea.
load_zabbix() {
  local from=$cache/zabbix/usr/share/zabbix-server-pgsql
  gzip -dc "$from"/{schema,images,data}.sql.gz >"$1/zabbix.sql"
  run_psql postgres postgres -f "$1/zabbix.sql"
  rm "$1/zabbix.sql"
}

# The database of a company's books with the United States' chart of accounts, made as the program's own
# loader makes it. Left out: the modules that make roles for the whole cluster, and its self-check.
load_ledgersmb() {
  local from=$cache/ledgersmb/usr/share/ledgersmb/sql change modules=()
  run_psql postgres postgres -f "$from/Pg-database.sql"
  while read -r change; do
    run_psql postgres postgres -1 -f "$from/changes/${change#!}" 2>>"$1/ledgersmb.log" ||
      # Those may fail: a new database has the change already.
      [[ $change == !* ]] || die "LedgerSMB does not load: $(tail -n 1 "$1/ledgersmb.log")"
  done < <(grep -Ev '^ *(#|$)' "$from/changes/LOADORDER")
  while read -r change; do
    modules+=(-f "$from/modules/${change#!}")
  done < <(grep -Ev '^ *(#|$)|^(admin|Roles|Duplicates_Functions)\.sql' "$from/modules/LOADORDER")
  run_psql postgres postgres "${modules[@]}" -f "$from/coa/us/chart/General.sql"
  # EXTRACT(YEAR …) is printed as it was written only as long as it was not dumped: every copy, whoever
  # makes it, would differ from this database. Made from their own text, views print alike ever after.
  run_psql postgres postgres -c "DO \$\$ DECLARE v regclass; BEGIN
    FOR v IN SELECT oid FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace LOOP
      EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', v, pg_get_viewdef(v));
    END LOOP; END \$\$"
}

# Rows are made by two connections at once.
generate() {
  local kind=$1 rows=$2 half=$(($2 / 2)) first second
  run_psql postgres postgres -v part=create -f "$here/sql/$kind.sql"
  run_psql postgres postgres -v part=rows -v from=1 -v to="$half" -f "$here/sql/$kind.sql" & first=$!
  run_psql postgres postgres -v part=rows -v from=$((half + 1)) -v to="$rows" -f "$here/sql/$kind.sql" & second=$!
  wait "$first"
  wait "$second"
  run_psql postgres postgres -v part=finish -f "$here/sql/$kind.sql"
}

# ------------------------------------------------------ prepared databases ---

# What a prepared database depends on.
fingerprint() {
  local set files=("$here/sql/cluster.sql" "$here/sql/database.sql")
  for set in "$@"; do
    case ${set%%:*} in
      platform) files+=("$here/sql/platform.sql") ;;
      sakila | zabbix | ledgersmb) files+=("$cache/$set/installed") ;;
      sample) files+=("$fixtures/sample.sql") ;;
      torture) files+=("$fixtures/hard_types.sql") ;;
      vega) files+=("$here/load_vega") ;;
      wide | narrow) files+=("$here/sql/${set%%:*}.sql") ;;
    esac
  done
  { declare -f make_cluster load load_platform load_sakila load_zabbix load_ledgersmb generate; printf '%s\n' "$VEGA" "$PLATFORM" "$@"; cat "${files[@]}"; } |
    sha256sum | cut -c 1-16
}

# Puts a data directory with the sets loaded at DIR/pg/data and starts it.
provide_cluster() {
  local dir=$1 lock name prepared set
  shift
  local sets=("$@")
  [[ ${sets[*]} == none ]] && sets=()
  if [[ ${STACK_CACHE_DATA:-} != 1 && "${sets[*]}" == *:* ]]; then
    provide_cluster "$dir" none
    for set in "${sets[@]}"; do load "$set" "$dir"; done
    return
  fi

  name=${sets[*]:-none}
  name=$(id -u)-$(postgres_version)-${name//[ :]/_}
  prepared=$cache/databases/$name-$(fingerprint "${sets[@]}")
  exec {lock}>"$cache/databases/$name.lock"
  flock -s "$lock"
  if [[ ! -d $prepared ]]; then
    flock -u "$lock"
    flock -x "$lock"
    [[ -d $prepared ]] || prepare "$dir" "$prepared" "$cache/databases/$name" "${sets[@]}"
  fi
  cp -a --reflink=auto "$prepared" "$dir/pg/data"
  exec {lock}>&-
  start_postgres "$dir"
}

# Builds a prepared database in DIR and moves it to its place, removing older editions.
prepare() {
  local dir=$1 prepared=$2 family=$3 set old
  shift 3
  say "preparing a database: ${*:-none}"
  if (($# == 0)); then
    make_cluster "$dir"
  else
    provide_cluster "$dir" none
    for set in "$@"; do load "$set" "$dir"; done
  fi
  run_psql supabase_admin postgres -c CHECKPOINT
  stop "$dir" postgres INT
  # Cleanly stopped: the log is of no use to the copies.
  if [[ -x $PGBIN/pg_resetwal ]]; then as_pg "$PGBIN/pg_resetwal" "$dir/pg/data" >/dev/null; fi
  for old in "$family"-*; do
    [[ $old == "$family"-???????????????? || $old == "$family"-*.partial ]] && rm -rf "$old"
  done
  mv "$dir/pg/data" "$prepared.partial"
  mv "$prepared.partial" "$prepared"
}

