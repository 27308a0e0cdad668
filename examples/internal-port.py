# GitLab container registry administration:
# "Change the registry's internal port"
# Port 5000 of this machine is taken by something else.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["registry_http_addr"] = "localhost:5010"
