#!/bin/sh
# Installs Azurite, the Azure Blob Storage of the tests, once a checkout; prints where it is.
# Where it cannot be installed the reason is in the file `missing` beside it, and the tests with it are skipped.
#
#   sh tests/azurite.sh                needs Node.js with npm, and 190 MB
set -eu

VERSION=3.35.0

cd "$(dirname "$0")/.."
folder=.cache/azurite-$VERSION
program=$folder/node_modules/.bin/azurite-blob

# give_up REASON: no failure, as the tests of other storage run all the same.
give_up() {
    echo "$1" >"$folder/missing"
    echo "note: no Azurite $VERSION for the tests: $1" >&2
    exit 0
}

if [ ! -x "$program" ]; then
    mkdir -p "$folder"
    command -v npm >/dev/null || give_up "there is no npm"
    echo "installing Azurite $VERSION" >&2
    build=$(mktemp -d "$folder/build-XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 130' INT TERM HUP
    # nothing of what it needs runs a script of its own at the installation
    timeout 600 npm install --prefix "$build" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error \
        "azurite@$VERSION" >&2 || give_up "npm install azurite@$VERSION failed"
    mv "$build/node_modules" "$folder/node_modules"
    rm -f "$folder/missing"
fi
echo "$program"
