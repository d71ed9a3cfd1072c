// @ts-check
import { make, redraw } from "../page_scripts/parts.js";
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ id: string, label: string }} Named */
/** @typedef {{ id: string, label: string, now: number }} Room */
/** @typedef {{ customer: string, offer: string, touchpoint: string, owner: string, evidence: string, believed: string, cost: string, value: string, reason: string }} Row */
/** @typedef {{ currency: string, limits: { budget: number, budget_max: number, max_contacts: number, contacts_max: number, fatigue: number, slots: Room[], teams: Room[] }, choices: Record<string, Named[]>, summary: string, changed: string, moved: (Row & { change: string })[], totals: { evidence: string, contacts: string, cost: string, expected: string, called: string, incremental: boolean }[], prices: string[], funnel: { step: string, customers: string, rows: string }[], rows: Row[], matching: number, ask: Record<string, any>, done: number, customer: string, told: { offer: string, touchpoint: string, planned: boolean, why: string }[], can_export: boolean, wanted: string, file: { name?: string, text?: string, error?: string } }} State */

/** @type {[keyof Row, string, boolean][]} */
const COLUMNS = [["customer", "Customer", false], ["offer", "Offer", false], ["touchpoint", "Where", false], ["owner", "Owner", false], ["evidence", "Rests on", false], ["believed", "Effect", true], ["cost", "Cost", true], ["value", "Worth", true]];
const FILTERS = [["offer", "Offer"], ["touchpoint", "Where"], ["owner", "Owner"], ["evidence", "Rests on"]];
/** @type {["slots" | "teams", string][]} */
const ROOMS = [["slots", "at"], ["teams", "by"]];
const STEPS = 200;
const WAIT = 60;

/** @param {RenderProps<State>} props */
function render({ model, el, signal }) {
  el.classList.add("jw-grid", "jw-board");
  let asked = /** @type {Record<string, any>} */ ({ by: "value", descending: true });
  let seq = model.get("done");
  let timer = 0;
  let chosen = "";

  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const limits = make("div", "", { class: "jw-limits", role: "group", "aria-label": "What there is" });
  const changed = make("div", "", { class: "jw-changed" });
  const moved = make("details", "", { class: "jw-moved" });
  const filters = make("div", "", { class: "jw-filters", role: "group", "aria-label": "Show only" });
  const frame = make("div", "", { class: "jw-frame", tabindex: "0", role: "region", "aria-label": "Contacts of the plan" });
  const left = make("div", "", { class: "jw-changed" });
  const why = make("div", "", { class: "jw-why", role: "region", "aria-label": "Why this one", "aria-live": "polite" });
  const sides = make("div", "", { class: "jw-sides" });
  why.hidden = true;
  el.append(summary, limits, changed, moved, filters, frame, left, why, sides);

  const budget = make("input", "", { type: "range", min: "0", max: String(STEPS), step: "1", "aria-label": "Budget" });
  const amount = make("output");
  const contacts = make("input", "", { type: "number", min: "1", step: "1", "aria-label": "Contacts a customer may get" });
  const fair = make("label", "Budget for contacts");
  fair.append(budget, amount);
  const many = make("label", "Contacts a customer may get");
  many.append(contacts);
  const patience = make("input", "", { type: "number", min: "0", step: "0.1", "aria-label": "What a contact costs in patience" });
  const tired = make("label", "A contact costs in patience");
  tired.append(patience);
  limits.append(fair, many, tired);
  const rooms = ROOMS.flatMap(([kind, by]) => model.get("limits")[kind].map((s) => {
    const input = make("input", "", { type: "number", min: "0", step: "1", "aria-label": `Contacts ${by} ${s.label}` });
    const box = make("label", `Contacts ${by} ${s.label}`);
    box.append(input);
    limits.append(box);
    input.addEventListener("change", () => {
      const n = Math.max(Math.round(Number(input.value)) || 0, 0);
      input.value = String(n);
      ask({ [kind]: { ...asked[kind], [s.id]: n } });
    }, { signal });
    return { kind, id: s.id, input };
  }));
  patience.addEventListener("change", () => {
    const n = Math.max(Number(patience.value) || 0, 0);
    patience.value = String(n);
    ask({ fatigue: n });
  }, { signal });
  const money = (/** @type {number} */ v) => `${v.toFixed(2)} ${model.get("currency")}`.trim();
  const meant = () => (Number(budget.value) / STEPS) * model.get("limits").budget_max;

  budget.addEventListener("input", () => { amount.textContent = money(meant()); later({ budget: meant() }); }, { signal });
  contacts.addEventListener("change", () => {
    const n = Math.round(Number(contacts.value));
    const most = model.get("limits").contacts_max;
    contacts.value = String(Math.min(Math.max(n || 1, 1), most));
    ask({ max_contacts: Number(contacts.value) });
  }, { signal });
  for (const key of ["keydown", "keyup", "keypress"]) el.addEventListener(key, (e) => e.stopPropagation(), { signal });

  for (const [name, label] of FILTERS) {
    const box = make("label", label);
    const select = make("select", "", { "aria-label": label });
    select.append(make("option", "all", { value: "" }), ...(model.get("choices")[name] ?? []).map((c) => make("option", c.label, { value: c.id })));
    select.addEventListener("change", () => ask({ [name]: select.value }), { signal });
    box.append(select);
    filters.append(box);
  }
  if (model.get("can_export")) {
    const box = make("label", "Take along the contacts of");
    const select = make("select", "", { "aria-label": "Take along the contacts of" });
    select.append(make("option", "choose an owner", { value: "" }), ...(model.get("choices").owner ?? []).map((c) => make("option", c.label, { value: c.id })));
    select.addEventListener("change", () => {
      const role = select.value;
      select.value = "";
      model.set("wanted", "");
      model.save_changes();
      model.set("wanted", role);
      model.save_changes();
    }, { signal });
    box.append(select);
    filters.append(box);
  }
  const said = make("span", "", { class: "jw-said", role: "alert" });
  filters.append(said);

  /** @param {Record<string, any>} news */
  function ask(news) {
    window.clearTimeout(timer);
    asked = { ...asked, ...news };
    seq += 1;
    model.set("ask", { ...asked, seq });
    model.save_changes();
  }

  /** @param {Record<string, any>} news */
  function later(news) {
    asked = { ...asked, ...news };
    window.clearTimeout(timer);
    timer = window.setTimeout(() => ask({}), WAIT);
  }
  signal.addEventListener("abort", () => window.clearTimeout(timer));

  function drawLimits() {
    const { budget: now, budget_max: most, max_contacts: n, contacts_max: top, fatigue } = model.get("limits");
    if (document.activeElement !== budget) budget.value = String(Math.round((now / most) * STEPS));
    if (document.activeElement !== budget) amount.textContent = money(now);
    contacts.max = String(top);
    if (document.activeElement !== contacts) contacts.value = String(n);
    if (document.activeElement !== patience) patience.value = String(fatigue);
    for (const { kind, id, input } of rooms) {
      const here = model.get("limits")[kind].find((s) => s.id === id);
      if (document.activeElement !== input) input.value = String(here?.now ?? 0);
    }
  }

  function drawTable() {
    const table = make("table");
    const head = make("thead");
    const line = make("tr");
    for (const [name, label, isFigure] of COLUMNS) {
      const cell = make("th", "", { scope: "col", ...(isFigure ? { class: "jw-figure" } : {}) });
      const here = asked.by === name;
      cell.ariaSort = here ? (asked.descending ? "descending" : "ascending") : "none";
      const button = make("button", `${label}${here ? (asked.descending ? " ▾" : " ▴") : ""}`, { type: "button" });
      button.dataset.key = `sort ${name}`;
      button.ariaLabel = `Sort by ${label}`;
      button.addEventListener("click", () => ask({ by: name, descending: here ? !asked.descending : isFigure }), { signal });
      cell.append(button);
      line.append(cell);
    }
    line.append(make("th", "Reasons", { scope: "col" }));
    head.append(line);
    const body = make("tbody");
    for (const row of model.get("rows")) {
      const tr = make("tr");
      tr.ariaSelected = String(row.customer === chosen);
      for (const [name, , isFigure] of COLUMNS) {
        tr.append(name === "customer" ? make("th", row.customer, { scope: "row" }) : make("td", row[name], isFigure ? { class: "jw-figure" } : {}));
      }
      const cell = make("td");
      const button = make("button", "Why?", { type: "button" });
      button.dataset.key = `why ${row.customer} ${row.offer} ${row.touchpoint}`;
      button.ariaLabel = `Why ${row.offer} for ${row.customer}`;
      button.addEventListener("click", () => { chosen = row.customer; model.set("customer", chosen); model.save_changes(); drawTable(); drawWhy(); }, { signal });
      cell.append(button);
      tr.append(cell);
      body.append(tr);
    }
    table.append(head, body);
    table.ariaLabel = "Contacts of the plan";
    const top = frame.scrollTop;
    redraw(frame, table);
    frame.scrollTop = top;
    const [shown, all] = [model.get("rows").length, model.get("matching")];
    left.textContent = !all ? "No contact of the plan is like this." : shown < all ? `The first ${shown} of ${all}; choose or sort to see others.` : "";
  }

  function drawWhy() {
    const told = model.get("told");
    why.hidden = !chosen || !told.length;
    if (why.hidden) return;
    const list = make("ul");
    list.append(...told.map((t) => {
      const item = make("li");
      item.append(make("strong", `${t.offer}, ${t.touchpoint}: ${t.planned ? "planned" : "not planned"}`), make("span", `: ${t.why}`));
      return item;
    }));
    why.replaceChildren(make("h3", `Why, for ${chosen}`), list);
  }

  /** @param {string} title @param {string[]} heads @param {string[][]} rows */
  function small(title, heads, rows) {
    const box = make("div");
    const table = make("table");
    const head = make("tr");
    head.append(...heads.map((h, i) => make("th", h, { scope: "col", ...(i ? { class: "jw-figure" } : {}) })));
    const top = make("thead");
    top.append(head);
    const body = make("tbody");
    body.append(...rows.map((r) => {
      const tr = make("tr");
      tr.append(...r.map((v, i) => (i ? make("td", v, { class: "jw-figure" }) : make("td", v))));
      return tr;
    }));
    table.append(top, body);
    box.append(make("h3", title), table);
    return box;
  }

  function drawSides() {
    const totals = small("What it is expected to bring, by what it rests on", ["Rests on", "Contacts", "Cost", "Left after costs"],
      model.get("totals").map((t) => [`${t.evidence} (${t.called})`, t.contacts, t.cost, t.expected]));
    const funnel = small("From everybody at a moment to the plan", ["Step", "Customers", "Offers"], model.get("funnel").map((f) => [f.step, f.customers, f.rows]));
    const prices = make("div");
    const list = make("ul");
    list.append(...model.get("prices").map((p) => make("li", p)));
    prices.append(make("h3", "What a little more would earn"), list);
    sides.replaceChildren(...(model.get("totals").length ? [totals] : []), funnel, ...(model.get("prices").length ? [prices] : []));
  }

  function drawSummary() { summary.textContent = model.get("summary"); }
  function drawChanged() {
    changed.textContent = model.get("changed");
    const rows = model.get("moved");
    moved.hidden = !rows.length;
    if (!rows.length) return;
    const table = small("", ["Customer", "Offer", "Where", "Change", "Worth"], rows.map((r) => [r.customer, r.offer, r.touchpoint, r.change, r.value]));
    table.querySelector("h3")?.remove();
    moved.replaceChildren(make("summary", "Whose contacts change"), table);
  }

  function takeFile() {
    const file = model.get("file");
    said.textContent = file.error ?? "";
    if (file.error || !file.text) return;
    const link = make("a", "", { download: file.name ?? "contacts.csv" });
    link.href = URL.createObjectURL(new Blob([file.text], { type: "text/csv" }));
    link.click();
    URL.revokeObjectURL(link.href);
  }

  /** @type {[keyof State, () => void][]} */
  const draws = [["limits", drawLimits], ["summary", drawSummary], ["changed", drawChanged], ["moved", drawChanged], ["done", drawTable], ["told", drawWhy], ["totals", drawSides], ["funnel", drawSides], ["prices", drawSides], ["file", takeFile]];
  for (const [name, draw] of draws) {
    const event = /** @type {any} */ (`change:${name}`);
    model.on(event, draw);
    signal.addEventListener("abort", () => model.off(event, draw));
  }
  drawLimits();
  drawSummary();
  drawChanged();
  drawTable();
  drawSides();
}

export default { render };
