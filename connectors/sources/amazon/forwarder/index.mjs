// Takes Amazon's notifications out of an SQS queue and posts each to Todoke, signed as Standard Webhooks says.
// An AWS Lambda function (Node.js 20 or newer) with the queue as its trigger and "report batch item failures" on.

import { createHmac } from "node:crypto"

const ADDRESS = process.env.TODOKE_INTAKE // the intake address that `todoke connect amazon` has printed
const SECRET = process.env.TODOKE_SECRET // the same as --set secret=...

export async function handler(event) {
  const batchItemFailures = []
  for (const record of event.Records) {
    try {
      const answer = await fetch(ADDRESS, {
        method: "POST",
        headers: signed(record.messageId, record.body),
        body: record.body,
        signal: AbortSignal.timeout(5000),
      })
      if (!answer.ok) throw new Error(`status ${answer.status}`)
    } catch (error) {
      console.warn(`todoke: ${record.messageId}: ${error.message}`)
      batchItemFailures.push({ itemIdentifier: record.messageId }) // stays in the queue and comes again
    }
  }
  return { batchItemFailures }
}

function signed(id, body) {
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
