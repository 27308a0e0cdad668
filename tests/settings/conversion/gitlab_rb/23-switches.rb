# switches that people write once and use everywhere
on = %w[1 true yes on]
own_database = on.include?(ENV.fetch('OWN_DATABASE', '').downcase)

external_url ENV.fetch('GIT_URL', 'https://git.example.com')
gitlab_rails['smtp_password'] = File.read('/run/secrets/smtp').strip
gitlab_rails['db_password'] = File.read('/run/secrets/db').strip if own_database

if on.include?(ENV['NO_HUB'])
  registry['enable'] = false
else
  registry_external_url ENV.fetch('HUB_URL', 'https://hub.example.com')
  registry_nginx['listen_https'] = false unless on.include?(ENV['TLS'])
  registry_nginx['listen_port'] = Integer(ENV.fetch('HUB_PORT', '5000')) + 1
end
letsencrypt['enable'] = on.include?(ENV['ACME'])
