"""Evidence: reading sources, checking them, and the path index every path question reads."""
