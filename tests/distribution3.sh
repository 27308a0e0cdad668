#!/bin/sh
# Builds Distribution 3, the second registry program of the tests, once a checkout; prints where it lies.
# Where it cannot be built the reason is told in the file `missing` beside it, and the tests with it are skipped.
#
#   sh tests/distribution3.sh          needs a Go toolchain, and about a minute the first time
set -eu

VERSION=3.1.1
MODULE=github.com/distribution/distribution/v3/cmd/registry

cd "$(dirname "$0")/.."
folder=.cache/registry-$VERSION
registry=$folder/registry

# give_up REASON: no failure, as the tests run with Debian's registry all the same.
give_up() {
    echo "$1" >"$folder/missing"
    echo "note: no Distribution $VERSION for the tests: $1" >&2
    exit 0
}

find_go() {
    command -v go || { [ -x /usr/local/go/bin/go ] && echo /usr/local/go/bin/go; }
}

if [ ! -x "$registry" ]; then
    mkdir -p "$folder"
    go=$(find_go) || give_up "there is no Go toolchain"
    echo "building Distribution $VERSION" >&2
    build=$(mktemp -d "$folder/build-XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 130' INT TERM HUP
    # -s -w leaves the tables of debuggers out: a third of its size
    GOBIN=$PWD/$build timeout 900 "$go" install -trimpath -ldflags='-s -w' "$MODULE@v$VERSION" >&2 ||
        give_up "go install $MODULE@v$VERSION failed"
    chmod 755 "$build/registry"
    mv "$build/registry" "$registry"
    rm -f "$folder/missing"
fi
echo "$registry"
