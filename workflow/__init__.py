"""What happens to an uploaded file, in which order, and what starts, watches and mends it."""
