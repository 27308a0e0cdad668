   gitlab_rails['gitlab_default_projects_features_container_registry'] = false
