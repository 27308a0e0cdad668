"""Passwords and the secrets of deploy tokens: how they are made, kept, and compared.

Passwords are kept as bcrypt, which htpasswd files hold, too, and which needs little memory, however many people
log in at once. Secrets of deploy tokens are random, so that a plain SHA-256 keeps them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from ctl.errors import UsageFault

COST = 10
"""Of new hashes: 2^10 rounds take 50 to 100 ms."""
HIGHEST_COST = 14
"""The most work that a hash in the accounts file may ask for: more would let few logins keep the machine busy."""
SHORTEST = 8
LONGEST = 72
"""Bytes of a password: bcrypt does not look at more."""
_HASH = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}", re.ASCII)
_DUMMY = "$2b${cost:02d}$" + "." * 53
_READABLE = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Letters and digits without those that look alike."""
_PREFIX = "rdt_"
"""Begins every deploy token, so that one found where it does not belong is recognised."""
_COMMON = frozenset(
    (
        *("password", "passw0rd", "password1", "password123", "changeme", "changeit", "letmein1", "trustno1"),
        *("12345678", "123456789", "1234567890", "qwertyuiop", "qwerty123", "iloveyou", "welcome1"),
        *("admin123", "admin1234", "administrator", "registry"),
    )
)


def hash_password(password: str) -> str:
    """A bcrypt hash with a salt of its own.

    Raises:
        UsageFault: no account may have this password; see `refuse_weak`.
    """
    import bcrypt

    refuse_weak(password)
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode("ascii")


def refuse_weak(password: str, *, name: str = "") -> None:
    """Refuse a password that is too easily guessed, or cannot be typed or kept whole.

    Args:
        password: the password; no message holds any of it.
        name: of its account.

    Raises:
        UsageFault: with the reason.
    """
    reason = _weakness(password, name)
    if reason:
        raise UsageFault(reason, hint="--random-password makes a good one.")


def _weakness(password: str, name: str) -> str:
    if not password:
        return "the password is empty"
    if not password.isprintable():
        return "the password holds characters that cannot be typed"
    if len(password) < SHORTEST:
        return f"the password is too short: it needs at least {SHORTEST} characters"
    if len(password.encode()) > LONGEST:
        return f"the password is too long: at most {LONGEST} bytes of it would count"
    if password.lower() in {*_COMMON, name.lower()} or len(set(password)) < 3:
        return "the password is one of those that are tried first"
    return ""


def verify(hashed: str | None, password: str, *, cost: int = COST) -> bool:
    """Whether a password is the one of a hash. Where it is not, that takes the same time for every hash, and for none.

    Args:
        hashed: of the account; None or "" where there is no account, or none that can log in.
        password: as given by whoever logs in.
        cost: the work of a refusal, as a power of two; that of the costliest account, so that none can be recognised
            by its time.
    """
    import bcrypt

    given = password.encode(errors="replace")[:LONGEST]
    rest = range(cost, cost + 1)
    if hashed:
        if bcrypt.checkpw(given, hashed.encode("ascii")):
            return True
        # A hash of cost n is 2^n rounds: with those of n, n+1, ... cost-1 the sum is 2^cost.
        rest = range(cost_of(hashed), cost)
    for one in rest:
        bcrypt.checkpw(given, _DUMMY.format(cost=one).encode("ascii"))
    return False


def cost_of(hashed: str) -> int:
    """The cost of a hash that `is_hash` accepts, as a power of two."""
    return int(hashed[4:6])


def is_hash(text: str) -> bool:
    """Whether a text is a bcrypt hash that asks for a sensible amount of work."""
    match = _HASH.fullmatch(text)
    return match is not None and 4 <= int(match["cost"]) <= HIGHEST_COST


def random_password() -> str:
    """A password of 20 letters and digits (116 bits)."""
    return "".join(secrets.choice(_READABLE) for _ in range(20))


def new_secret() -> str:
    """The secret of a deploy token: 256 random bits."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest(secret: str) -> str:
    """What is kept of a deploy token's secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def same_digest(kept: str, secret: str) -> bool:
    """Whether a secret is the one of which a digest was kept; the time reveals nothing of how near it is."""
    return hmac.compare_digest(kept, digest(secret))
