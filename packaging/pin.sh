#!/bin/sh
# Pins what install.sh and the tests install: versions and hashes, for every Python from 3.11.
#
#   sh packaging/pin.sh                        after a change of the dependencies in pyproject.toml
#   sh packaging/pin.sh --upgrade              takes the newest versions
#   sh packaging/pin.sh --upgrade-package click
set -eu

cd "$(dirname "$0")/.."

pin() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command 'sh packaging/pin.sh' "$@"
}

pin "$@" --extra build --extra object-storage pyproject.toml --output-file packaging/requirements.txt
# the tests run with what is installed elsewhere
pin "$@" --extra build --extra object-storage --extra dev --constraint packaging/requirements.txt pyproject.toml \
    --output-file tests/requirements.txt
