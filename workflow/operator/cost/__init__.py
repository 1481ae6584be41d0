"""What files cost on AWS, from measured work and listed prices: `sluice cost`.

`paths` says which states a file visits, `measured` what each function does for it, `usage` adds that up, `bill` puts
prices on it, `storage` follows the files through the tiers, and `compare` asks what it would cost otherwise.
"""
