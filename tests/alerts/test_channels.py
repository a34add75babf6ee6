"""Every kind of connection that alerts go over: webhook, Slack and mail, each to a real server on loopback."""

from __future__ import annotations

import email
import email.policy
import json
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from alerts.webhook import Webhook, listening
from servers import answering

from guestlist.cli.components import free_port
from guestlist.model.alerts import Happening
from guestlist.orchestration.notifiers import deliver
from guestlist.runtime.alerts import Alert

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the providers' own deprecations, not ours
URL = "http://localhost:8080/dags/vips/runs/r"
ALERT = Alert(
    Happening.FAILED, "vips", "failed: meta_main", ["<&> {{ 7 * 7 }} {% raise %}", "50% of it"], "mend the source", URL
)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with listening() as found:
        monkeypatch.setenv("AIRFLOW_CONN_OPS", found.connection())
        yield found


def test_a_webhook_gets_title_and_text_as_they_are(webhook: Webhook) -> None:
    deliver(ALERT, ["ops"])
    [(_, body)] = webhook.got
    assert body["title"] == "vips: failed: meta_main"
    assert body["message"] == f"<&> {{{{ 7 * 7 }}}} {{% raise %}}\n50% of it\nWhat to do: mend the source.\n{URL}"
    assert body["type"] == "failure"


class Slack(BaseHTTPRequestHandler):
    """Takes what Slack's webhooks and its chat.postMessage take."""

    got: list[tuple[str, str, dict[str, Any]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.got.append((self.path, self.headers["Authorization"], body))
        answer = b'{"ok": true}' if self.path.endswith("chat.postMessage") else b"ok"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def slack() -> Iterator[tuple[str, list[tuple[str, str, dict[str, Any]]]]]:
    class Handler(Slack):
        got: list[tuple[str, str, dict[str, Any]]] = []  # noqa: RUF012 - one for each test

    with answering(Handler) as url:
        yield url, Handler.got


def connection(monkeypatch: pytest.MonkeyPatch, **parts: Any) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OPS", json.dumps(parts))


def test_slacks_webhook(slack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got = slack
    connection(monkeypatch, conn_type="slackwebhook", host=f"{url}/services", schema="http", password="T0/B0/made-up")
    deliver(ALERT, ["ops"])
    [(path, _, body)] = got
    assert path == "/services/T0/B0/made-up"
    assert body["text"].startswith("*vips: failed: meta_main*\n&lt;&amp;&gt; {{ 7 * 7 }}")


def test_slacks_own_api_with_the_channel_that_the_connection_names(slack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    url, got = slack
    extra = {"base_url": f"{url}/api/", "channel": "#ads"}
    connection(monkeypatch, conn_type="slack", password="xoxb-made-up", extra=extra)
    deliver(ALERT, ["ops"])
    [(path, authorization, body)] = got
    assert (path, authorization, body["channel"]) == ("/api/chat.postMessage", "Bearer xoxb-made-up", "#ads")
    assert "mend the source" in body["text"]


class Mailbox:
    """What a mail server was given."""

    def __init__(self) -> None:
        self.got: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        message["X-To"] = ",".join(envelope.rcpt_tos)
        self.got.append(message)
        return "250 OK"


@pytest.fixture
def mail() -> Iterator[tuple[int, Mailbox]]:
    mailbox = Mailbox()
    port = free_port(0)
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, mailbox
    finally:
        controller.stop()


def test_mail_goes_to_whom_the_connection_names(mail: tuple[int, Mailbox], monkeypatch: pytest.MonkeyPatch) -> None:
    port, mailbox = mail
    extra = {
        "from_email": "airflow@example.com",
        "to": "ops@example.com,ads@example.com",
        "disable_tls": True,
        "disable_ssl": True,
    }
    connection(monkeypatch, conn_type="smtp", host="127.0.0.1", port=port, extra=extra)
    deliver(ALERT, ["ops"])
    [message] = mailbox.got
    assert (message["Subject"], message["X-To"]) == ("vips: failed: meta_main", "ops@example.com,ads@example.com")
    [part] = message.iter_parts()
    assert part.get_content().splitlines()[:2] == ["<pre>&lt;&amp;&gt; {{ 7 * 7 }} {% raise %}", "50% of it"]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"conn_type": "http", "host": "example.com"},
            "its type is 'http', and alerts go over: apprise, slackwebhook, slack, smtp",
        ),
        ({"conn_type": "smtp", "host": "127.0.0.1"}, "its extra has no `to`: say there who is told"),
        ({"conn_type": "slack", "password": "xoxb-made-up"}, "its extra has no `channel`"),
        ({"conn_type": "apprise", "extra": {"config": {"path": "nonsense://sekret"}}}, "the service did not take it"),
        ({"conn_type": "apprise", "extra": {}}, "not told over 'ops': KeyError"),
    ],
)
def test_what_cannot_be_sent_is_told_with_how_to_mend_it(
    parts: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, webhook: Webhook
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_GOOD", webhook.connection())
    connection(monkeypatch, **parts)
    deliver(ALERT, ["ops", "good"])
    assert told in caplog.text
    assert "sekret" not in caplog.text
    assert len(webhook.got) == 1, "the other connection is served all the same"


def test_a_provider_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.slack.notifications.slack_webhook", None)
    connection(monkeypatch, conn_type="slackwebhook", password="T0/B0/made-up")
    deliver(ALERT, ["ops"])
    assert "install apache-airflow-providers-slack to send over a connection of type 'slackwebhook'" in caplog.text
