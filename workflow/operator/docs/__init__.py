"""What makes generated pages of docs/ from the code. No function, template or command imports it."""
