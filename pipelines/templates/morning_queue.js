"use strict";
const search = document.getElementById("search");
const shown = document.getElementById("shown");
const tickets = [...document.querySelectorAll("details.ticket")];
const texts = tickets.map((ticket) => ticket.textContent.toLowerCase());
const chosen = { action: "", level: "", mood: "" };

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  tickets.forEach((ticket, index) => {
    const fits =
      Object.entries(chosen).every(([key, value]) => !value || ticket.dataset[key] === value) &&
      words.every((word) => texts[index].includes(word));
    ticket.hidden = !fits;
    count += fits;
  });
  shown.textContent = count;
}

search.addEventListener("input", apply);
for (const select of document.querySelectorAll("select[data-key]")) {
  select.addEventListener("change", () => {
    chosen[select.dataset.key] = select.value;
    apply();
  });
}
apply();
