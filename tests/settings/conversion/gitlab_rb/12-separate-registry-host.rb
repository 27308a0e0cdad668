roles ['application_role']
external_url 'https://git.example.com'
gitlab_rails['registry_enabled'] = true
gitlab_rails['registry_host'] = 'hub.example.com'
gitlab_rails['registry_port'] = '5000'
gitlab_rails['registry_api_url'] = "http://#{'10.0.0.5'}:5000"
gitlab_rails['registry_key_path'] = "/var/opt/gitlab/gitlab-rails/certificate.key"
gitlab_rails['registry_issuer'] = 'gitlab-issuer'
registry['enable'] = false
letsencrypt['enable'] = false
