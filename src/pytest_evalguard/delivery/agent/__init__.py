"""An agent-evaluation service: one result a prompt."""
