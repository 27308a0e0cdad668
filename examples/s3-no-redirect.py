# GitLab container registry administration:
# "Disable redirect for storage driver"
# Clients cannot reach the bucket: every download goes through the registry.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "s3": {
        "accesskey": "s3-access-key",
        "secretkey": "s3-secret-key-for-access-key",
        "bucket": "your-s3-bucket",
        "region": "your-s3-region",
        "regionendpoint": "your-s3-regionendpoint",
    },
    "redirect": {"disable": True},
}
