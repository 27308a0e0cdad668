level = ENV['HUB_LEVEL'] || 'warn'
host = ENV['HUB_HOST']
host ||= 'hub.example.com'
external_url 'https://git.example.com'
registry_external_url "https://#{host}"
registry['log_level'] = level
registry['env'] = { 'LEVEL' => ENV.fetch('HUB_LEVEL', level), 'OTHER' => "<#{ENV['NONE']}>" }
letsencrypt['enable'] = false
