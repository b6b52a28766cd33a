// Tells Todoke which orders have changed. Goes to src/subscribers/todoke.ts of a Medusa v2 project.
//
// It posts {name, data, metadata} and signs it as Standard Webhooks says. Only ids leave the shop: Todoke fetches the
// order itself. What cannot be posted is lost on purpose after three tries, since Todoke also polls.

import { createHmac, randomUUID } from "node:crypto"
import type { SubscriberArgs, SubscriberConfig } from "@medusajs/framework"

const ADDRESS = process.env.TODOKE_INTAKE ?? "" // the intake address that `todoke connect medusa` has printed
const SECRET = process.env.TODOKE_SECRET ?? "" // the same as --set secret=...
const TRIES = 3

type Data = { id?: string; order_id?: string; [name: string]: unknown }

export default async function tellTodoke({ event, container }: SubscriberArgs<Data>) {
  const log = container.resolve("logger")
  if (!ADDRESS || !SECRET) {
    log.warn("todoke: TODOKE_INTAKE and TODOKE_SECRET are not both set, nothing is told")
    return
  }
  const data = { ...event.data, order_id: await orderOf(event, container) }
  const body = JSON.stringify({ name: event.name, data, metadata: event.metadata })
  const id = `msg_${randomUUID()}` // one for all tries, so that a repeated delivery counts once
  for (let n = 1; n <= TRIES; n++) {
    try {
      const answer = await fetch(ADDRESS, { method: "POST", headers: signed(id, body), body, signal: AbortSignal.timeout(5000) })
      if (answer.ok) return
      log.warn(`todoke: ${event.name} was answered with status ${answer.status}`)
    } catch (error) {
      log.warn(`todoke: ${event.name} could not be posted (${(error as Error).message})`)
    }
    if (n < TRIES) await new Promise((wake) => setTimeout(wake, 1000 * 4 ** n))
  }
}

// Parcels and payments do not name their order, but Medusa knows it.
async function orderOf(event: { name: string; data: Data }, container: SubscriberArgs["container"]) {
  const { id, order_id } = event.data
  const paths: Record<string, [entity: string, path: string[]]> = {
    "shipment.created": ["fulfillment", ["order", "id"]],
    "delivery.created": ["fulfillment", ["order", "id"]],
    "payment.captured": ["payment", ["payment_collection", "order", "id"]],
    "payment.refunded": ["payment", ["payment_collection", "order", "id"]],
  }
  const way = paths[event.name]
  if (order_id || !id || !way) return order_id
  try {
    const [entity, path] = way
    const { data } = await container.resolve("query").graph({ entity, fields: [path.join(".")], filters: { id } })
    return path.reduce<any>((found, key) => found?.[key], data[0]) as string | undefined
  } catch {
    return undefined // Todoke looks for it
  }
}

function signed(id: string, body: string) {
  const seconds = Math.floor(Date.now() / 1000).toString()
  const key = Buffer.from(SECRET.replace(/^whsec_/, ""), "base64")
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64")
  return {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": seconds,
    "webhook-signature": `v1,${signature}`,
  }
}

export const config: SubscriberConfig = {
  event: [
    "order.placed",
    "order.updated",
    "order.completed",
    "order.archived",
    "order.canceled",
    "order.fulfillment_created",
    "order.fulfillment_canceled",
    "order.return_requested",
    "order.return_received",
    "order.claim_created",
    "order.exchange_created",
    "order-edit.confirmed",
    "shipment.created",
    "delivery.created",
    "payment.captured",
    "payment.refunded",
  ],
}
