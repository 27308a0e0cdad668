external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
hooks = %w[https://one.example.com/event https://two.example.com/event]
registry['notifications'] = hooks.map { |url|
  { 'name' => url.split('/').last + url.length.to_s,
    'url' => url,
    'timeout' => '500ms', # a half second
    'headers' => { 'Authorization' => ["Bearer #{ENV['HOOK_TOKEN'] || 'none'}"] } }
}
registry['default_notifications_threshold'] = 5
letsencrypt['enable'] = false
