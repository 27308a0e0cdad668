# GitLab container registry administration:
# "Configure container registry under its own domain"
# A wildcard certificate carries another name than the registry's, so its path is given.

external_url = "https://gitlab.example.com"
registry_external_url = "https://registry.gitlab.example.com"

registry["nginx"]["ssl_certificate"] = "/etc/gitlab/ssl/certificate.pem"
registry["nginx"]["ssl_certificate_key"] = "/etc/gitlab/ssl/certificate.key"
