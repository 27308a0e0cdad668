external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
{ 'A' => 1, 'B' => 2 }.each do |name, number|
  registry['env'][name] = number.to_s
end
%w[x y].each do |name|
  # not the first
  registry['env']["#{name.upcase}_1"] = 'z' unless name == 'x'
end
proxies = []
[1, 2, 3].each { |n| proxies << "10.0.0.#{n}" }
registry_nginx['real_ip_trusted_addresses'] = proxies
letsencrypt['enable'] = false
