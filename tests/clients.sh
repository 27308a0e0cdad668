#!/bin/sh
# Builds the clients of tests/clients.txt, once a checkout, into .cache/clients. Where one cannot be built, the reason
# is in the file NAME.missing beside it, and the tests with it are skipped.
#
#   sh tests/clients.sh          all but helm: about a minute the first time
#   sh tests/clients.sh helm     named ones; helm takes some minutes
set -eu

cd "$(dirname "$0")/.."
. packaging/distribution3.sh
folder=$PWD/.cache/clients
mkdir -p "$folder"

# build NAME MODULE@VERSION
build() {
    target=$folder/$1-${2##*@}
    [ -x "$target" ] && return
    if ! go=$(find_go); then
        echo "there is no Go toolchain" >"$folder/$1.missing"
        return
    fi
    echo "building $1" >&2
    made=$(mktemp -d "$folder/build-XXXXXX")
    if GOBIN=$made CGO_ENABLED=0 timeout 900 "$go" install -trimpath -ldflags='-s -w' "$2" >&2; then
        chmod 755 "$made/$1"
        mv "$made/$1" "$target"
        rm -f "$folder/$1.missing"
    else
        echo "go install $2 failed" >"$folder/$1.missing"
    fi
    rm -rf "$made"
}

wanted=${*:-crane oras regctl conformance}
grep -v '^#' tests/clients.txt | while read -r name module; do
    case " $wanted " in *" $name "*) build "$name" "$module" ;; esac
done
