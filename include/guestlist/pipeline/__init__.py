"""Floor 1: pure steps on frames: prepare, plan, cut into batches."""
