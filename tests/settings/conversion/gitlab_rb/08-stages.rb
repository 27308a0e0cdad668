stage = ENV.fetch('STAGE', 'dev')
external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
if stage == 'prod' || stage == 'staging'
  # buckets differ by their names only
  registry['storage'] = { 's3' => { 'bucket' => "hub-#{stage}", 'region' => 'eu-west-1' } }
elsif stage == 'dev'
  registry['storage'] = { 'filesystem' => { 'rootdirectory' => '/srv/hub' } }
else
  registry["storage"] = { "inmemory" => {} }
end
registry['log_level'] = if stage == 'prod' then 'warn' else 'debug' end
letsencrypt['enable'] = false
