"""The services that results go to, one module each; loaded when first needed."""
