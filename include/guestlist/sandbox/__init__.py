"""Floor 2: strict local emulators of the platforms, one file each; they share nothing with the destinations."""
