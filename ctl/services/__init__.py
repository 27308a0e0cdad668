"""Services under runit: their definitions, their supervisor, and what sv reports of them."""
