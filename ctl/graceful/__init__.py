"""Graceful restarts of one program behind a Unix socket, as NGINX's master does for its workers.

The master is the process that runit supervises. It starts the program with a socket of its own in `sockets/`, and
points the link `current.sock`, which NGINX connects to, at it. To restart, a second process is started beside the
first; `ctl` asks it whether it is healthy; then the link is switched in one step, and the first process drains: it
ends when its last connection has closed, or the limit is over. No client notices.

    folder/               root's, entered by the group that may connect
      current.sock        link to the socket of the process that serves
      key-….sock          link to the socket of the last process with that key (uploads that it has begun)
      control.sock        requests of ctl: start, promote, discard, state (root only)
      sockets/            the program's own
        2-5f0c33aa.sock
"""
