"""The pages of docs/: where they are (`pages`), and what makes the generated ones from the code."""
