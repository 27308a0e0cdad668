# GitLab container registry administration:
# "Disable container registry site-wide"
# The service and its vhost go; images, keys and secrets stay.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["enable"] = False
