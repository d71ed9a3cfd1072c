// @ts-check
// Filter and sort the reports of a batch: what stands in the page already, nothing is fetched.
const table = /** @type {HTMLTableElement} */ (document.querySelector("table.jw-batch"));
const body = table.tBodies[0];
const rows = [...body.rows];
const asked = /** @type {HTMLInputElement} */ (document.querySelector("#jw-text"));
const status = /** @type {HTMLSelectElement} */ (document.querySelector("#jw-status"));
const said = /** @type {HTMLElement} */ (document.querySelector("#jw-said"));

function filter() {
  const text = asked.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (!text || (row.textContent ?? "").toLowerCase().includes(text)) && (!status.value || row.dataset.status === status.value);
    row.hidden = !fits;
    shown += fits ? 1 : 0;
  }
  said.textContent = `${shown} of ${rows.length} reports`;
}

/** @param {HTMLTableRowElement} row @param {number} column */
function key(row, column) {
  const cell = row.cells[column];
  const sort = cell.dataset.sort;
  return sort === undefined ? (cell.textContent ?? "") : Number(sort);
}

for (const [column, head] of [...table.tHead?.rows[0].cells ?? []].entries()) {
  const button = head.querySelector("button");
  button?.addEventListener("click", () => {
    const up = head.ariaSort !== "ascending";
    for (const other of table.tHead?.rows[0].cells ?? []) other.ariaSort = "none";
    head.ariaSort = up ? "ascending" : "descending";
    const order = [...rows].sort((a, b) => {
      const [x, y] = [key(a, column), key(b, column)];
      const way = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true });
      return up ? way : -way;
    });
    body.append(...order);
  });
}
asked.addEventListener("input", filter);
status.addEventListener("change", filter);
filter();
