# GitLab container registry administration:
# "Configure container registry under an existing GitLab domain"
# The registry listens on a port of GitLab's own name and uses GitLab's certificate, which is where it
# is looked for: /etc/gitlab/ssl/gitlab.example.com.crt and .key.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"
