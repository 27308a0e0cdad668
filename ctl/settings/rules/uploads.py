"""Which process an upload belongs to: the state that a client carries is signed with that process's http.secret."""

from __future__ import annotations

from hashlib import sha256

HEADER = "X-Upload-Key"
"""The registry says its key in each answer; NGINX adds it to the place of an upload, and takes it off."""

PROCESS_HEADER = "Process"
"""In which a process behind a master says which it is, by the name of its socket; NGINX takes it off, too."""


def upload_key(secret: str | None) -> str:
    """A name for an http.secret, from which nobody learns it: 16 hexadecimal digits."""
    return sha256(f"upload {secret}".encode()).hexdigest()[:16]
