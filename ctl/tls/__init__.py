"""TLS: certificates that are made, checked and explained."""

from ctl.tls.local_ca import Authority
from ctl.tls.resources import ServerCertificate

__all__ = ["Authority", "ServerCertificate"]
