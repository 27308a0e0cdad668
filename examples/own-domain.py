# GitLab container registry administration:
# "Configure container registry under its own domain"
# The certificate is at /etc/gitlab/ssl/registry.gitlab.example.com.crt, its key beside it as .key.

external_url = "https://gitlab.example.com"
registry_external_url = "https://registry.gitlab.example.com"
