require 'ostruct'

external_url ENV['VIRTUAL_HOST'] if ENV['VIRTUAL_HOST']
registry_external_url ENV['HUB_HOST'] if ENV['HUB_HOST']
registry_external_url 'https://hub.example.com' unless ENV['HUB_HOST']
letsencrypt['enable'] = false
