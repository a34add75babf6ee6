"""The link from a task to the audience on its platform."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseOperatorLink


class AudienceLink(BaseOperatorLink):
    """A button on the task that opens the platform's own page; there once the audience was found or created."""

    name = "Audience on the platform"

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """The address that the task learned while it ran; Airflow asks for it in the task's own process."""
        return getattr(operator, "audience_url", None) or ""
