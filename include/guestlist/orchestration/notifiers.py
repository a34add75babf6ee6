"""Sends an alert through Airflow's own notifiers; the type of a connection says through which one."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from guestlist.model.errors import ConfigError
from guestlist.orchestration.workspaces import connection_from_airflow
from guestlist.runtime.alerts import Alert

log = logging.getLogger("guestlist.alerts")
_LOGGERS = ("apprise", "urllib3.connectionpool")


def deliver(alert: Alert, to: Sequence[str]) -> None:
    """Send an alert over each of these connections. What cannot be sent is an error in the log, and never one of the run."""
    for name in to:
        try:
            _send(alert, name)
        except ConfigError as error:
            log.error("%s; not told over %r: %s", alert.title, name, error.message)  # noqa: TRY400
        except Exception as error:  # noqa: BLE001 - whatever a notifier raises: the run has ended as it has ended
            # its kind alone: the texts of such errors hold addresses, and a webhook's address is its secret
            log.error("%s; not told over %r: %s", alert.title, name, type(error).__name__)  # noqa: TRY400
        else:
            log.info("told over %r: %s", name, alert.title)


def _send(alert: Alert, name: str) -> None:
    connection = connection_from_airflow(name)
    if (channel := _CHANNELS.get(connection.type)) is None:
        raise ConfigError(f"its type is {connection.type!r}, and alerts go over: {', '.join(_CHANNELS)}")
    try:
        notifier = channel.notifier(alert, name, connection.extra)
    except ImportError:
        raise ConfigError(f"install {channel.package} to send over a connection of type {connection.type!r}") from None
    with _overheard(*_LOGGERS) as complaints:
        notifier.notify({})  # not called: that would render the text as a template, and platforms have a hand in the text
    if complaints:
        raise ConfigError(
            "the service did not take it: see whether its address in the connection is right, and whether it is up"
        )


@contextmanager
def _overheard(*loggers: str) -> Iterator[list[int]]:
    """Keep what is said here out of the log, for it holds addresses; gives the levels of the warnings and worse.

    Airflow's hook for apprise drops what apprise returns, and apprise raises nothing.
    """
    complaints: list[int] = []

    def hear(record: logging.LogRecord) -> bool:
        complaints.append(record.levelno)
        return False

    found = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in found]
    for logger in found:
        logger.addFilter(hear)
        logger.setLevel(logging.WARNING)  # whatever Airflow's level is
    try:
        yield complaints
    finally:
        for logger, level in zip(found, levels, strict=True):
            logger.removeFilter(hear)
            logger.setLevel(level)


def _apprise(alert: Alert, name: str, _extra: Mapping[str, Any]) -> Any:
    from airflow.providers.apprise.notifications.apprise import AppriseNotifier
    from apprise import NotifyType

    return AppriseNotifier(apprise_conn_id=name, title=alert.title, body=alert.text, notify_type=NotifyType.FAILURE)


def _slack(alert: Alert, name: str, extra: Mapping[str, Any]) -> Any:
    from airflow.providers.slack.notifications.slack import SlackNotifier

    return SlackNotifier(slack_conn_id=name, channel=_named(extra, "channel"), text=_marked_up(alert))


def _slack_webhook(alert: Alert, name: str, _extra: Mapping[str, Any]) -> Any:
    from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

    return SlackWebhookNotifier(slack_webhook_conn_id=name, text=_marked_up(alert))


def _smtp(alert: Alert, name: str, extra: Mapping[str, Any]) -> Any:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    body = f"<pre>{html.escape(alert.text)}</pre>"
    return SmtpNotifier(smtp_conn_id=name, to=_named(extra, "to"), subject=alert.title, html_content=body)


def _named(extra: Mapping[str, Any], key: str) -> str:
    if not (value := extra.get(key)):
        raise ConfigError(f"its extra has no `{key}`: say there who is told")
    return str(value)


def _marked_up(alert: Alert) -> str:
    """As Slack reads it: three signs are its own."""
    return f"*{html.escape(alert.title, quote=False)}*\n{html.escape(alert.text, quote=False)}"


@dataclass(frozen=True)
class _Channel:
    """What a connection's type means: the provider's package, and how its notifier is made."""

    package: str
    notifier: Callable[[Alert, str, Mapping[str, Any]], Any]


_CHANNELS = {
    "apprise": _Channel("apache-airflow-providers-apprise", _apprise),
    "slackwebhook": _Channel("apache-airflow-providers-slack", _slack_webhook),
    "slack": _Channel("apache-airflow-providers-slack", _slack),
    "smtp": _Channel("apache-airflow-providers-smtp", _smtp),
}
