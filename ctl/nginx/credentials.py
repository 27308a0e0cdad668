"""Which requests come with credentials, as NGINX can see before the registry has looked at them.

A token is signed: what it says of itself is true, once the registry has taken it. That it is for whoever does not log
in is among its claims, which are base64url: a text is found there by its bits, wherever it begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from string import ascii_letters, digits

from ctl.settings.attributes import Attributes

NOBODY = (b'"auth_type":"none"', b'"sub":""', b'"sub":null')
"""Claims of a token for whoever does not log in: GitLab (JwtController) and ctl's issuer write the first. No string of
JSON can look like one, as its quotes are escaped. GitLab's deploy tokens have no subject at all, but a type."""
_ALPHABET = ascii_letters[26:] + ascii_letters[:26] + digits + "-_"
_WORD = r"[\w-]"


def credentials(attributes: Attributes) -> dict[str, object]:
    """How the vhost's template finds out who has credentials.

    Returns:
        source: what it looks at.
        patterns: regular expressions, of which the first that fits decides; and whether there are credentials then.
    """
    source, vhost = "$http_authorization", attributes.registry.nginx
    patterns = list(_authorization(attributes.registry.env))
    if vhost.https and vhost.ssl_verify_client:
        source += " $ssl_client_verify"
        patterns.insert(0, (" SUCCESS$", True))
    return {"source": source, "patterns": patterns}


def _authorization(env: dict[str, str]) -> Iterator[tuple[str, bool]]:
    """By how the registry authenticates: with tokens, unless its environment says otherwise (REGISTRY_AUTH…)."""
    own = {name: str(value) for name, value in env.items() if name.startswith("REGISTRY_AUTH")}
    if all(name.startswith("REGISTRY_AUTH_TOKEN_") for name in own):
        yield rf"^(?i:bearer) [^ .]+\.(?:{_WORD}{{4}})*(?:{'|'.join(map(somewhere, NOBODY))})", False
        yield r"^(?i:bearer) [^ .]+\.[^ .]+\.[^ .]+( |$)", True
    elif any("htpasswd" in f"{name}={value}".lower() for name, value in own.items()):
        yield "^(?i:basic) [^ ]+( |$)", True


def somewhere(text: bytes) -> str:
    """A regular expression of a text in base64url (RFC 4648, section 5), after whole groups of four characters."""
    return "|".join("".join(map(_character, _sextets(text, before))) for before in range(3))


def _sextets(text: bytes, before: int) -> Iterator[str]:
    """Six bits of each character, "." for one that is not known: so many other bytes come before in its group."""
    bits = "." * 8 * before + "".join(f"{byte:08b}" for byte in text)
    bits += "." * (-len(bits) % 6)
    return (bits[at : at + 6] for at in range(0, len(bits), 6))


def _character(sextet: str) -> str:
    fitting = [
        character
        for number, character in enumerate(_ALPHABET)
        if all(known in (".", bit) for known, bit in zip(sextet, f"{number:06b}", strict=True))
    ]
    if len(fitting) == len(_ALPHABET):
        return _WORD
    return fitting[0] if len(fitting) == 1 else f"[{''.join(sorted(fitting, key='-'.__ne__))}]"
