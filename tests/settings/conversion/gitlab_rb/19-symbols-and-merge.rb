base = { enable: true, log_level: :info }
external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
registry.merge!(base) if true
registry['log_formatter'] ||= :json
registry[:storage] = { filesystem: { rootdirectory: '/srv/hub' } }.merge(delete: { enabled: true })
letsencrypt['enable'] = false
