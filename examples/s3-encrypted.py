# GitLab container registry administration:
# "Encrypted S3 buckets"
# Server-side encryption with SSE-S3.

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "s3": {
        "accesskey": "s3-access-key",
        "secretkey": "s3-secret-key-for-access-key",
        "bucket": "your-s3-bucket",
        "region": "your-s3-region",
        "regionendpoint": "your-s3-regionendpoint",
        "encrypt": True,
    },
}
