# helpers that people write once and use everywhere
def secret(name, folder = '/run/secrets')
  path = "#{folder}/#{name}"
  File.read(path).strip
end

def from(name, otherwise) = ENV.fetch(name, otherwise)
is_on = ->(name) { %w[1 true yes on].include?(ENV.fetch(name, '').downcase) }

external_url from('GIT_URL', 'https://git.example.com')
gitlab_rails['smtp_password'] = secret('smtp')
gitlab_rails['db_password'] = secret('db') if is_on.call('OWN_DATABASE')

if is_on.call('NO_HUB')
  registry['enable'] = false
else
  registry_external_url from('HUB_URL', 'https://hub.example.com')
  registry_nginx['listen_https'] = false unless is_on.call('TLS')
  registry_nginx['listen_port'] = Integer(from('HUB_PORT', '5000')) + 1
end
letsencrypt['enable'] = is_on['ACME']
