external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
{ 'A' => 1, 'B' => 2 }.each do |name, number|
  registry['env'][name] = number.to_s
end
(0..2).each { |number| registry['env']["N#{number}"] = 'x' * number }
%w[x y].each_with_index do |name, index|
  # counted from 0
  registry['env']["#{name.upcase}_#{index}"] = 'z' unless index.zero?
end
proxies = []
(1..3).each { |n| proxies << "10.0.0.#{n}" }
registry_nginx['real_ip_trusted_addresses'] = proxies
letsencrypt['enable'] = false
