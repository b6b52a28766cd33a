// Buttons that copy; without a clipboard they stay hidden.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = button.querySelector("[role=status]");
    const word = button.querySelector("[data-word]");
    await navigator.clipboard.writeText(button.dataset.copy);
    word.hidden = true;
    said.textContent = button.dataset.copied;
    setTimeout(() => { said.textContent = ""; word.hidden = false; }, 2000);
  });
}
