# GitLab container registry administration:
# "Configure container registry notifications"
# Every push, pull and deletion is reported to an endpoint. What it leaves out has a default.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["notifications"] = [
    {
        "name": "test_endpoint",
        "url": "https://gitlab.example.com/notify",
        "timeout": "500ms",
        "maxretries": 5,
        "backoff": "1s",
        "headers": {"Authorization": ["AUTHORIZATION_EXAMPLE_TOKEN"]},
    },
]
