# GitLab container registry administration:
# "Enable the Registry debug server"
# Health, metrics and profiles, for this machine only: it shows secrets of the configuration.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["debug_addr"] = "localhost:5001"
