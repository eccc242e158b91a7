"use strict";
// Steps through the stories. Everything is on the page already; this only shows, hides and marks.
for (const story of document.querySelectorAll(".story")) {
  const count = Number(story.dataset.steps);
  const items = [...story.querySelectorAll(".steps li")];
  const output = story.querySelector("output");
  const buttons = Object.fromEntries([...story.querySelectorAll("[data-go]")].map((b) => [b.dataset.go, b]));
  const said = output.textContent;
  let at = null; // null: the whole story; 0: before the first step

  function show(step) {
    at = step;
    const held = story.contains(document.activeElement) ? document.activeElement : null;
    const last = step === null ? count : step;
    for (const part of story.querySelectorAll(".steps li, .diagram [data-step]")) {
      const number = Number(part.dataset.step);
      part.classList.toggle("later", number > last);
      part.classList.toggle("now", number === step);
    }
    for (const table of story.querySelectorAll(".facts")) table.hidden = Number(table.dataset.step) !== last;
    const item = step ? items[step - 1] : null;
    for (const other of items) other.toggleAttribute("aria-current", false);
    if (item) item.setAttribute("aria-current", "step");
    for (const line of story.querySelectorAll(".design .line")) {
      line.classList.toggle("lit", item !== null && item.dataset.line !== "0" && line.dataset.line === item.dataset.line);
    }
    const lit = story.querySelector(".design .lit");
    if (lit) lit.parentElement.scrollTop = lit.offsetTop - lit.parentElement.offsetTop - 60;
    output.textContent = step === null ? said : step === 0 ? "Before the first step" : `Step ${step} of ${count}: ${words(item)}`;
    buttons.first.disabled = step === 0;
    buttons.back.disabled = step === 0;
    buttons.next.disabled = step === count;
    buttons.all.disabled = step === null;
    if (held && held.disabled) (step === 0 || step === null ? buttons.next : buttons.back).focus();
  }

  function words(item) {
    return [...item.childNodes].filter((n) => !n.classList?.contains("tag") && !n.classList?.contains("at")).map((n) => n.textContent).join("").trim();
  }

  const moves = {
    first: () => 0,
    back: () => (at === null ? count - 1 : Math.max(at - 1, 0)),
    next: () => (at === null ? 1 : Math.min(at + 1, count)),
    all: () => null,
  };
  for (const [name, button] of Object.entries(buttons)) {
    button.addEventListener("click", () => show(moves[name]()));
  }
  const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "all" };
  story.addEventListener("keydown", (event) => {
    const inside = event.target.closest(".picture, pre, .scroll");
    if (!(event.key in keys) || inside || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    show(moves[keys[event.key]]());
  });
  for (const part of story.querySelectorAll(".steps li, .diagram .row")) {
    part.addEventListener("click", () => show(Number(part.dataset.step)));
  }
  story.querySelector(".controls").hidden = false;
  show(null);
}

// A link into a folded part unfolds it.
function unfold() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}
window.addEventListener("hashchange", unfold);
unfold();
