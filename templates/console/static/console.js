// Small comforts; every page works without them.
for (const select of document.querySelectorAll("select[data-submit]")) {
  const button = select.form.querySelector("button");
  if (button) button.hidden = true;
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Lists that grow are fetched again while somebody looks at their top; the focus stays where it is.
const live = document.querySelector("[data-live]");
if (live && !new URLSearchParams(location.search).has("before")) {
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const [old, fresh] of [[live, page.querySelector("[data-live]")], [document.querySelector(".tabs"), page.querySelector(".tabs")]]) {
      if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceChildren(...fresh.childNodes);
    }
  }, 5000);
}
