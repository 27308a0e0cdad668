# only the registry runs here
external_url 'http://localhost'
registry_external_url 'http://hub.example.com:5000'
gitlab_rails['enable'] = false
[postgresql, redis, puma, sidekiq].each { |service| service['enable'] = false }
%w[alertmanager gitaly].each do |name|
  monitoring_role['enable'] = false
end
registry['enable'] = true
registry['registry_http_addr'] = "127.0.0.1:5001"
registry['token_realm'] = "https://git.example.com"
