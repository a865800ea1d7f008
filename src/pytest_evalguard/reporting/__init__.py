"""What is known of a session, as a terminal, CI and the report page show it."""
