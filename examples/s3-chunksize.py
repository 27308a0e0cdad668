# GitLab container registry administration:
# "AWS S3 with the GitLab registry error when pushing large images"
# Larger parts of uploads: start between 25000000 (25 MB) and 50000000 (50 MB).

external_url = "https://gitlab.example.com"
registry_external_url = "https://gitlab.example.com:5050"

registry["storage"] = {
    "s3": {
        "accesskey": "AKIAKIAKI",
        "secretkey": "secret123",
        "bucket": "gitlab-registry-bucket-AKIAKIAKI",
        "region": "your-s3-region",
        "chunksize": 25000000,
    },
}
