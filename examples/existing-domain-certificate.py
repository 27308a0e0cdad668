# GitLab container registry administration:
# "Configure container registry under an existing GitLab domain"
# The same, with a certificate that is elsewhere.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["nginx"]["ssl_certificate"] = "/path/to/certificate.pem"
registry["nginx"]["ssl_certificate_key"] = "/path/to/certificate.key"
