## GitLab URL
##! URL on which GitLab will be reachable.
external_url 'https://git.example.com'

################################################################################
## Container Registry settings
##! Docs: https://docs.gitlab.com/ee/administration/packages/container_registry.html
################################################################################

registry_external_url 'https://hub.example.com'

### Settings used by GitLab application
# gitlab_rails['registry_enabled'] = true
# gitlab_rails['registry_host'] = "registry.gitlab.example.com"
# gitlab_rails['registry_path'] = "/var/opt/gitlab/gitlab-rails/shared/registry"

### Settings used by Registry application
# registry['enable'] = true
registry['log_level'] = "warn"
# registry['env'] = {
#   'SSL_CERT_DIR' => "/opt/gitlab/embedded/ssl/certs/"
# }
registry['storage_delete_enabled'] = false

### Registry backend storage
###! Docs: https://docs.gitlab.com/ee/administration/container_registry.html#configure-storage-for-the-container-registry
# registry['storage'] = {
#   's3' => {
#     'accesskey' => 's3-access-key',
#     'bucket' => 'your-s3-bucket'
#   },
#   'redirect' => {
#     'disable' => false
#   }
# }
letsencrypt['enable'] = false
=begin
nothing of this counts
registry['log_level'] = "debug"
=end
__END__
registry['log_level'] = "error"
