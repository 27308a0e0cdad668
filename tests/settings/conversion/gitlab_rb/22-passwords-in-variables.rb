require 'yaml'
secrets = YAML.load_file('/etc/gitlab/secrets.yml')
smtp_password = secrets['smtp']
db = if File.exist?('/run/secrets/db') then File.read('/run/secrets/db').chomp else 'x' end
gitlab_rails['smtp_password'] = smtp_password
gitlab_rails['db_password'] = db
gitlab_rails['backup_upload_connection'] = { 'aws_secret_access_key' => secrets['aws'] }
external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
letsencrypt['enable'] = false
