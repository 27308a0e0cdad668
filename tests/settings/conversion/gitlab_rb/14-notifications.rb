external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
registry['notifications'] = []
%w[https://one.example.com/event https://two.example.com/event].each do |url|
  registry['notifications'] << {
    'name' => url.split('/').last + url.length.to_s,
    'url' => url,
    'timeout' => '500ms', # a half second
    'headers' => { 'Authorization' => ["Bearer #{ENV['HOOK_TOKEN'] || 'none'}"] }
  }
end
registry['default_notifications_threshold'] = 5
letsencrypt['enable'] = false
