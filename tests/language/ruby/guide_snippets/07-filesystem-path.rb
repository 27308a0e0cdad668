   gitlab_rails['registry_path'] = "/path/to/registry/storage"
