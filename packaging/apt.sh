# Shared by install.sh and tests/run.sh: installs packages without letting their services start.
# POSIX sh; source it. Needs root, or sudo.

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# missing_packages NAME...: prints those that are not installed.
missing_packages() {
    for package in "$@"; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || echo "$package"
    done
}

# read_package_lists: a machine that was never updated knows no packages, and an old list names lost ones.
# A source that does not answer need not be the one that is needed: the installation reports it.
read_package_lists() {
    as_root apt-get update -q || echo "note: not every package source answered" >&2
}

# install_quietly NAME...: installs packages; none of their services is started meanwhile.
# A policy-rc.d that is already there is the administrator's: it stays, and decides.
install_quietly() (
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ] || grep -q "$POLICY_MARK" "$policy"; then
        trap 'as_root rm -f "$policy"' EXIT
        trap 'exit 130' INT TERM HUP
        policy_text | as_root tee "$policy" >/dev/null && as_root chmod 755 "$policy" || exit 1
    fi
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get install -y -q --no-install-recommends -o DPkg::Lock::Timeout=120 "$@"
)

POLICY_MARK="registry-ctl, for the time of an installation"

# Services of other packages, which may be upgraded in passing, go on as usual (invoke-rc.d(8)).
policy_text() {
    cat <<END
#!/bin/sh
# $POLICY_MARK
case " \$* " in
    *" nginx "* | *" docker-registry "* | *" runit"* | *" redis-server "*) exit 101 ;;
esac
exit 0
END
}

# find_python: prints a Python from 3.11 that can make virtual environments; fails where there is none.
find_python() {
    for candidate in python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
        then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# python_packages: prints what has to be installed where find_python fails.
python_packages() {
    if python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        echo python3-venv
    elif apt-cache show python3.11-venv >/dev/null 2>&1; then
        echo python3.11 python3.11-venv
    else
        echo python3 python3-venv
    fi
}
