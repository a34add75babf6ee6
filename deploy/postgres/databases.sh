#!/bin/sh
# Two databases, each with an owner who sees nothing of the other's: Airflow's metadata, and Guestlist's ledger.
set -eu
for name in airflow guestlist; do
  case $name in
    airflow) password=$AIRFLOW_DB_PASSWORD ;;
    guestlist) password=$GUESTLIST_DB_PASSWORD ;;
  esac
  psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set name="$name" --set password="$password" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
