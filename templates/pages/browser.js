// Notifications in this browser. Where it cannot have them, or without this script, the buttons stay hidden.
{
  const place = document.querySelector("[data-push]");
  const { key, scope, known, post } = place.dataset;
  const [start, stop, said] = ["start", "stop", "said"].map((name) => place.querySelector(`[data-${name}]`));
  const url = new URL(scope, location.href).href;
  const able = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

  const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const same = (one, other) => one && one.byteLength === other.length && new Uint8Array(one).every((n, at) => n === other[at]);
  const hex = (buffer) => [...new Uint8Array(buffer)].map((one) => one.toString(16).padStart(2, "0")).join("");
  const digest = async (text) => hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  const show = (on, word) => {
    start.hidden = on;
    stop.hidden = !on;
    said.textContent = word ? said.dataset[word] : on ? said.dataset.on : "";
  };

  async function tell(subscription, wanted) {
    const body = JSON.stringify({ subscription: JSON.stringify(subscription), wanted });
    return (await fetch(post, { method: "POST", headers: { "content-type": "application/json" }, body })).ok;
  }

  async function active(registration) {
    const worker = registration.installing || registration.waiting;
    if (registration.active || !worker) return;
    await new Promise((done) => worker.addEventListener("statechange", () => worker.state === "activated" && done()));
  }

  async function subscribe() {
    if (await Notification.requestPermission() !== "granted") return show(false, "denied");
    const registration = await navigator.serviceWorker.register(`${scope}worker.js`, { scope });
    await active(registration);
    let found = await registration.pushManager.getSubscription();
    if (found && !same(found.options.applicationServerKey, octets(key))) {
      await found.unsubscribe();
      found = null;
    }
    found ||= await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: octets(key) });
    if (!await tell(found, true)) return show(false, "failed");
    await (await caches.open("todoke-push")).put(url, Response.json({ subscription: JSON.stringify(found), key }));
    show(true, "done");
  }

  async function unsubscribe() {
    const registration = await navigator.serviceWorker.getRegistration(scope);
    const found = registration && await registration.pushManager.getSubscription();
    if (found) {
      if (!await tell(found, false)) return show(true, "failed");
      await found.unsubscribe();
    }
    await (await caches.open("todoke-push")).delete(url);
    show(false, "stopped");
  }

  async function begin() {
    const registration = await navigator.serviceWorker.getRegistration(scope);
    const found = registration && await registration.pushManager.getSubscription();
    show(Boolean(found) && known.split(" ").includes(await digest(found.endpoint)));
    for (const [button, act] of [[start, subscribe], [stop, unsubscribe]]) {
      button.addEventListener("click", async () => {
        button.disabled = true;
        try { await act(); } catch { show(act === unsubscribe, "failed"); }
        button.disabled = false;
      });
    }
    place.hidden = place.closest("section").hidden = false;
  }

  if (able) begin();
}
