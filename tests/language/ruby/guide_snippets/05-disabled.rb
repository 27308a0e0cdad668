   registry['enable'] = false
