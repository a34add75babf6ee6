"""What Guestlist promises of its speed, measured beside what people use otherwise: `make bench`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))  # what they set up is what is measured
