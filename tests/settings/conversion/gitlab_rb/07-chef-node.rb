external_url "https://git.example.com"
nginx['ssl_certificate'] = "/etc/gitlab/ssl/#{node['fqdn']}.crt"
nginx['ssl_certificate_key'] = "/etc/gitlab/ssl/#{node['fqdn']}.key"
puma['worker_processes'] = [node['cpu']['total'].to_i, 2].max
if node['platform_family'] == 'rhel'
  gitlab_rails['ldap_enabled'] = true
  gitlab_rails['ldap_servers'] = { 'main' => { 'host' => node['ipaddress'] } }
end
sidekiq['queue_groups'] = ['*'] * 4
registry_external_url 'https://hub.example.com'
registry['env'] = { 'HOST_OF_RUNS' => node['hostname'] }
letsencrypt['enable'] = false
