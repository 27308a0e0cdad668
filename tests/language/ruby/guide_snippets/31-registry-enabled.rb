   gitlab_rails['registry_enabled'] = true
