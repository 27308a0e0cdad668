"""Certificates from an authority that speaks ACME (RFC 8555), such as Let's Encrypt.

`ctl.acme.client` alone imports the library that speaks it, and is imported only when the authority is asked:
whether a certificate is due is judged by the files on the machine.
"""
