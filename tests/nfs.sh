#!/bin/sh
# Fetches what tests/real/test_nfs.py needs, once a checkout, into .cache/nfs: Debian's Linux that runs as a process
# (user-mode-linux), whose kernel has an NFS server and client, and the tools for both. Nothing is installed.
set -eu

cd "$(dirname "$0")/.."
folder=$PWD/.cache/nfs
[ -x "$folder/usr/bin/linux.uml" ] && exit 0
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
chmod 755 "$made"
cd "$made"
apt-get download user-mode-linux kmod libkmod2 nfs-kernel-server nfs-common libnfsidmap1 libtirpc3 libwrap0 \
    libevent-core-2.1-7 libdevmapper1.02.1 keyutils >&2
mkdir -p "$folder"
for package in ./*.deb; do
    dpkg -x "$package" "$folder"
done
ln -sf ../bin/kmod "$folder/sbin/modprobe"
