"""What Guestlist promises of its speed, measured beside what people use otherwise: `make bench`."""
