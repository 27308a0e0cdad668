# GitLab container registry administration:
# "Configure `s3` and `gcs` storage drivers for Linux package installations"
# Images are in a bucket; the key is static. To keep the secret out of this file, write
# "secretkey": read_file("/etc/gitlab/s3-secret").

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
}
