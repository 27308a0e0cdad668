host = format('%s.%s', 'hub', 'example.com')
external_url 'https://git.example.com'
registry_external_url 'https://%s:%d' % [host, 5443]
registry['env'] = {
  'NAME' => format('%<name>s-%{number}', name: 'hub', number: 2),
  'PERCENT' => '100%% of %s' % host
}
letsencrypt['enable'] = false
