host = "#{'hub'}.example.com"
external_url 'https://git.example.com'
registry_external_url "https://#{host}:#{5443}"
registry['env'] = {
  'NAME' => 'hub' + '-' + 2.to_s,
  'PERCENT' => "100% of #{host}"
}
letsencrypt['enable'] = false
