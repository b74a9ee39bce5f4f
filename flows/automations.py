"""Prefect automations: alerts are sent, and dead runs are marked, by the server itself.

`gongkai serve` applies them when it starts and `gongkai alerts` to any server. They carry names
that begin with "gongkai:", the blocks of the recipients "gongkai-webhook-1" and so on; those that
the settings no longer ask for are removed, others are never touched.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import StateType
from prefect.events import emit_event
from prefect.events.actions import ActionTypes, CallWebhook, ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.events.schemas.events import ResourceSpecification
from prefect.events.worker import EventsWorker
from prefect.runtime import flow_run
from prefect.types import SecretDict
from pydantic import SecretStr

from flows.alerting import BODIES, AlertSettings
from flows.email_block import Email
from tasks.alerts import Alert
from tasks.store import Warehouse

PREFIX = "gongkai: "
EVENT = "gongkai.alert."
SERVED = "gongkai.served"
DEAD_AFTER = timedelta(seconds=90)  # three heartbeats
DEAD = "No sign of life for 90 seconds: the process was killed, or the machine went down."
TITLES = {
    "failures-jumped": "Many more failures than on other nights",
    "source-silent": "A source has gone silent",
    "listing-shrank": "A listing has shrunk",
    "run-died": "A run has died",
    "test": "A test of the alerts",
}
_BLOCK = re.compile(r"gongkai-(webhook|email)-\d+")  # of one recipient, see _blocks
# States of ours have names of their own, so every name that ends a run is matched by its beginning.
_ENDS = {
    "prefect.flow-run.Completed*",
    "prefect.flow-run.Failed",
    "prefect.flow-run.AccountingFailed",
    "prefect.flow-run.Crashed",
    "prefect.flow-run.Cancelled",
    "prefect.flow-run.TimedOut",
}


def raise_alerts(found: Iterable[Alert], warehouse: Warehouse, title: str) -> None:
    """Emits one event for each alert; the automations of the server do the telling."""
    for alert in found:
        _emit(alert.kind, alert.message, warehouse, title)


def raise_died(dead: UUID, message: str, warehouse: Warehouse) -> None:
    """Tells of a run that was found dead when the server started.

    The change of its state alone would be told a quarter of an hour late: so long a server waits
    for the event before it, and the server that saw that one is dead too.
    """
    _emit("run-died", message, warehouse, "gongkai serve", run=str(dead))


def send_test(warehouse: Warehouse) -> None:
    """Emits an alert that says it is a test, to see whether it arrives."""
    _emit("test", "If you read this, alerts reach you.", warehouse, "gongkai alerts --test")
    EventsWorker.drain_all(timeout=15)


def await_events(warehouse: Warehouse, seconds: float = 30) -> bool:
    """Whether the server takes notice of events, which begins a while after it answers requests.

    What happens before that is never told to anybody.
    """
    deadline = time.monotonic() + seconds
    wanted = {"filter": {"event": {"name": [SERVED]}, "occurred": {"since": _now()}}}
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline:
            emit_event(SERVED, resource=_resource(warehouse))
            time.sleep(1)
            if client.request("POST", "/events/filter", json=wanted).json()["events"]:
                return True
    return False


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _resource(warehouse: Warehouse) -> dict[str, str]:
    return {
        "prefect.resource.id": f"gongkai.warehouse.{warehouse.root}",
        "prefect.resource.name": str(warehouse.root),
    }


def _emit(kind: str, message: str, warehouse: Warehouse, title: str, run: str = "") -> None:
    run = run or str(flow_run.id or "")
    emit_event(
        EVENT + kind,
        resource=_resource(warehouse),
        related=[{"prefect.resource.id": f"prefect.flow-run.{run}", "prefect.resource.role": "run"}]
        if run
        else [],
        payload={
            "subject": TITLES[kind],
            "message": message,
            "run": title,
            "path": f"/runs/flow-run/{run}" if run else "/dashboard",
        },
    )


def apply(settings: AlertSettings, ui_url: str) -> list[str]:
    """Makes the server's automations those that the settings ask for; returns their names.

    `ui_url` is where the UI is reached when the settings do not say otherwise.
    """
    base = (settings.ui_url or ui_url).rstrip("/")
    with get_client(sync_client=True) as client:
        wanted = [_dead_runs()]
        recipients = _blocks(settings)
        if recipients:
            wanted += _telling(settings, recipients, base)
        _replace(client, wanted)
        _forget(client, {block for _, block in recipients})
    return [automation.name for automation in wanted]


def _replace(client: SyncPrefectClient, wanted: Sequence[AutomationCore]) -> None:
    existing = {a.name: a for a in client.read_automations() if a.name.startswith(PREFIX)}
    for automation in wanted:
        if old := existing.pop(automation.name, None):
            client.update_automation(old.id, automation)
        else:
            client.create_automation(automation)
    for left in existing.values():
        client.delete_automation(left.id)


def _forget(client: SyncPrefectClient, kept: Collection[UUID]) -> None:
    """Deletes the blocks of recipients that the settings no longer name, secrets and all."""
    wanted = {
        "block_documents": {"name": {"like_": "gongkai-"}},
        "block_types": {
            "slug": {"any_": [kind.get_block_type_slug() for kind in (Webhook, Email)]}
        },
    }
    found = client.request("POST", "/block_documents/filter", json=wanted).json()
    for block in found:
        if _BLOCK.fullmatch(block["name"]) and UUID(block["id"]) not in kept:
            client.delete_block_document(UUID(block["id"]))


def _dead_runs() -> AutomationCore:
    """A run whose heartbeat stops is dead, also when nothing was left to say so."""
    return AutomationCore(
        name=PREFIX + "mark dead runs as crashed",
        description=f"A flow run without a heartbeat for {DEAD_AFTER.seconds} seconds.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *_ENDS},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=DEAD_AFTER,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, name=None, message=DEAD, force=False)],
    )


Recipient = tuple[str, Any]  # the body of a webhook with gaps ("" for e-mail), and the block's id


def _blocks(settings: AlertSettings) -> list[Recipient]:
    """One block of the server for each recipient: it keeps the address and its secrets."""
    made: list[Recipient] = []
    for number, hook in enumerate(settings.webhooks, 1):
        block = Webhook(
            url=SecretStr(hook.url),
            headers=SecretDict({"content-type": "application/json; charset=utf-8", **hook.headers}),
        )
        made.append((BODIES[hook.format], block.save(f"gongkai-webhook-{number}", overwrite=True)))
    if settings.emails:
        Email.register_type_and_schema()
    for number, mail in enumerate(settings.emails, 1):
        letter = Email(url=SecretStr(mail.apprise_url()))
        made.append(("", letter.save(f"gongkai-email-{number}", overwrite=True)))
    return made


def _telling(
    settings: AlertSettings, recipients: list[Recipient], base: str
) -> list[AutomationCore]:
    nights = ResourceSpecification(
        {"prefect.resource.role": "flow", "prefect.resource.name": "nightly"}
    )
    runs = ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]})
    told = [
        AutomationCore(
            name=PREFIX + "tell of alerts",
            description="A jump in failures, a silent source, a listing that shrank.",
            trigger=EventTrigger(expect={EVENT + "*"}, posture=Posture.Reactive, threshold=1),
            actions=_actions(
                recipients,
                "event.payload.subject",
                "event.payload.message ~ ' (' ~ event.payload.run ~ ')'",
                f"'{base}' ~ event.payload.path",
            ),
        ),
        AutomationCore(
            name=PREFIX + "tell of a night that failed",
            description="A night that failed or died, or whose accounting does not close.",
            trigger=EventTrigger(
                expect={
                    "prefect.flow-run.Failed",
                    "prefect.flow-run.Crashed",
                    "prefect.flow-run.AccountingFailed",
                },
                match=runs,
                match_related=nights,
                posture=Posture.Reactive,
                threshold=1,
                for_each={"prefect.resource.id"},
            ),
            actions=_actions(
                recipients,
                "event.resource.name ~ ': ' ~ event.resource['prefect.state-name']",
                "event.resource['prefect.state-message'] or 'without a message'",
                f"'{base}/runs/flow-run/' ~ event.resource.id | replace('prefect.flow-run.', '')",
            ),
        ),
    ]
    hours = settings.missing_night_hours
    told.append(
        AutomationCore(
            name=PREFIX + "tell of a night that did not come",
            description=f"No night has ended for {hours:g} hours.",
            trigger=EventTrigger(
                expect={"prefect.flow-run.Completed*"},
                match=runs,
                match_related=nights,
                posture=Posture.Proactive,
                threshold=1,
                within=timedelta(hours=hours),
            ),
            actions=_actions(
                recipients,
                "'No night has ended'",
                f"'No night has ended for {hours:g} hours; readers keep the last one.'",
                f"'{base}/dashboard'",
            ),
        )
    )
    return told


def _actions(
    recipients: list[Recipient], subject: str, message: str, url: str
) -> list[ActionTypes]:
    """The same message to everybody; the three arguments are Jinja expressions."""
    title = f"('gongkai: ' ~ ({subject}))"
    gaps = {"SUBJECT": title, "MESSAGE": f"({message})", "URL": f"({url})"}
    gaps["TEXT"] = f"({title} ~ '\\n' ~ ({message}) ~ '\\n' ~ ({url}))"
    actions: list[ActionTypes] = []
    for body, block in recipients:
        if not body:
            text = f"{{{{ {message} }}}}\n\n{{{{ {url} }}}}"
            subject_line = f"{{{{ {title} }}}}"
            actions.append(
                SendNotification(block_document_id=block, subject=subject_line, body=text)
            )
            continue
        payload = body
        for gap, expression in gaps.items():
            payload = payload.replace(gap, f"{{{{ {expression} | tojson }}}}")
        actions.append(CallWebhook(block_document_id=block, payload=payload))
    return actions
