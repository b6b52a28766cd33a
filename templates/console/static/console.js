// Small comforts; every page works without them.
for (const select of document.querySelectorAll("select[data-submit]")) {
  const button = select.form.querySelector("button");
  if (button) button.hidden = true;
  select.addEventListener("change", () => select.form.requestSubmit());
}

// On a phone the menu is wider than the screen: where somebody is stays in sight.
document.querySelector(".nav a[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// Lists that grow are fetched again while somebody looks at their top; the focus stays where it is.
const live = document.querySelector("[data-live]");
if (live && !new URLSearchParams(location.search).has("before")) {
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.querySelector("[data-live]")) return location.reload(); // what was waited for has come
    for (const [old, fresh] of [[live, page.querySelector("[data-live]")], [document.querySelector(".tabs"), page.querySelector(".tabs")]]) {
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
  }, 5000);
}
