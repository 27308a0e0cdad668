ENV['HUB_LEVEL'] ||= 'warn'
ENV['HUB_HOST'] ||= 'hub.example.com'
external_url 'https://git.example.com'
registry_external_url "https://#{ENV['HUB_HOST']}"
registry['log_level'] = ENV['HUB_LEVEL']
registry['env'] = { 'LEVEL' => ENV.fetch('HUB_LEVEL', 'info'), 'OTHER' => "<#{ENV['NONE']}>" }
letsencrypt['enable'] = false
