#!/bin/sh
# Sets up what the tests need, then runs them.
#
#   sh tests/run.sh                    everything
#   sh tests/run.sh -m 'not real'      without the real programs, under 30 seconds
#   sh tests/run.sh tests/converge     further arguments go to pytest
#   sh tests/run.sh --prepare          set up only
set -eu

cd "$(dirname "$0")/.."
. packaging/apt.sh

PACKAGES="nginx curl strace runit docker-registry redis-server logrotate skopeo buildah podman containerd openssl util-linux iproute2 procps ca-certificates git groff-base man-db zsh fish apache2-utils pebble age gnupg restic prometheus"
BROWSER=chromium-headless-shell

prepare_programs() {
    missing=$(missing_packages $PACKAGES)
    if [ -n "$missing" ] || ! find_python >/dev/null; then
        read_package_lists >&2
        find_python >/dev/null || missing="$missing $(python_packages)"
        echo "installing:" $missing >&2
        install_quietly $missing >&2
    fi
}

# The map of disk usage is drawn by a browser too, where one can be had.
prepare_browser() {
    [ -n "$(missing_packages $BROWSER)" ] || return 0
    install_quietly $BROWSER >&2 || echo "note: no browser for the tests" >&2
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@" >&2
}

prepare_environment() {
    stamp=.venv/ready-$({ pwd; cat pyproject.toml tests/requirements.txt ctl/__init__.py; } | sha256sum | cut -c 1-16)
    if [ ! -e "$stamp" ] || ! .venv/bin/python -c ''; then
        python=$(find_python) || { echo "no Python from 3.11 was found" >&2; exit 1; }
        rm -rf .venv
        "$python" -m venv .venv
        pip_install --require-hashes --requirement tests/requirements.txt
        pip_install --no-deps --no-build-isolation --editable .
        touch "$stamp"
    fi
    # the tests call ctl a thousand times, and it may not write there
    .venv/bin/python -m compileall -q ctl recipes
}

prepare_programs
prepare_browser
sh tests/distribution3.sh >/dev/null
sh tests/azurite.sh >/dev/null
sh tests/clients.sh
prepare_environment
[ "${1-}" = --prepare ] && exit 0
# pytest's own form of the tests is kept for the next run, whatever the caller has set
unset PYTHONDONTWRITEBYTECODE
exec .venv/bin/python -m pytest -n auto "$@"
