"""Floor 3, the shell: network, clock, secrets and storage."""
