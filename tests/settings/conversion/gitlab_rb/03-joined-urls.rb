scheme = ENV.fetch('SCHEME', 'https')
domain = ENV.fetch('DOMAIN', 'example.com')
external_url scheme + "://git." + domain
registry_external_url "#{scheme}://#{['hub', domain].join('.')}"
mattermost_external_url ENV['SCHEME'] + "://chat." + ENV['DOMAIN']
letsencrypt['enable'] = false
