"""A webhook on loopback that keeps what it is sent, and a project of one segment whose alerts go there through apprise."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from servers import answering

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Webhook:
    """What has arrived: path and JSON of each request, in order. ``status`` is what it answers with."""

    url: str = ""
    status: int = 200
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        return [body["title"] for _, body in self.got]

    @property
    def text(self) -> str:
        """The only message."""
        [(_, body)] = self.got
        return body["message"]

    def connection(self, path: str = "") -> str:
        """An Airflow connection to it, as JSON for an environment variable."""
        address = self.url.replace("http://", "json://")
        return json.dumps({"conn_type": "apprise", "extra": {"config": {"path": f"{address}/{path}"}}})


@contextmanager
def listening() -> Iterator[Webhook]:
    webhook = Webhook()

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.got.append((self.path, json.loads(body)))
            self.send_response(webhook.status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with answering(Keep) as url:
        webhook.url = url
        yield webhook


def run(dag_id: str, **conf: Any) -> Any:
    """Run a DAG in this process; its state and those of its tasks."""
    from airflow.dag_processing.dagbag import DagBag

    done = DagBag(str(ROOT / "dags"), collect_dags=True).dags[dag_id].test(run_conf=conf)
    return done.state, {f"{ti.task_id}[{ti.map_index}]": ti.state for ti in done.get_task_instances()}
