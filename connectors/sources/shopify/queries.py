"""What is asked of the Admin API: https://shopify.dev/docs/api/admin-graphql

A query may cost 1,000 points by what it could answer at most; what an order has more than these numbers of is asked
for with `REST` (`poll.complete`). Fields that Shopify refuses for want of a scope come as null beside an error.
"""

from __future__ import annotations

VERSION = "2026-10"

_LINE = """
fragment Line on LineItem {
  id sku title variantTitle quantity currentQuantity requiresShipping isGiftCard
  originalUnitPriceSet { presentmentMoney { amount currencyCode } }
  image { url }
}
"""
_PACKED = """
fragment Packed on FulfillmentLineItem { quantity lineItem { id sku title } }
"""
_SCAN = """
fragment Scan on FulfillmentEvent {
  id status happenedAt createdAt message city province country estimatedDeliveryAt
}
"""
_BACK = """
fragment Back on RefundLineItem { quantity restockType lineItem { id sku title } }
"""
_PAID = """
fragment Paid on OrderTransaction { id kind status amountSet { presentmentMoney { amount currencyCode } } }
"""
_PLACE = """
fragment Place on MailingAddress {
  firstName lastName name company address1 address2 city province provinceCode countryCodeV2 zip phone
}
"""

CHANGED = f"""
query TodokeChanged($query: String!, $first: Int!, $after: String) {{
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id name createdAt updatedAt processedAt cancelledAt cancelReason test confirmed sourceName currencyCode
      displayFinancialStatus displayFulfillmentStatus returnStatus paymentGatewayNames
      email phone customerLocale customerAcceptsMarketing
      totalPriceSet {{ presentmentMoney {{ amount currencyCode }} }}
      currentTotalPriceSet {{ presentmentMoney {{ amount currencyCode }} }}
      customer {{
        id firstName lastName
        defaultEmailAddress {{ emailAddress marketingState }}
        defaultPhoneNumber {{ phoneNumber }}
      }}
      billingAddress {{ ...Place }}
      shippingAddress {{ ...Place }}
      shippingLine {{ title }}
      lineItems(first: 30) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Line }} }}
      fulfillments(first: 20) {{
        id status createdAt updatedAt estimatedDeliveryAt deliveredAt inTransitAt
        trackingInfo(first: 20) {{ company number url }}
        fulfillmentLineItems(first: 20) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Packed }} }}
        events(first: 10) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Scan }} }}
      }}
      refunds(first: 20) {{
        id createdAt note
        refundLineItems(first: 20) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Back }} }}
        transactions(first: 5) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...Paid }} }}
      }}
    }}
  }}
}}
{_LINE}{_PACKED}{_SCAN}{_BACK}{_PAID}{_PLACE}"""


def _rest(name: str, field: str, fragment: str, text: str) -> str:
    return f"""
query TodokeRest($id: ID!, $after: String) {{
  node(id: $id) {{
    ... on {name} {{
      {field}(first: 100, after: $after) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...{fragment} }} }}
    }}
  }}
}}
{text}"""


# (where it stands in an order, the list that is longer) -> how to ask for the rest of it
REST = {
    ("order", "lineItems"): _rest("Order", "lineItems", "Line", _LINE),
    ("fulfillments", "fulfillmentLineItems"): _rest("Fulfillment", "fulfillmentLineItems", "Packed", _PACKED),
    ("fulfillments", "events"): _rest("Fulfillment", "events", "Scan", _SCAN),
    ("refunds", "refundLineItems"): _rest("Refund", "refundLineItems", "Back", _BACK),
    ("refunds", "transactions"): _rest("Refund", "transactions", "Paid", _PAID),
}

# Asked only of orders that have one, for it needs a scope of its own.
RETURNS = """
query TodokeReturns($id: ID!) {
  order(id: $id) {
    returns(first: 10) {
      nodes {
        id status createdAt requestApprovedAt closedAt
        returnLineItems(first: 30) {
          nodes { ... on ReturnLineItem { quantity fulfillmentLineItem { lineItem { id sku title } } } }
        }
      }
    }
  }
}
"""

ACCESS = """
query TodokeAccess {
  shop { name myshopifyDomain }
  currentAppInstallation { accessScopes { handle } }
}
"""

CAN_READ = """
query TodokeCanRead {
  orders(first: 1, reverse: true) { nodes { id name email customer { id firstName } shippingAddress { name } } }
}
"""

HOOKS = """
query TodokeHooks($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format includeFields filter }
  }
}
"""

CREATE = """
mutation TodokeCreate($topic: WebhookSubscriptionTopic!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $hook) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
"""

UPDATE = """
mutation TodokeUpdate($id: ID!, $hook: WebhookSubscriptionInput!) {
  webhookSubscriptionUpdate(id: $id, webhookSubscription: $hook) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
"""
