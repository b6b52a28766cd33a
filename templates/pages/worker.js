// Shows what the shop's notifications hold, and opens where they lead.
"use strict";
const KEPT = "todoke-push"; // a cache with one entry for each shop: the subscription as we were told it

self.addEventListener("push", (event) => {
  let told = {};
  try { told = event.data.json(); } catch { return; }
  const { title, body, url, tag, lang } = told;
  if (!title) return;
  event.waitUntil(self.registration.showNotification(title, { body, tag, lang, data: { url } }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = event.notification.data && event.notification.data.url;
  if (typeof url === "string" && /^https?:\/\//.test(url)) event.waitUntil(self.clients.openWindow(url));
});

self.addEventListener("pushsubscriptionchange", (event) => {
  event.waitUntil(renewed(event));
});

async function renewed(event) {
  const kept = await caches.open(KEPT);
  const before = await kept.match(self.registration.scope);
  if (!before) return;
  const { subscription, key } = await before.json();
  const options = { userVisibleOnly: true, applicationServerKey: key };
  const now = event.newSubscription || await self.registration.pushManager.subscribe(options);
  const after = JSON.stringify(now);
  const answer = await fetch(self.registration.scope + "moved", {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ old: subscription, new: after }),
  });
  if (answer.ok) await kept.put(self.registration.scope, Response.json({ subscription: after, key }));
}
