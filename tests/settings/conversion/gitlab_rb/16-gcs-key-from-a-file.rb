external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
registry['storage'] = {
  'gcs' => {
    'bucket' => 'images',
    'keyfile' => '/etc/gitlab/gcs.json',
    # 'rootdirectory' => '/gcs/object/name/prefix',
    'chunksize' => 5 * 1024 * 1024,
  }
}
registry['internal_key'] = File.exist?('/etc/hub.key') ? File.read('/etc/hub.key') : nil
registry['http_secret'] = File.read('/etc/hub.secret').strip if File.exist?('/etc/hub.secret')
letsencrypt['enable'] = false
