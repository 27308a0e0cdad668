"""From other forms of settings to the Python form: a gitlab.rb, or a Distribution registry's config.yml.

- convert: from a file to the text of its Python form.
- gitlab_rb: a gitlab.rb, by way of ctl/language/ruby.
- registry_config: a registry's configuration; config_yml, registry_environment: where that is read from;
  silence: what a registry does where its configuration says nothing; converted: what comes out.
"""
