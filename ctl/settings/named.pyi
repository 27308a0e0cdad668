"""Every setting with its type. Generated: python -m ctl.settings.manual.stub > ctl/settings/named.pyi"""

from typing import Any

from ctl.settings.attributes import Section

class RegistryNginx(Section):
    enable: bool
    listen_addresses: list[Any]
    listen_port: int | Any
    listen_https: bool | Any
    https: bool
    http2_enabled: bool
    redirect_http_to_https: bool
    redirect_http_to_https_port: int
    proxy_protocol: bool
    ssl_certificate: str | Any
    ssl_certificate_key: str | Any
    ssl_password_file: str | Any
    ssl_ciphers: str
    ssl_protocols: str
    ssl_prefer_server_ciphers: str
    ssl_session_cache: str
    ssl_session_tickets: str
    ssl_session_timeout: int | str
    ssl_dhparam: str | Any
    ssl_ecdh_curve: str | Any
    ssl_conf_command: list[Any] | Any
    ssl_client_certificate: str | Any
    ssl_verify_client: str | Any
    ssl_verify_depth: int
    hsts_max_age: int
    hsts_include_subdomains: bool
    proxy_set_headers: dict[str, str]
    real_ip_header: str | Any
    real_ip_recursive: str | Any
    real_ip_trusted_addresses: list[Any]
    log_directory: str
    error_log_level: str
    host_names: list[Any]
    connections_per_address: int
    anonymous_requests_per_second: int
    anonymous_requests_burst: int
    custom_gitlab_server_config: str | Any

class Registry(Section):
    enable: bool
    executable: str | Any
    username: str
    group: str
    uid: int | Any
    gid: int | Any
    shell: str
    dir: str
    log_directory: str
    env_directory: str
    env: dict[str, Any]
    svlogd_size: int | Any
    svlogd_num: int | Any
    svlogd_timeout: int | Any
    svlogd_filter: str | Any
    svlogd_udp: str | Any
    svlogd_prefix: str | Any
    log_group: str | Any
    registry_http_addr: str
    socket_directory: str
    drain_timeout: int | str
    debug_addr: str | Any
    http_draintimeout: int | str
    http_secret: str | Any
    token_realm: str | Any
    internal_key: str | Any
    internal_certificate: str | Any
    rootcertbundle: str
    autoredirect: bool
    storage: dict[str, Any]
    storage_probe_enabled: bool
    storage_delete_enabled: bool
    middleware: dict[str, Any] | Any
    validation_enabled: bool
    compatibility_schema1_enabled: bool
    health_storagedriver_enabled: bool
    health_gate_timeout: int
    log_level: str
    log_formatter: str
    notifications: list[dict[str, Any]] | Any
    default_notifications_timeout: int | str
    default_notifications_maxretries: int
    default_notifications_threshold: int | Any
    default_notifications_backoff: int | str
    default_notifications_headers: dict[str, Any]
    database: dict[str, Any] | Any
    auto_migrate: bool
    gc: dict[str, Any] | Any
    redis: dict[str, Any] | Any
    reporting: dict[str, Any] | Any
    nginx: RegistryNginx

class RegistryAuth(Section):
    enable: bool
    username: str
    group: str
    uid: int | Any
    gid: int | Any
    shell: str
    dir: str
    log_directory: str
    listen_addr: str
    socket_directory: str
    accounts_file: str
    svlogd_size: int | Any
    svlogd_num: int | Any
    svlogd_timeout: int | Any
    svlogd_filter: str | Any
    svlogd_udp: str | Any
    svlogd_prefix: str | Any
    log_group: str | Any
    token_expire_delay: str
    failed_attempts_per_account: int
    failed_attempts_per_address: int
    failed_attempts_period: str
    requests_per_second: int
    requests_burst: int

class RegistryGarbageCollect(Section):
    enable: bool
    schedule: str
    mode: str
    delete_untagged: bool
    older_than: str
    keep_for: str
    now_below: int

class RegistryCleanup(Section):
    enable: bool
    schedule: str
    policies: list[Any]
    max_share: int

class RegistryBackup(Section):
    enable: bool
    schedule: str
    path: Any
    with_images: bool
    encrypt_to: str | Any
    verify: bool
    identity: str | Any
    s3_endpoint: str | Any
    s3_region: str | Any
    s3_accesskey: str | Any
    s3_secretkey: str | Any

class GitlabRails(Section):
    registry_enabled: bool
    registry_host: str | Any
    registry_port: int | Any
    registry_api_url: str
    registry_path: str
    registry_key_path: str
    registry_issuer: str
    registry_notification_secret: str | Any
    internal_key: str | Any
    enable: bool
    dir: str
    gitlab_yml_path: str | Any
    shared_path: str
    backup_keep_time: int
    gitlab_default_projects_features_issues: bool | Any
    gitlab_default_projects_features_merge_requests: bool | Any
    gitlab_default_projects_features_wiki: bool | Any
    gitlab_default_projects_features_snippets: bool | Any
    gitlab_default_projects_features_builds: bool | Any
    gitlab_default_projects_features_container_registry: bool | Any

class NginxStatus(Section):
    enable: bool
    listen_addresses: list[Any]
    fqdn: str
    port: int
    options: dict[str, str]

class Nginx(Section):
    enable: bool
    executable: str | Any
    dir: str
    log_directory: str
    worker_processes: Any
    worker_connections: int
    log_format: str
    log_format_escape: str
    sendfile: str
    tcp_nopush: str
    tcp_nodelay: str
    gzip_enabled: bool
    gzip_http_version: str
    gzip_comp_level: int
    gzip_proxied: str
    gzip_types: str
    keepalive_timeout: int | str
    keepalive_time: int | str
    server_names_hash_bucket_size: int
    proxy_cache_path: str | Any
    custom_nginx_config: str | Any
    svlogd_size: int | Any
    svlogd_num: int | Any
    svlogd_timeout: int | Any
    svlogd_filter: str | Any
    svlogd_udp: str | Any
    svlogd_prefix: str | Any
    log_group: str | Any
    logrotate_frequency: str | Any
    logrotate_size: Any
    logrotate_maxsize: Any
    logrotate_rotate: int | Any
    logrotate_compress: str | Any
    logrotate_delaycompress: str | Any
    logrotate_dateformat: str | Any
    status: NginxStatus

class Letsencrypt(Section):
    enable: bool
    auto_renew: bool
    auto_renew_hour: str
    auto_renew_minute: str | Any
    auto_renew_day_of_month: str
    auto_renew_scheduler: str
    auto_renew_log_directory: str
    alt_names: list[Any]
    contact_emails: list[Any]
    chain: str | Any
    key_type: str
    key_size: int
    ec_curve: str | Any
    owner: str
    group: str
    wwwroot: str
    acme_production_endpoint: str
    acme_staging_endpoint: str
    staging_first: bool
    acme_ca_file: str | Any

class Metrics(Section):
    enable: bool
    textfile: str

class User(Section):
    username: str
    group: str
    uid: int | Any
    gid: int | Any
    shell: str
    home: str

class WebServer(Section):
    username: str
    group: str
    uid: int | Any
    gid: int | Any
    shell: str
    home: str

class Logging(Section):
    svlogd_size: int
    svlogd_num: int
    svlogd_timeout: int
    svlogd_filter: str
    svlogd_udp: str | Any
    svlogd_prefix: str | Any
    log_group: str | Any
    logrotate_frequency: str
    logrotate_size: Any
    logrotate_maxsize: Any
    logrotate_rotate: int | Any
    logrotate_compress: str | Any
    logrotate_delaycompress: str | Any
    logrotate_dateformat: str | Any
    udp_log_shipping_host: str | Any
    udp_log_shipping_port: int
    udp_log_shipping_hostname: str | Any

class ManageAccounts(Section):
    enable: bool

class ManageStorageDirectories(Section):
    enable: bool

class Package(Section):
    generate_secrets_json_file: bool
    generate_default_secrets: bool

class Named:
    registry_external_url: str | Any
    external_url: str | Any
    registry: Registry
    registry_auth: RegistryAuth
    registry_garbage_collect: RegistryGarbageCollect
    registry_cleanup: RegistryCleanup
    registry_backup: RegistryBackup
    gitlab_rails: GitlabRails
    nginx: Nginx
    letsencrypt: Letsencrypt
    metrics: Metrics
    user: User
    web_server: WebServer
    logging: Logging
    manage_accounts: ManageAccounts
    manage_storage_directories: ManageStorageDirectories
    package: Package
