site = JSON.parse(File.read('site.json'), symbolize_names: false)
external_url site['git']
registry_external_url site['hub']['url']
registry['log_level'] = site['hub'].fetch('level', 'info')
Dir['conf.d/*.rb'].sort.each { |file| from_file file }
letsencrypt['enable'] = false
