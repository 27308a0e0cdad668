#!/bin/sh
# Builds Distribution 3, the second registry program of the tests, once a checkout; prints where it is.
# Where it cannot be built the reason is in the file `missing` beside it, and the tests with it are skipped.
#
#   sh tests/distribution3.sh          needs a Go toolchain, and about a minute the first time
set -eu

cd "$(dirname "$0")/.."
. packaging/distribution3.sh
VERSION=$DISTRIBUTION3
folder=.cache/registry-$VERSION
registry=$folder/registry

# give_up REASON: no failure, as the tests run with Debian's registry all the same.
give_up() {
    echo "$1" >"$folder/missing"
    echo "note: no Distribution $VERSION for the tests: $1" >&2
    exit 0
}

if [ ! -x "$registry" ]; then
    mkdir -p "$folder"
    find_go >/dev/null || give_up "there is no Go toolchain"
    echo "building Distribution $VERSION" >&2
    build=$(mktemp -d "$folder/build-XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 130' INT TERM HUP
    build_distribution3 "$PWD/$build" || give_up "go install $DISTRIBUTION3_MODULE@v$VERSION failed"
    mv "$build/registry" "$registry"
    rm -f "$folder/missing"
fi
echo "$registry"
