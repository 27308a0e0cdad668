"""The pair of internal_key and internal_certificate, where the settings give it."""

from __future__ import annotations

from pathlib import Path

from ctl.settings.option import View
from ctl.settings.rules.keys import deployed_certificate, deployed_keys, given_key
from ctl.settings.rules.token_issuer import CERTIFICATE, GITLAB_KEY, KEY, signers
from ctl.settings.secrets.deployed import deployed
from ctl.settings.secrets.token_pair import UnusableKey, matches


def keys_are_one(view: View) -> None:
    """Both names of the key mean the same."""
    ours, gitlabs = view.given_value(KEY), view.given_value(GITLAB_KEY)
    if ours is not None and gitlabs is not None and ours != gitlabs:
        view.error(
            GITLAB_KEY, f"and {KEY} are given and differ: they are two names of one setting", "Leave one."
        )


def pair_is_whole(view: View) -> None:
    """One half alone serves only a node that needs no more."""
    key, certificate = given_key(view), view.given_value(CERTIFICATE)
    name = KEY if view.given_value(KEY) is not None else GITLAB_KEY
    if key is not None and certificate is None and view["registry.enable"]:
        view.error(
            name,
            "is given without registry.internal_certificate, with which the registry checks what it signs",
            'Give registry["internal_certificate"] too. Only a machine without a registry needs the key alone.',
        )
    signer = next(signers(view), None)
    if certificate is not None and key is None and signer is not None:
        view.error(
            CERTIFICATE,
            f"is given without registry.internal_key, with which {signer.what} signs",
            f'Give registry["internal_key"] too. {signer.elsewhere}',
        )


def pair_matches(view: View) -> None:
    """A key that does not belong to the certificate signs tokens that the registry refuses."""
    key, certificate = given_key(view), view.given_value(CERTIFICATE)
    if key is None or certificate is None:
        return
    try:
        if matches(key, certificate):
            return
    except UnusableKey as error:
        view.error(KEY, f"and registry.internal_certificate cannot be compared: one of them {error}")
        return
    view.error(
        KEY,
        "and registry.internal_certificate do not match: the registry would refuse every token (token signed by "
        "untrusted key)",
        "Compare: openssl rsa -noout -modulus -in KEY; openssl x509 -noout -modulus -in CERTIFICATE",
    )


def kept_secrets_persist(view: View) -> None:
    """Secrets that are not written hold for one run: the next has others."""
    if not view["package.generate_secrets_json_file"] and view.secrets.new:
        view.warning(
            "package.generate_secrets_json_file",
            f"is False: {', '.join(view.secrets.new)} made in this run do not persist but in what is deployed",
            "Give them in the settings.",
        )


def lost_secrets_are_taken_up(view: View) -> None:
    """What the secrets file has lost while it is deployed goes on as it is."""
    found = view.secrets.taken_up
    if found:
        places = ", ".join(f"{name} from {path}" for name, path in found.items())
        view.warning("", f"{view.secrets.path} has lost what is deployed; taken up again: {places}")


def new_secrets_end_what_the_old_ones_made(view: View) -> None:
    """Said where an earlier run has deployed others."""
    if view.secrets.unseen or not view.secrets.taking_up:
        return
    path, made = view.secrets.path, view.secrets.new
    keep = f"To go on with the former, put back {path} as it was." if view.secrets.persistent else ""
    if KEY in made and (deployed_certificate(view) or deployed_keys(view)):
        elsewhere = "" if next(signers(view), None) else "; who issues tokens elsewhere needs the new key"
        what = f"is made anew with its certificate: tokens and refresh tokens of the former end{elsewhere}"
        view.warning(KEY, what, keep)
    secret, config = "registry.http_secret", Path(view["registry.dir"]) / "config.yml"
    if secret in made and deployed([config]):
        view.warning(secret, "is made anew: uploads that are under way cannot be continued", keep)
