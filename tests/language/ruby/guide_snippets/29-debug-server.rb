registry['debug_addr'] = "localhost:5001"
