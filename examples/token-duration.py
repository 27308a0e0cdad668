# GitLab container registry administration:
# "Increase token duration"
# A registry without GitLab issues its own tokens. Minutes, as in GitLab's admin area; for pushes that take longer.

registry_external_url = "https://registry.gitlab.example.com"

registry_auth["token_expire_delay"] = 15
