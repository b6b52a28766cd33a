"""What is asked of Saleor's GraphQL API, https://docs.saleor.io/api-reference."""

from __future__ import annotations

from pathlib import Path

# The query of our webhook, as an operator may paste it. What it tells of an order is what polling asks for, so that
# both are read alike.
SUBSCRIPTION = Path(__file__).with_name("subscription.graphql").read_text(encoding="utf-8")
_FRAGMENTS = SUBSCRIPTION[SUBSCRIPTION.index("fragment ") :]

EVENTS = (
    "ORDER_CREATED", "ORDER_CONFIRMED", "ORDER_UPDATED", "ORDER_PAID", "ORDER_FULLY_PAID", "ORDER_FULFILLED",
    "ORDER_CANCELLED", "ORDER_EXPIRED", "ORDER_REFUNDED", "ORDER_FULLY_REFUNDED", "FULFILLMENT_CREATED",
    "FULFILLMENT_APPROVED", "FULFILLMENT_TRACKING_NUMBER_UPDATED", "FULFILLMENT_CANCELED",
)  # fmt: skip

_PAGE = """
    pageInfo { hasNextPage endCursor }
    edges { node { ...TodokeOrder } }
"""

CHANGED = f"""
query TodokeChanged($since: DateTime!, $first: Int!, $after: String) {{
  orders(
    first: $first, after: $after, filter: {{ updatedAt: {{ gte: $since }} }},
    sortBy: {{ field: LAST_MODIFIED_AT, direction: ASC }}
  ) {{{_PAGE}  }}
}}

{_FRAGMENTS}"""

# A new tracking number does not count as a change of its order. Saleor 3.22 and newer can be asked for it.
RENUMBERED = f"""
query TodokeRenumbered($since: DateTime!, $first: Int!, $after: String) {{
  orders(
    first: $first, after: $after,
    where: {{ events: [{{ type: {{ eq: TRACKING_UPDATED }}, date: {{ gte: $since }} }}] }},
    sortBy: {{ field: CREATED_AT, direction: ASC }}
  ) {{{_PAGE}  }}
}}

{_FRAGMENTS}"""

APP = """
query TodokeApp {
  app {
    id
    name
    isActive
    permissions { code }
    webhooks { id name targetUrl isActive asyncEvents { eventType } subscriptionQuery }
  }
}
"""

CAN_READ = """
query TodokeCanRead {
  orders(first: 1) { edges { node { id number events { id } } } }
}
"""

CREATE = """
mutation TodokeWebhook($input: WebhookCreateInput!) {
  webhookCreate(input: $input) { webhook { id } errors { field code } }
}
"""

UPDATE = """
mutation TodokeWebhook($id: ID!, $input: WebhookUpdateInput!) {
  webhookUpdate(id: $id, input: $input) { webhook { id } errors { field code } }
}
"""
