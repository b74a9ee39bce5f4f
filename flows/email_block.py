"""E-mail by SMTP as a Prefect notification: Prefect itself has only Sendgrid's.

The server that sends must know the class: `flows.server` imports this module in its child.
"""

from __future__ import annotations

from prefect.blocks.notifications import AppriseNotificationBlock


class Email(AppriseNotificationBlock):
    """Sends a notification by SMTP; `url` is an address of Apprise (mailto://, mailtos://)."""

    _block_type_name = "E-mail (gongkai)"
    _block_type_slug = "gongkai-email"
