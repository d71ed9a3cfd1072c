// A box above every long table that shows the rows with the words typed into it.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("article table")) {
    const rows = [...table.querySelectorAll("tbody tr")];
    if (rows.length < 15) continue;
    const box = document.createElement("input");
    const said = document.createElement("span");
    box.type = "search";
    box.className = "table-filter";
    box.placeholder = `Filter ${rows.length} rows`;
    box.setAttribute("aria-label", "Show rows with these words");
    said.className = "table-filter-said";
    said.setAttribute("role", "status");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      said.textContent = words.length ? `${shown} of ${rows.length}` : "";
    });
    const place = table.closest(".table-wrapper") || table;
    place.before(box, said);
  }
});
