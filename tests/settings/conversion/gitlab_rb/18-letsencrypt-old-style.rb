external_url 'https://git.example.com'
registry_external_url 'https://hub.example.com'
letsencrypt['enable'] = true
letsencrypt['contact_emails'] = ['ops@example.com']
letsencrypt['auto_renew_hour'] = "12"
letsencrypt['auto_renew_minute'] = "30"
letsencrypt['auto_renew_day_of_month'] = "*/7"
registry_nginx['ssl_ciphers'] = "ECDHE-RSA-AES256-GCM-SHA384"
registry_nginx['ssl_protocols'] = "TLSv1.2 TLSv1.3"
