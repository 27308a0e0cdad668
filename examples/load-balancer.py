# GitLab container registry administration:
# "Configure container registry under an existing GitLab domain"
# A load balancer takes ports 80 and 443 and passes them to port 5678 of this machine. The address that
# users see has no port.

external_url = "https://gitlab.example.com"
registry_external_url = "https://registry-gitlab.example.com"

registry["nginx"]["redirect_http_to_https"] = True
registry["nginx"]["listen_port"] = 5678
