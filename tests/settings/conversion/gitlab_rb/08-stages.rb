stage = ENV.fetch('STAGE', 'dev')
external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
case stage
when 'prod', 'staging'
  # buckets differ by their names only
  registry['storage'] = { 's3' => { 'bucket' => "hub-#{stage}", 'region' => 'eu-west-1' } }
when 'dev'
  registry['storage'] = { 'filesystem' => { 'rootdirectory' => '/srv/hub' } }
else
  registry["storage"] = { "inmemory" => {} }
end
registry['log_level'] = case stage when 'prod' then 'warn' else 'debug' end
letsencrypt['enable'] = false
