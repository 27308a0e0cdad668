external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
nginx['custom_gitlab_server_config'] = "location /x {\n deny all;\n}\n"
registry_nginx['custom_gitlab_server_config'] = <<~NGINX
  # only our own networks
  allow 10.0.0.0/8;
  deny all;
NGINX
gitlab_rails['extra_google_analytics_id'] = <<-'TEXT'.strip
  #{not} filled in
TEXT
letsencrypt['enable'] = false
