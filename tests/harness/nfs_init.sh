#!/bin/sh
# The first process of the Linux of tests/harness/nfs.py, which sees the machine's files, read-only. It serves a folder
# in memory by NFS 4.2 to itself, mounts that as /mnt/client, runs $SCRIPT, and ends.
export PATH="$TOOLS/usr/sbin:$TOOLS/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
export LD_LIBRARY_PATH="$TOOLS/usr/lib/x86_64-linux-gnu:$TOOLS/lib/x86_64-linux-gnu"
script=$(cat "$SCRIPT") # before a folder in memory is mounted where it is

memory() {
    mount -t tmpfs tmpfs "$1"
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
for folder in /run /var/lib /mnt; do memory "$folder"; done
mkdir -p /dev/shm /var/lib/nfs/v4recovery /run/modules/lib /mnt/server /mnt/client
memory /dev/shm
memory /mnt/server
touch /var/lib/nfs/etab /var/lib/nfs/rmtab
ln -s "$TOOLS/usr/lib/uml/modules" /run/modules/lib/modules
ip link set lo up
for module in nfsd nfsv4; do modprobe -d /run/modules "$module"; done
mount -t nfsd nfsd /proc/fs/nfsd
exportfs -i -o rw,no_root_squash,insecure,fsid=0,no_subtree_check 127.0.0.1:/mnt/server
rpc.mountd --no-nfs-version 3
for time in lease grace; do echo 10 >"/proc/fs/nfsd/nfsv4${time}time"; done
rpc.nfsd -N 3 -V 4 -V 4.2 2
echo Y >/proc/fs/nfsd/v4_end_grace
mount.nfs4 -o vers=4.2,soft,timeo=50 127.0.0.1:/ /mnt/client || echo "NFS cannot be mounted"
export HOME=/run TMPDIR=/mnt/client PYTHONDONTWRITEBYTECODE=1
sh -c "$script"
echo "exit status: $?"
halt -f
