"""What the Audiences pages read and do: paths below ``/guestlist/api/v1``."""
