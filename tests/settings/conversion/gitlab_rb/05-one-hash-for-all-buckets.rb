minio = {
  'provider' => 'AWS',
  'region' => 'eu-central-1',
  'aws_access_key_id' => ENV['MINIO_KEY'] || 'key',
  'aws_secret_access_key' => ENV['MINIO_SECRET'] || 'secret',
  'endpoint' => 'https://minio.example.com',
  'path_style' => true
}
gitlab_rails['object_store']['enabled'] = true
gitlab_rails['object_store']['connection'] = minio
%w[artifacts lfs uploads packages].each do |kind|
  gitlab_rails['object_store']['objects'][kind]['bucket'] = "gitlab-#{kind}"
end

external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
registry['storage'] = {
  's3' => {
    'accesskey' => minio['aws_access_key_id'],
    'secretkey' => minio['aws_secret_access_key'],
    'bucket' => 'hub',
    'region' => minio['region'],
    'regionendpoint' => minio['endpoint'],
    'v4auth' => true,
    'chunksize' => 10485760
  }
}
registry['env'] = { "REGISTRY_HTTP_RELATIVEURLS" => true }
letsencrypt['enable'] = false
