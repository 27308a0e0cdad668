"""For whom backups are encrypted: new keys of age and gpg."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path


def recipient(program: str, folder: Path) -> tuple[str, Path]:
    """A new key.

    Args:
        program: age or gpg.
        folder: where files with it are put.

    Returns:
        For whom to encrypt, and the file with the private key.
    """
    identity = folder / "identity"
    if program == "age":
        made = subprocess.run(["age-keygen", "-o", str(identity)], capture_output=True, text=True, check=True)
        return made.stderr.split()[-1], identity
    home = tempfile.mkdtemp(prefix="keys-", dir="/tmp")  # a socket of gpg's agent has a short path
    gpg, public = ["gpg", "--homedir", home, "--batch", "--quiet"], folder / "public"
    try:
        subprocess.run(
            [*gpg, "--passphrase", "", "--quick-gen-key", "backup@example.com", "future-default"], check=True
        )
        public.write_bytes(subprocess.run([*gpg, "--export"], capture_output=True, check=True).stdout)
        secret = subprocess.run([*gpg, "--export-secret-keys"], capture_output=True, check=True)
        identity.write_bytes(secret.stdout)
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
        shutil.rmtree(home)
    return str(public), identity
