# Shared by install.sh and tests/distribution3.sh: builds Distribution 3, the registry with the gcs and azure drivers.
# POSIX sh; source it. Needs Go from 1.21, and Go's module proxy.

DISTRIBUTION3=3.1.1
DISTRIBUTION3_MODULE=github.com/distribution/distribution/v3/cmd/registry

find_go() {
    command -v go || { [ -x /usr/local/go/bin/go ] && echo /usr/local/go/bin/go; }
}

# build_distribution3 FOLDER: makes FOLDER/registry there.
# -s -w leaves the tables of debuggers out: a third of its size
build_distribution3() {
    GOBIN=$1 timeout 900 "$(find_go)" install -trimpath -ldflags='-s -w' "$DISTRIBUTION3_MODULE@v$DISTRIBUTION3" >&2 &&
        chmod 755 "$1/registry"
}
