# GitLab container registry administration:
# "Moving to Azure Object Storage"
# The standard root folder, as other storage uses it. Needs a registry program with the azure driver; the
# distribution's has none.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "azure": {
        "accountname": "accountname",
        "accountkey": "base64encodedaccountkey",
        "container": "containername",
        "rootdirectory": "/azure/virtual/container",
        "trimlegacyrootprefix": True,
        # For another cloud than the public one:
        # "realm": "core.usgovcloudapi.net",
    },
}
