"""How passwords are kept and compared."""

from __future__ import annotations

import subprocess
from functools import partial

import bcrypt
import pytest

from ctl.auth import passwords
from ctl.auth.passwords import hash_password, is_hash, refuse_weak
from ctl.errors import UsageFault

FROM_HTPASSWD = "$2y$05$/UAy4TkgUF2qIfjNYoHuZugS6Dv1Y0GUEm12uKo9kVGIJjBLmvZjS"


verify = partial(passwords.verify, cost=4)


@pytest.fixture(autouse=True)
def _little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "COST", 4)


@pytest.fixture
def hashed() -> str:
    return hash_password("correct horse")


def test_the_work_of_a_new_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """50 to 100 ms on an ordinary machine; less could be guessed too quickly."""
    monkeypatch.undo()
    assert passwords.cost_of(hash_password("correct horse")) == 10


def test_right_and_wrong(hashed: str) -> None:
    assert verify(hashed, "correct horse")
    assert not verify(hashed, "correct hors")
    assert not verify(hashed, "")
    assert is_hash(hashed)
    assert hash_password("correct horse") != hashed, "each has a salt of its own"


def test_without_a_hash_nothing_is_right() -> None:
    for password in ("", "correct horse"):
        assert not verify(None, password)
        assert not verify("", password)


@pytest.mark.parametrize("password", ["\0", "a\0b", "\udcff", "x" * 10_000, "é" * 40])
def test_any_text_may_be_tried(hashed: str, password: str) -> None:
    assert not verify(hashed, password)


def test_umlauts_are_utf_8() -> None:
    assert verify(hash_password("grüße an alle"), "grüße an alle")


@pytest.mark.real
def test_a_hash_of_htpasswd_verifies() -> None:
    made = subprocess.run(
        ["htpasswd", "-niB", "bob"], input="correct horse\n", capture_output=True, text=True, check=True
    )
    hashed = made.stdout.strip().partition(":")[2]
    assert is_hash(hashed)
    assert verify(hashed, "correct horse")
    assert not verify(hashed, "correct horsf")


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Work of each bcrypt run, in rounds; the rest of bcrypt is real."""
    done: list[int] = []
    real = bcrypt.checkpw

    def counted(password: bytes, hashed: bytes) -> bool:
        done.append(1 << int(hashed[4:6]))
        return real(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", counted)
    return done


@pytest.mark.parametrize("cost", [4, 5, 7, 8])
def test_every_refusal_is_the_same_work(rounds: list[int], cost: int) -> None:
    """Unknown account, account without password, wrong password of any cost: 2^8 rounds each."""
    known = bcrypt.hashpw(b"right", bcrypt.gensalt(cost)).decode()
    assert verify(known, "right", cost=8)
    for hashed in (known, None, ""):
        rounds.clear()
        assert not verify(hashed, "wrong", cost=8)
        assert sum(rounds) == 1 << 8


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "empty"),
        ("Tr0ub4d", "too short"),
        ("x" * 73, "too long"),
        ("é" * 37, "too long"),
        ("pass\nword!", "cannot be typed"),
        ("changeme", "tried first"),
        ("PassW0rd", "tried first"),
        ("administrator", "tried first"),
        ("ababababab", "tried first"),
        ("Some-Robot", "tried first"),
    ],
)
def test_weak_passwords_are_refused_with_the_reason(password: str, reason: str) -> None:
    with pytest.raises(UsageFault, match=reason) as caught:
        refuse_weak(password, name="some-robot")
    assert not password or password not in caught.value.message


def test_random_ones_are_good_and_never_the_same() -> None:
    made = {passwords.random_password() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        refuse_weak(password)
        assert password.isascii()
        assert password.isalnum()


def test_secrets_of_tokens() -> None:
    made = {passwords.new_secret() for _ in range(100)}
    assert len(made) == 100
    secret = made.pop()
    assert len(secret) >= 43, "256 bits"
    assert passwords.same_digest(passwords.digest(secret), secret)
    assert not passwords.same_digest(passwords.digest(secret), secret + "x")
    assert not passwords.same_digest(passwords.digest(secret), "\udcff")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        FROM_HTPASSWD[:-1],
        FROM_HTPASSWD + "\n",
        FROM_HTPASSWD.replace("05", "03"),
        FROM_HTPASSWD.replace("05", "31"),
    ],
)
def test_what_is_no_hash(text: str) -> None:
    assert is_hash(FROM_HTPASSWD)
    assert not is_hash(text)
