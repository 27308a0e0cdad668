# GitLab container registry administration:
# "Linux package installations"
# The certificate comes from Let's Encrypt, and with it the registry on port 5050 of GitLab's name. On by itself on a
# public host; written here, a certificate that cannot be had is an error. Port 80 must reach this machine.

external_url = "https://gitlab.your-company.com"

letsencrypt["enable"] = True
letsencrypt["contact_emails"] = ["admin@your-company.com"]
