"""Whether a certificate is due is decided by what is on the machine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ctl.acme.due import why_due
from ctl.acme.record import Obtained
from ctl.acme.wanted import Job
from ctl.errors import CtlError
from ctl.tls.authority import issue, make_authority
from ctl.tls.certificates import inspect
from tests.harness.acme_site import HOST, Site, issued
from tests.harness.certificates import certificate_pem, key_pem, make_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def obtain(site: Site, more: str = "", *, age: float = 1, life: float = 90) -> Job:
    """The site with a certificate that was obtained for these settings, some days ago."""
    job = site.job(more)
    pair = issued(job.wanted.names, begin=NOW - timedelta(days=age), days=life)
    site.put(pair)
    job.places.folder.mkdir(parents=True, exist_ok=True)
    record = Obtained(inspect(pair.certificate).fingerprint, job.wanted)
    job.places.record.write_text(record.content(), encoding="utf-8")
    return job


def test_none_yet(site: Site) -> None:
    assert why_due(site.job(), NOW) == "there is none yet"


def test_one_of_the_local_ca_stands_in(site: Site) -> None:
    authority = make_authority(HOST, now=NOW)
    site.put(issue(authority, [HOST], now=NOW))
    (site.folder / "etc/gitlab/ssl/ca.crt").write_bytes(authority.certificate)
    assert why_due(site.job(), NOW) == "a certificate of this machine's local CA is used meanwhile"


def test_one_that_is_good_is_not_due(site: Site) -> None:
    assert why_due(obtain(site), NOW) is None


@pytest.mark.parametrize(
    ("age", "life", "due"),
    [
        (59, 90, False), (60, 90, True), (91, 90, True),  # thirty days before the end
        (15, 47, False), (17, 47, True),
        (3, 6, False), (4, 6, True),  # of a short life the last third
        (20, 45, False), (30, 45, True),
    ],
)  # fmt: skip
def test_it_is_due_in_time(site: Site, age: float, life: float, due: bool) -> None:
    reason = why_due(obtain(site, age=age, life=life), NOW)
    assert (reason is not None) is due
    if reason:
        assert "ended" in reason if age > life else "ends on" in reason


@pytest.mark.parametrize(
    ("before", "after", "part"),
    [
        ("", 'letsencrypt["alt_names"] = ["images.public-site.eu"]', "and should be for"),
        ('letsencrypt["alt_names"] = ["images.public-site.eu"]', "", "and should be for"),
        ("", 'letsencrypt["key_type"] = "ecdsa"', "rsa 2048, and should be ecdsa prime256v1"),
        ("", 'letsencrypt["key_size"] = 4096', "should be rsa 4096"),
        (
            'letsencrypt["key_type"] = "ecdsa"',
            'letsencrypt["key_type"] = "ecdsa"\nletsencrypt["ec_curve"] = "secp384r1"',
            "secp384r1",
        ),
        ("", 'letsencrypt["chain"] = "ISRG Root X1"', "should lead to ISRG Root X1"),
        ('letsencrypt["chain"] = "ISRG Root X1"', "", "whatever root the authority prefers"),
        (
            "",
            'letsencrypt["acme_production_endpoint"] = "https://ca.public-site.eu/dir"',
            "of ca.public-site.eu",
        ),
    ],
)
def test_other_wishes_make_it_due(site: Site, before: str, after: str, part: str) -> None:
    obtain(site, before)
    assert why_due(site.job(before), NOW) is None
    assert part in (why_due(site.job(after), NOW) or "")


@pytest.mark.parametrize(
    "more",
    [
        'letsencrypt["contact_emails"] = ["admin@public-site.eu"]',
        'letsencrypt["auto_renew"] = False',
        'letsencrypt["key_type"] = "rsa"\nletsencrypt["ec_curve"] = "secp384r1"',
    ],
)
def test_other_settings_do_not(site: Site, more: str) -> None:
    obtain(site)
    assert why_due(site.job(more), NOW) is None


def test_the_order_of_names_is_no_wish(site: Site) -> None:
    names = '["a.public-site.eu", "b.public-site.eu"]'
    obtain(site, f'letsencrypt["alt_names"] = {names}')
    turned = '["b.public-site.eu", "A.Public-Site.eu"]'
    assert why_due(site.job(f'letsencrypt["alt_names"] = {turned}'), NOW) is None


# --- certificates that were put there otherwise, as by the Linux package before


def test_one_that_covers_all_is_kept(site: Site) -> None:
    site.put(issued(["*.public-site.eu"], begin=NOW, days=300))
    assert why_due(site.job('letsencrypt["key_type"] = "ecdsa"'), NOW) is None


def test_one_that_ends_is_renewed(site: Site) -> None:
    site.put(issued(begin=NOW - timedelta(days=70), days=90))
    assert "ends on" in (why_due(site.job(), NOW) or "")


def test_one_for_other_names_is_replaced(site: Site) -> None:
    site.put(issued(begin=NOW, days=90))
    more = site.job('letsencrypt["alt_names"] = ["images.public-site.eu"]')
    assert why_due(more, NOW) == "it is not for images.public-site.eu"


def test_one_that_nobody_else_signed_is_replaced(site: Site) -> None:
    key = make_key()
    site.folder.joinpath("etc/gitlab/ssl").mkdir(parents=True)
    for end, content in ((".crt", certificate_pem(key, HOST, now=NOW)), (".key", key_pem(key))):
        site.folder.joinpath(f"etc/gitlab/ssl/{HOST}{end}").write_bytes(content)
    assert why_due(site.job(), NOW) is not None


def test_a_damaged_record_is_no_obstacle(site: Site) -> None:
    job = obtain(site)
    for text in ("{", "[]", '{"names": 1}', ""):
        job.places.record.write_text(text, encoding="utf-8")
        assert why_due(job, NOW) is None


def test_a_damaged_certificate_is_reported(site: Site) -> None:
    obtain(site).pair.certificate.write_text("none", encoding="ascii")
    with pytest.raises(CtlError, match="holds no certificate"):
        why_due(site.job(), NOW)
