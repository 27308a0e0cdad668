external_url 'https://git.example.com'
registry_external_url 'https://git.example.com:5050'
gitlab_rails['ldap_enabled'] = true
gitlab_rails['ldap_servers'] = YAML.load <<-EOS # remember to close this block with 'EOS' below
  main: # 'main' is the GitLab 'provider ID' of this LDAP server
    label: 'LDAP'
    host: 'ldap.example.com'
    port: 389
    uid: 'sAMAccountName'
    bind_dn: 'cn=admin,dc=example,dc=com'
    password: '#{File.read('/run/secrets/ldap')}'
EOS
gitlab_rails['smtp_enable'] = true
gitlab_rails['smtp_password'] = File.read('/run/secrets/smtp').gsub("\n", '')
gitlab_rails['initial_root_password'] = File.read('/run/secrets/root')
letsencrypt['enable'] = false
registry['notification_secret'] = 'a-secret' if false
