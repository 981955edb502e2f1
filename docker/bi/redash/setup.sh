#!/bin/sh
# Redash's first user and its data source; does nothing that is done already. Runs in Redash's image, in its folder /app.
set -eu
options=$(cat "$(dirname "$0")/datasource.json")

users=$(./manage.py users list)
if ! printf '%s\n' "$users" | grep -qx 'Email: demo@example.com'; then
  ./manage.py users create_root demo@example.com demo --password spanwire-demo-1
fi

sources=$(./manage.py ds list)
if ! printf '%s\n' "$sources" | grep -qx 'Name: spanwire'; then
  ./manage.py ds new spanwire --type pg --options "$options"
fi
./manage.py ds test spanwire
