# every value may come from the environment
external_url ENV['GITLAB_URL'] || 'https://git.example.com'
registry_external_url ENV['HUB_URL'] || 'https://git.example.com:5050'
registry['enable'] = true
registry_nginx['listen_port'] = ENV['HUB_PORT'] || 5050
gitlab_rails['redis_port'] = ENV['REDIS_PORT'] || 6379
gitlab_rails['signup_enabled'] = ENV['SIGNUP'] || true
logging['svlogd_size'] = 200 * 1024 * 1024
logging['svlogd_num'] = ENV.fetch('LOGS', '5').to_i
letsencrypt['enable'] = ENV['ACME'] == 'yes'
