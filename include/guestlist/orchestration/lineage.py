"""What tasks tell OpenLineage's provider, where it is installed and turned on. Lineage may be missing; it never fails a task.

Facts are gathered while the task runs: the provider asks for them in a fork of the task's process, in which neither Polars nor
Airflow's connections can be used. `facets` puts them into OpenLineage's words there.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from guestlist.model.errors import GuestlistError
from guestlist.model.lineage import Lineage

if TYPE_CHECKING:
    from airflow.providers.openlineage.extractors import OperatorLineage

    from guestlist.runtime.lineage import Parse

log = logging.getLogger("guestlist.airflow")
_PROVIDER = "airflow.providers.openlineage"


def is_wanted() -> bool:
    """Whether anybody listens: the provider is there, and has a transport."""
    if find_spec(_PROVIDER) is None:
        return False
    from airflow.providers.openlineage.conf import is_disabled

    return not is_disabled()


class TellsLineage:
    """An operator whose events carry what it has read and made: once it has gathered that, and always where it fails."""

    lineage = Lineage()

    def facts(self, _context: Any, _parse: Parse) -> Lineage:
        """What the task has read and made, as far as that is known now."""
        return Lineage()

    def gather(self, context: Any) -> None:
        """Keep the facts for the task's last event."""
        try:
            if is_wanted():
                from guestlist.orchestration.facets import parsed

                self.lineage = self.facts(context, parsed)
        except GuestlistError as error:
            log.warning("no lineage is told: %s", error)
        except Exception:  # whatever is wrong with lineage, the task goes on
            log.warning("no lineage is told", exc_info=True)

    def get_openlineage_facets_on_complete(self, _task_instance: Any) -> OperatorLineage:
        """What the provider asks for after a task that has ended, well or not."""
        from guestlist.orchestration.facets import facets_of

        return facets_of(self.lineage)
