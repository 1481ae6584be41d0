"""Where it runs: CDK stacks, packaging of the functions, and the embedded AWS."""
