#!/bin/sh
# Installs a container registry behind NGINX with TLS on this machine, and ctl, which runs it.
#
#   sudo sh install.sh [--url https://host:port] [--registry PROGRAM] [--gitlab-ctl]
#                        [--restore FILE [--identity KEY]] [--no-reconfigure]
#
# FILE is a backup that `ctl backup` has made on another machine, or on this one before it was set up anew; in S3
# (s3://BUCKET/…) with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. KEY decrypts it: a private key of age or gpg.
# PROGRAM is distribution3 (built with Go: it has the gcs and azure drivers), a package, or the path of a package
# (.deb) or of a registry program that was built elsewhere; without it docker-registry of the distribution.
# --gitlab-ctl makes links by which commands written for the Linux package work: gitlab-ctl, and registry and openssl
# in /opt/gitlab/embedded/bin.
# Can be run again at any time: it upgrades ctl, keeps the settings, and converges.
set -eu
umask 022
# The system's own Python and programs, whatever the caller's PATH begins with.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset PYTHONPATH PYTHONHOME
# Ends by way of the EXIT traps, which the shell leaves out when a signal ends it.
trap 'exit 130' INT TERM HUP

CALLER=$PWD
cd "$(dirname "$0")"
. packaging/apt.sh
. packaging/distribution3.sh

HOME_OF_CTL=/opt/registry-ctl
LINK=/usr/local/bin/ctl
SETTINGS=/etc/gitlab/gitlab.py
REGISTRY_LINK=/usr/local/bin/registry
PROGRAMS="nginx runit logrotate ca-certificates util-linux"
REGISTRY=
URL=
RESTORE=
IDENTITY=
RECONFIGURE=yes
GITLAB_CTL=no
GITLAB_CTL_LINK=/usr/local/bin/gitlab-ctl
EMBEDDED=/opt/gitlab/embedded

usage() {
    sed -n '2,13s/^# \{0,1\}//p' "$0"
}

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

read_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
            --url) [ $# -gt 1 ] || fail "--url needs a value, as https://registry.example.com:5050"; URL=$2; shift ;;
            --url=*) URL=${1#--url=} ;;
            --registry) [ $# -gt 1 ] || fail "--registry needs a value, as distribution3"; REGISTRY=$2; shift ;;
            --registry=*) REGISTRY=${1#--registry=} ;;
            --gitlab-ctl) GITLAB_CTL=yes ;;
            --restore) [ $# -gt 1 ] || fail "--restore needs a value, the archive of a backup"; RESTORE=$2; shift ;;
            --restore=*) RESTORE=${1#--restore=} ;;
            --identity) [ $# -gt 1 ] || fail "--identity needs a value, the private key of a backup"; IDENTITY=$2; shift ;;
            --identity=*) IDENTITY=${1#--identity=} ;;
            --no-reconfigure) RECONFIGURE=no ;;
            -h | --help) usage; exit 0 ;;
            *) usage >&2; printf 'install.sh: %s is not an option\n' "$1" >&2; exit 2 ;;
        esac
        shift
    done
    case $URL in
        "" | http://?* | https://?*) ;;
        *) printf 'install.sh: --url %s: begins with neither https:// nor http://\n' "$URL" >&2; exit 2 ;;
    esac
}

# Before anything is installed: whether the backup is there, and what it takes to read it.
check_backup() {
    case $RESTORE in
        "") return 0 ;;
        s3://*) PROGRAMS="$PROGRAMS restic" ;;
        /*) ;;
        *) RESTORE=$CALLER/$RESTORE ;;
    esac
    case $IDENTITY in "" | /*) ;; *) IDENTITY=$CALLER/$IDENTITY ;; esac
    [ -z "$IDENTITY" ] || [ -f "$IDENTITY" ] || fail "--identity $IDENTITY: there is no such file"
    case $RESTORE in
        *.gpg) PROGRAMS="$PROGRAMS gnupg" ;;
        *.age)
            PROGRAMS="$PROGRAMS age"
            [ -n "$IDENTITY" ] || fail "$RESTORE is encrypted for age: name the private key with --identity KEY" ;;
    esac
    case $RESTORE in s3://*) return 0 ;; esac
    [ -f "$RESTORE" ] || fail "--restore $RESTORE: there is no such file"
    # a repository of images that are encrypted
    for images in "${RESTORE%/*}"/images-*/config; do
        [ ! -f "$images" ] || PROGRAMS="$PROGRAMS restic"
    done
}

restore() {
    ctl restore "$RESTORE" ${IDENTITY:+--identity "$IDENTITY"} "$@"
}

# Before anything is installed: which package, if the registry is one, and whether it can be had.
choose_registry() {
    case $REGISTRY in
        "") is_ours "$REGISTRY_LINK" || PROGRAMS="$PROGRAMS docker-registry" ;;
        distribution3)
            find_go >/dev/null || fail "--registry distribution3: there is no Go here to build it with (go.dev/dl, from \
1.21); or build it elsewhere with 'go install $DISTRIBUTION3_MODULE@v$DISTRIBUTION3', and name the file: --registry PATH" ;;
        */*)
            [ -f "$REGISTRY" ] || fail "--registry $REGISTRY: there is no such file" ;;
        *)
            # a list of packages that was never read knows none: the installation reports it
            PROGRAMS="$PROGRAMS $REGISTRY" ;;
    esac
    case $REGISTRY in
        distribution3 | */*)
            [ ! -e "$REGISTRY_LINK" ] && [ ! -L "$REGISTRY_LINK" ] || is_ours "$REGISTRY_LINK" \
                || fail "$REGISTRY_LINK is there and was not made by this script; move it away first" ;;
    esac
}

# is_ours LINK: whether this script made it.
is_ours() {
    case $(readlink "$1" || true) in "$HOME_OF_CTL"/*) return 0 ;; *) return 1 ;; esac
}

# A registry that is no package: beside ctl, and found by it as /usr/local/bin/registry.
install_registry() {
    case $REGISTRY in
        *.deb)
            install_quietly "$(readlink -f "$REGISTRY")" || fail "$REGISTRY could not be installed"
            return 0 ;;
        distribution3 | */*) ;;
        *) return 0 ;;
    esac
    mkdir -p "$HOME_OF_CTL"
    build=$(mktemp -d "$HOME_OF_CTL/registry-XXXXXX")
    trap 'rm -rf "$build"' EXIT
    if [ "$REGISTRY" = distribution3 ]; then
        say "Building Distribution $DISTRIBUTION3"
        build_distribution3 "$build" || fail "Distribution $DISTRIBUTION3 could not be built; see above"
    else
        install -m 755 "$REGISTRY" "$build/registry"
    fi
    # PROGRAM github.com/... VERSION
    "$build/registry" --version 2>/dev/null | grep -Eq '^[^ ]+ [^ ]*(distribution|container-registry)' \
        || fail "$REGISTRY is no container registry: it does not print that as its version"
    mv "$build/registry" "$HOME_OF_CTL/registry"
    rm -rf "$build"
    trap - EXIT
    mkdir -p "${REGISTRY_LINK%/*}"
    ln -sfn "$HOME_OF_CTL/registry" "$REGISTRY_LINK"
}

check_machine() {
    [ "$(id -u)" -eq 0 ] || fail "needs root: sudo sh install.sh"
    command -v apt-get >/dev/null || fail "needs Debian or Ubuntu: there is no apt-get here"
    ! is_linux_package || fail "the GitLab Linux package is installed here (/opt/gitlab/embedded) and owns \
the same paths; keep this registry apart from it: ctl --root DIR reconfigure"
    refuse_foreign_link "$LINK"
    [ "$GITLAB_CTL" = no ] || refuse_foreign_link "$GITLAB_CTL_LINK"
}

# refuse_foreign_link LINK: a link to ctl may be made there, as nothing or just that is there.
refuse_foreign_link() {
    if [ -e "$1" ] || [ -L "$1" ]; then
        [ "$(readlink "$1" || true)" = "$HOME_OF_CTL/venv/bin/ctl" ] \
            || fail "$1 is there and was not made by this script; move it away first"
    fi
}

# Its folder of programs holds more than the links of --gitlab-ctl.
is_linux_package() {
    [ -d "$EMBEDDED" ] && ! { [ "$(ls -A "$EMBEDDED")" = bin ] && [ -z "$(find "$EMBEDDED/bin" ! -type d ! -type l)" ]; }
}

# Made last, as they lead to the programs that are installed; one that is there already is left as it is.
link_gitlab_ctl() {
    [ "$GITLAB_CTL" = yes ] || return 0
    ln -sfn "$HOME_OF_CTL/venv/bin/ctl" "$GITLAB_CTL_LINK"
    mkdir -p "$EMBEDDED/bin"
    for program in registry openssl; do
        target=$(command -v "$program" || command -v "docker-$program" || true)
        if [ -n "$target" ]; then ln -sfn "$target" "$EMBEDDED/bin/$program"; fi
    done
}

has_systemd() {
    [ -d /run/systemd/system ]
}

install_programs() {
    missing=$(missing_packages $PROGRAMS)
    if [ -n "$missing" ] || ! find_python >/dev/null; then
        trap keep_from_starting EXIT
        read_package_lists
        find_python >/dev/null || missing="$missing $(python_packages)"
        say "Installing" $missing
        install_quietly $missing || fail "the packages could not be installed; is the network there?"
        keep_from_starting
        trap - EXIT
    fi
    PYTHON=$(find_python) || fail "no Python from 3.11 with venv was found; install python3.11 and python3.11-venv"
    for service in nginx docker-registry; do
        is_new "$service" || ! runs "$service" \
            || say "note: $service ran here before; it is left running, and keeps its ports"
    done
}

is_new() {
    for package in $missing; do
        [ "$package" != "$1" ] || return 0
    done
    return 1
}

runs() {
    if has_systemd; then
        systemctl is-active --quiet "$1.service"
    else
        pid=$(cat "/run/$1.pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null
    fi
}

# The distribution's own service of a package that was installed just now would take the ports.
# One that was there before is the administrator's, and stays.
keep_from_starting() {
    for service in nginx docker-registry; do
        if is_new "$service" && [ -z "$(missing_packages "$service")" ]; then switch_off "$service"; fi
    done
}

switch_off() {
    if has_systemd; then
        systemctl disable --now --quiet "$1.service"
        return 0
    fi
    rm -f "/etc/systemd/system/multi-user.target.wants/$1.service"
    ! runs "$1" || "/etc/init.d/$1" stop >/dev/null 2>&1 || say "note: $1 runs and does not stop"
    ! command -v update-rc.d >/dev/null || update-rc.d "$1" disable >/dev/null 2>&1 \
        || say "note: $1 may start at boot: update-rc.d $1 disable"
}

pip_install() {
    "$new/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

# A new environment beside the old one, then one switch of a link: a failure leaves the old one working.
install_ctl() {
    say "Installing ctl"
    mkdir -p "$HOME_OF_CTL"
    new=$(mktemp -d "$HOME_OF_CTL/venv-XXXXXX")
    chmod 755 "$new"
    trap 'rm -rf "$new"' EXIT
    "$PYTHON" -m venv "$new"
    { pip_install --require-hashes --requirement packaging/requirements.txt \
        && pip_install --no-deps --no-build-isolation .; } \
        || fail "ctl's libraries could not be installed; is the network there? Nothing of a former version was touched."
    "$new/bin/ctl" --version >/dev/null
    trap - EXIT
    ln -sfn "$new" "$HOME_OF_CTL/venv.new"
    mv -T "$HOME_OF_CTL/venv.new" "$HOME_OF_CTL/venv"
    mkdir -p "${LINK%/*}"
    ln -sfn "$HOME_OF_CTL/venv/bin/ctl" "$LINK"
}

# The token issuer runs from the environment that it was started in: that goes when the run has restarted it.
remove_old_environments() {
    for old in "$HOME_OF_CTL"/venv-*; do
        [ "$old" = "$new" ] || rm -rf "$old"
    done
}

install_manual_and_completion() {
    install -D -m 644 docs/ctl.8 /usr/local/share/man/man8/ctl.8
    mkdir -p /usr/local/share/bash-completion/completions
    ctl completion bash > /usr/local/share/bash-completion/completions/ctl
}

install_unit() {
    if has_systemd; then
        install -D -m 644 packaging/registry-ctl.service /etc/systemd/system/registry-ctl.service
        systemctl daemon-reload
        systemctl enable --quiet registry-ctl.service
    fi
}

write_settings() {
    [ -z "$RESTORE" ] || return 0
    if [ -e "$SETTINGS" ]; then
        [ -z "$URL" ] || say "note: $SETTINGS is there already; --url changes nothing: set registry_external_url in it"
        return 0
    fi
    [ ! -e /etc/gitlab/gitlab.rb ] || say "note: /etc/gitlab/gitlab.rb is there; it is left alone"
    name=$(hostname -f 2>/dev/null || hostname)
    mkdir -p /etc/gitlab
    ctl settings template --url "${URL:-https://$name:5050}" --output "$SETTINGS"
}

converge() {
    if [ "$RECONFIGURE" = no ]; then
        [ -z "$RESTORE" ] || restore --no-reconfigure
        say "Next: edit $SETTINGS, then run: sudo ctl reconfigure"
        return 0
    fi
    if [ -n "$RESTORE" ]; then
        restore || fail "the backup is not restored; mend what is reported above, then: sudo ctl restore $RESTORE\
${IDENTITY:+ --identity $IDENTITY}"
    fi
    ctl reconfigure || fail "the registry is not running; mend what is reported above, then: sudo ctl reconfigure"
    remove_old_environments
    say ""
    ctl status || fail "not every service runs; see: ctl tail"
    url=$(ctl show-config | sed -n 's/^registry_external_url: *//p' | tr -d '"')
    say ""
    case $url in
        http*) say "The registry is running at $url" ;;
        *) say "The settings ask for no registry on this machine" ;;
    esac
    first_account "${url#*://}"
    has_systemd || say "It does not start at boot by itself here: let your init system run /usr/local/bin/ctl start"
    say "Next: edit $SETTINGS, then run: sudo ctl reconfigure"
}

# The registry's own token issuer begins without accounts. The password is printed here and kept nowhere.
first_account() {
    [ "$(ctl settings get registry_auth.enable)" = True ] || return 0
    ctl user list --json | grep -q '"users": \[\]' || return 0
    say ""
    ctl user add admin --admin --random-password 2>&1
    say "Another one: sudo ctl user passwd admin --random-password"
    if ctl certificates 2>/dev/null | grep -q 'signs server certificates'; then
        say "Let the tools of this machine trust its CA: sudo ctl trust"
    fi
    say "Log in: docker login -u admin ${1%/}"
    say ""
}

read_arguments "$@"
check_machine
check_backup
choose_registry
install_programs
install_registry
install_ctl
install_manual_and_completion
install_unit
link_gitlab_ctl
write_settings
converge
