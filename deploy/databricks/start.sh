#!/bin/sh
# Starts the app on Databricks. The lock is installed here, without asking the packages for their
# own pins: those of the databricks extra contradict each other.
set -eu
cd "$(dirname "$0")/../.."
python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
  -r requirements-databricks.lock -r requirements-model.lock
PORT="${DATABRICKS_APP_PORT:-8000}" exec python -m app.main
