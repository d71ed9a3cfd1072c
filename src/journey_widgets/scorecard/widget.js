// @ts-check
import { make, oneLine, parseBlock, redraw, tool, typeOver } from "../page_scripts/parts.js";
import { editingTools } from "../page_scripts/editing.js";
import { listen, outbox } from "../page_scripts/outbox.js";
import { choosing } from "../page_scripts/choosing.js";
import { formCells, section } from "../page_scripts/form_cells.js";
/** @import { RenderProps } from "@anywidget/types" */
/** @import { Step, Waiting } from "../page_scripts/outbox.js" */
/** @import { Place } from "../page_scripts/choosing.js" */
/** @typedef {{ id: string, label: string, group: string }} Row */
/** @typedef {{ value: string, score: string, status: string, words: string }} Score */
/** @typedef {{ id: string, label: string }} Named */
/** @typedef {{ id: string, label: string, perspective: string, stage: string | null, owner: string | null, weight: number, kpis: number }} Objective */
/** @typedef {{ source: string, target: string, sign: string, lag: number }} Arrow */
/** @typedef {{ label: string, columns: { id: string, label: string }[], rows: Row[], cells: string[][], scores: Score[], perspectives: { id: string, label: string, weight: number, score: string }[], total: { score: string, status: string, words: string, hidden: number }, order: { label: string, score: string, rank: number, was: number }[], reversals: string[], policy: { green: number, amber: number, missing: string, red_needs_note: boolean }, policies: string[], owners: Named[], stages: Named[], measures: Named[], objectives: Objective[], arrows: Arrow[], period: string, status: { state: string, text: string }, clashes: any[], disputes: string[], revisions: any[], steps: { undo: number, redo: number }, edit: { seq: number, steps: Step[], save: number }, done: number, read_only: boolean, can_save: boolean, can_restore: boolean }} State */

const FIGURES = ["weight", "baseline", "target"];
const MAX_TEXT = 3000;
const LONGEST = 300;
const MOST_MONTHS = 24;

/** @param {RenderProps<State>} props @param {Waiting} waiting */
function render({ model, el, signal }, waiting) {
  /** @type {Row[]} */ let rows = [];
  /** @type {{ id: string, label: string }[]} */ let columns = [];
  /** @type {string[][]} */ let cells = [];
  /** @type {HTMLTableCellElement[][]} */ let grid = [];
  /** @type {HTMLTableCellElement[]} */ let rowHeads = [];
  /** @type {HTMLTableCellElement[]} */ let columnHeads = [];
  /** @type {HTMLTableCellElement[][]} */ let fixed = [];
  let drawn = "";
  /** @type {((keep: boolean) => void) | null} */
  let typing = null;

  el.classList.add("jw-grid", "jw-scorecard-editor");
  const head = make("div", "", { class: "jw-head" });
  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the scorecard" });
  const weights = make("div", "", { class: "jw-weights", role: "group", "aria-label": "Weights and limits" });
  const order = make("ol", "", { class: "jw-order", "aria-label": "Periods by score" });
  const flips = make("ul", "", { class: "jw-flips", "aria-label": "When the order would change" });
  const frame = make("div", "", { class: "jw-frame" });
  const table = make("table", "", { role: "grid" });
  const help = make("p", "Type over a cell or a name; Enter keeps it, Escape does not. A block from a spreadsheet can be pasted.", { class: "jw-help" });
  const aims = section("Objectives", "What shall be reached, from which perspective, at which stage, and who answers for it");
  const claims = section("What moves what", "The arrows of the strategy map: which one is claimed to move which, which way, after how many months");
  head.append(summary, tools);
  frame.append(table);
  const edits = editingTools({ model, waiting, signal, out: () => out });
  const { tell, paintStatus, paintHistory, paintDisputes } = edits;
  const { field, options, written } = formCells({ model, signal, tell, longest: LONGEST });
  const adding = tool("Add KPI", "Add a KPI to an objective", () => add(), signal);
  const removing = tool("Remove KPI", "Remove the chosen KPI", () => remove(), signal);
  tools.append(adding, removing, edits.undoing, edits.redoing, edits.saving, edits.history, edits.saved, edits.notice);
  el.append(head, edits.past, edits.disputed, weights, order, flips, frame, help, aims.box, claims.box);

  const readOnly = () => model.get("read_only");
  const rowAt = (/** @type {string} */ id) => rows.findIndex((r) => r.id === id);
  const columnAt = (/** @type {string} */ id) => columns.findIndex((c) => c.id === id);

  const pick = choosing({
    rows: () => rows.length, columns: () => columns.length, open: () => rows.map((_r, i) => i), moved: () => paintTools(),
    nodeAt, cellAt: (r, c) => grid[r]?.[c],
  });
  const out = outbox({
    model, waiting, signal, tell, typing: () => typing !== null, said: edits.said,
    busy: () => typing !== null || el.querySelector(".jw-new") !== null, taken: () => { paint(); paintDisputes(); },
  });
  const { send, drain, save, afterwards, whenDone } = out;
  /** @param {Named[]} all @returns {[string, string][]} */
  const choices = (all) => all.map(({ id, label }) => [id, label]);

  /** @param {Place} place */
  function nodeAt(place) {
    if (place.row < 0) return columnHeads[place.col];
    return place.col < 0 ? rowHeads[place.row] : grid[place.row]?.[place.col];
  }

  /** What Python holds, with the cells it has not acknowledged yet on top. */
  function shown() {
    const state = structuredClone(model.get("cells"));
    const done = model.get("done");
    for (const step of waiting.sent) {
      if ((step.seq ?? 0) <= done || step.op !== "cells") continue;
      for (const [row, texts] of Object.entries(/** @type {Record<string, Record<string, string>>} */ (step.cells ?? {}))) {
        for (const [field, text] of Object.entries(texts)) {
          const [r, c] = [rowAt(row), columnAt(field)];
          if (r >= 0 && c >= 0) state[r][c] = text;
        }
      }
    }
    return state;
  }

  // --- drawing ------------------------------------------------------------------------------------

  function paint() {
    const wanted = JSON.stringify([model.get("rows"), model.get("columns"), readOnly()]);
    if (wanted !== drawn) {
      if (typing) return;
      rows = model.get("rows");
      columns = model.get("columns");
      drawn = wanted;
      build();
    }
    cells = shown();
    grid.forEach((line, r) => line.forEach((td, c) => paintCell(td, r, c)));
    model.get("scores").forEach((score, r) => {
      const [value, look, points] = fixed[r] ?? [];
      if (!value) return;
      value.textContent = score.value;
      look.textContent = score.words;
      look.dataset.status = score.status;
      points.textContent = score.score;
    });
    paintWeights();
    paintOrder();
    paintAims();
    paintClaims();
    paintTools();
  }

  function build() {
    const within = table.contains(document.activeElement);
    grid = rows.map(() => []);
    rowHeads = [];
    fixed = [];
    pick.forget();
    table.replaceChildren();
    table.setAttribute("aria-label", model.get("label"));
    table.setAttribute("aria-readonly", String(readOnly()));
    const line = table.createTHead().insertRow();
    line.append(make("th", "KPI", { role: "columnheader", scope: "col" }));
    for (const word of ["Value", "Status", "Score"]) line.append(make("th", word, { role: "columnheader", scope: "col" }));
    columnHeads = columns.map((column, c) => {
      const th = make("th", column.label, { role: "columnheader", scope: "col", tabindex: "-1" });
      th.dataset.row = "-1";
      th.dataset.col = String(c);
      line.append(th);
      return th;
    });
    const body = table.createTBody();
    let group = "\u0000";
    rows.forEach((row, r) => {
      if (row.group !== group) {
        group = row.group;
        const th = make("th", group, { class: "jw-group", role: "rowheader", scope: "colgroup", colspan: String(columns.length + 4) });
        const tr = make("tr");
        tr.append(th);
        body.append(tr);
      }
      const tr = body.insertRow();
      const th = make("th", row.label, { role: "rowheader", scope: "row", tabindex: "-1", title: row.label });
      th.dataset.row = String(r);
      th.dataset.col = "-1";
      rowHeads.push(th);
      tr.append(th);
      fixed.push(["jw-figure-cell", "", "jw-figure-cell"].map((more) => {
        const td = tr.insertCell();
        td.setAttribute("role", "gridcell");
        td.className = `jw-fixed ${more}`.trim();
        return td;
      }));
      columns.forEach((column, c) => {
        const td = tr.insertCell();
        td.setAttribute("role", "gridcell");
        td.dataset.row = String(r);
        td.dataset.col = String(c);
        td.dataset.field = column.id;
        td.tabIndex = -1;
        if (FIGURES.includes(column.id)) td.classList.add("jw-figure-cell");
        grid[r].push(td);
      });
    });
    frame.hidden = !rows.length;
    for (const tr of table.rows) tr.setAttribute("role", "row");
    pick.stay();
    pick.paint();
    if (within) nodeAt(pick.at)?.focus({ preventScroll: true });
  }

  /** @param {HTMLTableCellElement} td @param {number} r @param {number} c */
  function paintCell(td, r, c) {
    const text = cells[r][c];
    if (td.dataset.text === text || td.firstElementChild instanceof HTMLInputElement) return;
    td.dataset.text = text;
    td.textContent = text;
    td.title = text;
    td.ariaLabel = `${rows[r].label}, ${columns[c].label}: ${text || "blank"}`;
  }

  function paintWeights() {
    const { score, words, hidden } = model.get("total");
    summary.textContent = score ? `${model.get("label")}: ${score}, ${words}${hidden ? `, ${hidden} red inside` : ""}` : `${model.get("label")}: no score`;
    summary.dataset.severity = { red: "error", amber: "warn" }[model.get("total").status] ?? "none";
    if (written(weights)) return;
    const policy = model.get("policy");
    /** @param {string} words @param {HTMLElement} field @param {string} [after] */
    const named = (words, field, after = "") => {
      const label = make("label", words);
      label.append(field);
      if (after) label.append(make("small", after));
      return label;
    };
    /** @param {string} key @param {number} value @param {(text: string) => void} act */
    const number = (key, value, act) => {
      const input = make("input", "", { type: "number", min: "0", step: "any", "data-key": key });
      input.value = input.dataset.kept = String(value);
      input.disabled = readOnly();
      input.addEventListener("change", () => { input.dataset.kept = input.value; act(input.value); }, { signal });
      return input;
    };
    const missing = make("select", "", { "data-key": "missing" });
    missing.append(...model.get("policies").map((p) => make("option", p, { value: p })));
    missing.value = policy.missing;
    missing.disabled = readOnly();
    missing.addEventListener("change", () => send([{ op: "policy", field: "missing", value: missing.value }]), { signal });
    redraw(
      weights,
      ...model.get("perspectives").map((p) => named(p.label, number(p.id, p.weight, (text) => send([{ op: "weight", id: p.id, value: text }])), p.score ? `score ${p.score}` : "no score")),
      named("On target from", number("green", policy.green, (text) => send([{ op: "policy", field: "green", value: text === "" ? null : Number(text) }]))),
      named("Watch from", number("amber", policy.amber, (text) => send([{ op: "policy", field: "amber", value: text === "" ? null : Number(text) }]))),
      named("Missing KPIs", missing),
    );
  }

  function paintOrder() {
    const periods = model.get("order");
    order.hidden = periods.length < 2;
    order.replaceChildren(...periods.map((p) => {
      const moved = p.rank !== p.was;
      return make("li", `${p.label}: ${p.score}${moved ? ` (was number ${p.was})` : ""}`, { "data-moved": String(moved) });
    }));
    flips.hidden = !model.get("reversals").length;
    flips.replaceChildren(...model.get("reversals").map((sentence) => make("li", sentence)));
  }

  function paintTools() {
    edits.paint();
    help.hidden = readOnly() || !rows.length;
    adding.hidden = removing.hidden = readOnly();
    adding.disabled = !model.get("objectives").length;
    adding.title = adding.disabled ? "Add an objective first" : "Add a KPI to an objective";
    const chosen = pick.touched ? rows[pick.at.row] : undefined;
    removing.disabled = !chosen;
    removing.title = chosen ? `Remove ${chosen.label}` : "Choose a KPI first";
  }

  // --- objectives, arrows -------------------------------------------------------------------------

  /** @param {string[]} words @param {boolean} last */
  function plain(words, last) {
    const table_ = make("table", "", { class: "jw-plans" });
    const line = table_.createTHead().insertRow();
    for (const text of words) line.append(make("th", text, { scope: "col" }));
    if (last) line.append(make("td"));
    return { table_, body: table_.createTBody() };
  }

  /** @param {string} list @param {string} id @param {string} name */
  function takeOut(list, id, name) {
    const td = make("td");
    const gone = tool("Remove", `Remove ${name}`, () => send([{ op: "remove", list, id }]), signal, "jw-go");
    gone.ariaLabel = `Remove ${name}`;
    td.append(gone);
    return td;
  }

  /** A line of fields with a button that adds what they say. @param {string} word @param {HTMLElement[]} fields @param {() => void} act */
  function line(word, fields, act) {
    const form = make("form", "", { class: "jw-new-line" });
    form.append(...fields, make("button", word, { type: "submit" }));
    form.addEventListener("submit", (e) => { e.preventDefault(); act(); }, { signal });
    return form;
  }

  /** @param {string} label */
  const choice = (label) => make("select", "", { "aria-label": label });

  /** Other choices in a list that somebody may be choosing from. @param {HTMLSelectElement} select @param {[string, string][]} all */
  function refill(select, all) {
    if (JSON.stringify([...select.options].map((o) => [o.value, o.text])) === JSON.stringify(all)) return;
    const was = select.value;
    select.replaceChildren(...all.map(([id, text]) => make("option", text, { value: id })));
    if (all.some(([id]) => id === was)) select.value = was;
  }

  const aimName = make("input", "", { type: "text", required: "", maxlength: String(LONGEST), placeholder: "What shall be reached", "aria-label": "New objective" });
  const [aimFrom, aimAt] = [choice("Perspective of the new objective"), choice("Stage of the new objective")];
  const aimForm = line("Add objective", [aimName, aimFrom, aimAt], () => {
    const label = oneLine(aimName.value);
    if (!label) return;
    const many = model.get("objectives").length;
    aimForm.inert = true;
    send([{ op: "add", list: "objectives", part: { label, perspective: aimFrom.value, stage: aimAt.value || null } }]);
    whenDone(() => {
      aimForm.inert = false;
      if (model.get("objectives").length > many) aimName.value = "";
      if (document.activeElement === document.body) aimName.focus({ preventScroll: true });
    }, true);
  });
  const [claimSource, claimTarget, claimSign] = [choice("What moves"), choice("What is moved"), choice("Which way")];
  const claimLag = make("input", "", { type: "number", min: "0", max: String(MOST_MONTHS), value: "0", "aria-label": "After how many months" });
  const claimForm = line("Add arrow", [claimSource, claimTarget, claimSign, claimLag], () => {
    send([{ op: "add", list: "arrows", part: { source: claimSource.value, target: claimTarget.value, sign: claimSign.value, lag: Number(claimLag.value) } }]);
  });
  const [aimTable, claimTable] = [make("div"), make("div")];
  aims.body.append(aimTable, aimForm);
  aims.box.open = !model.get("objectives").length; // an empty scorecard begins here
  claims.body.append(claimTable, claimForm);

  /** @param {boolean} [anyway] */
  function paintAims(anyway = false) {
    if (!anyway && written(aimTable)) return;
    const all = model.get("objectives");
    const perspectives = choices(model.get("perspectives"));
    const stages = /** @type {[string, string][]} */ ([["", "The whole journey"], ...choices(model.get("stages"))]);
    const owners = /** @type {[string, string][]} */ ([["", "–"], ...choices(model.get("owners"))]);
    const { table_, body } = plain(["Objective", "Perspective", "Stage", "Owner", "Weight", "KPIs"], !readOnly());
    for (const o of all) {
      const tr = body.insertRow();
      const sends = (/** @type {string} */ name) => (/** @type {any} */ value) => send([{ op: "set", list: "objectives", id: o.id, field: name, value }]);
      tr.append(field("text", o.label, `Name of ${o.label}`, (v) => (v ? sends("label")(v) : paintAims(true))), options(o.perspective, perspectives, `Perspective of ${o.label}`, sends("perspective")),
        options(o.stage, stages, `Stage of ${o.label}`, sends("stage")), options(o.owner, owners, `Owner of ${o.label}`, sends("owner")),
        field("number", o.weight, `Weight of ${o.label}`, sends("weight")), make("td", String(o.kpis)));
      if (!readOnly()) tr.append(takeOut("objectives", o.id, o.label));
    }
    redraw(aimTable, all.length ? table_ : make("p", "None yet."));
    refill(aimFrom, perspectives);
    refill(aimAt, stages);
    aimForm.hidden = readOnly();
  }

  function paintClaims() {
    if (written(claimTable)) return;
    const all = model.get("arrows");
    const ends = /** @type {[string, string][]} */ ([...choices(model.get("objectives")), ...choices(rows)]);
    const named = (/** @type {string} */ id) => ends.find(([known]) => known === id)?.[1] ?? id;
    const signs = /** @type {[string, string][]} */ ([["+", "the same way"], ["-", "the other way"]]);
    const { table_, body } = plain(["This", "moves that", "Which way", "After months"], !readOnly());
    for (const a of all) {
      const tr = body.insertRow();
      const id = `${a.source}>${a.target}`;
      const words = `${named(a.source)} to ${named(a.target)}`;
      const sends = (/** @type {string} */ key) => (/** @type {any} */ value) => send([{ op: "set", list: "arrows", id, field: key, value }]);
      tr.append(make("td", named(a.source)), make("td", named(a.target)), options(a.sign, signs, `Which way ${words}`, sends("sign")), field("number", a.lag, `Months from ${words}`, sends("lag")));
      if (!readOnly()) tr.append(takeOut("arrows", id, words));
    }
    redraw(claimTable, all.length ? table_ : make("p", "None yet."));
    refill(claimSource, ends);
    refill(claimTarget, ends);
    refill(claimSign, signs);
    claimForm.hidden = readOnly() || ends.length < 2;
  }

  /** Ask which KPI to add, and to which objective. */
  function add() {
    el.querySelector(".jw-new")?.remove();
    const form = make("form", "", { class: "jw-new" });
    const id = `jw-known-${Math.random().toString(36).slice(2)}`;
    const input = make("input", "", { type: "text", required: "", maxlength: String(LONGEST), placeholder: "What is measured", "aria-label": "What is measured", list: id });
    const known = make("datalist", "", { id });
    known.append(...model.get("measures").map((m) => make("option", "", { value: m.label })));
    const to = choice("Objective of the new KPI");
    refill(to, choices(model.get("objectives")));
    const here = rows[pick.at.row];
    const same = model.get("objectives").find((o) => o.label === here?.group);
    if (same) to.value = same.id;
    const no = make("button", "Cancel", { type: "button" });
    form.append(input, known, to, make("button", "Add", { type: "submit" }), no);
    const close = () => { form.remove(); pick.refocus(); };
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const text = oneLine(input.value);
      if (!text) return;
      form.inert = true; // what was refused is still there to be corrected
      afterwards(() => {
        const before = new Set(rows.map((r) => r.id));
        send([{ op: "add", list: "kpis", objective: to.value, part: { measure: text } }]);
        whenDone(() => {
          const row = rows.findIndex((r) => !before.has(r.id));
          const elsewhere = typing !== null || !(document.activeElement === document.body || el.querySelector(".jw-new")?.contains(document.activeElement));
          if (row >= 0) form.remove();
          else form.inert = false;
          if (elsewhere || !form.isConnected && row < 0) return;
          if (row >= 0) pick.move(row, columnAt("baseline"));
          else input.select();
        }, true);
      });
    }, { signal });
    no.addEventListener("click", close, { signal });
    form.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Escape") close(); }, { signal });
    tools.after(form);
    input.focus();
  }

  function remove() {
    const row = rows[pick.at.row];
    if (row) send([{ op: "remove", list: "kpis", id: row.id }]);
  }

  // --- writing ----------------------------------------------------------------------------------------

  /** @param {[number, number, string][]} changes */
  function setCells(changes) {
    if (readOnly()) return;
    /** @type {Record<string, Record<string, string>>} */
    const texts = {};
    let any = false;
    for (const [r, c, text] of changes) {
      if (cells[r][c] === text) continue;
      any = true;
      (texts[rows[r].id] ??= {})[columns[c].id] = text;
      cells[r][c] = text;
      paintCell(grid[r][c], r, c);
    }
    if (any) send([{ op: "cells", cells: texts }]);
  }

  /** @param {Place} place @param {string} [begin] */
  function type(place, begin) {
    const node = nodeAt(place);
    if (!node || readOnly() || typing || place.row < 0) return;
    const names = place.col < 0;
    const before = names ? rows[place.row].label : cells[place.row][place.col];
    const [row, key] = [rows[place.row].id, names ? "label" : columns[place.col].id];
    const label = `${names ? "Name" : columns[place.col].label} of ${rows[place.row].label}`;
    typing = typeOver(node, { value: begin ?? before, label, longest: MAX_TEXT, whole: begin === undefined }, signal, (typed, how) => {
      typing = null;
      delete node.dataset.text;
      const text = oneLine(typed ?? "");
      if (names) node.textContent = before;
      else paintCell(/** @type {HTMLTableCellElement} */ (node), place.row, place.col);
      if (typed !== null && text !== before && (text || !names)) send([{ op: "cells", cells: { [row]: { [key]: text } } }]);
      paint();
      drain();
      if (how === "tab" || how === "tab-back") pick.move(pick.at.row, pick.at.col + (how === "tab" ? 1 : -1));
      else if (how === "enter" || how === "enter-back") pick.step(how === "enter" ? 1 : -1, false);
      else if (how !== "leave") pick.refocus();
      if (how === "save") save();
    });
  }

  /** @param {string} text */
  function paste(text) {
    const chosen = pick.cells();
    if (!text || !chosen.length) return;
    const block = parseBlock(text);
    const top = Math.min(pick.at.row, pick.anchor.row);
    const left = Math.min(pick.at.col, pick.anchor.col);
    if (block.length === 1 && block[0].length === 1) { setCells(chosen.map(([r, c]) => [r, c, oneLine(block[0][0])])); return; }
    if (top + block.length > rows.length || left + Math.max(...block.map((l) => l.length)) > columns.length) {
      tell("Nothing was pasted: the block is larger than the room from here.", "error");
      return;
    }
    setCells(block.flatMap((line, i) => line.map((cell, j) => /** @type {[number, number, string]} */ ([top + i, left + j, oneLine(cell)]))));
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { key } = event;
    const far = event.ctrlKey || event.metaKey;
    if (far && "szy".includes(key.toLowerCase())) return; // the whole page listens to these
    const went = pick.key(event);
    if (went === "left") return;
    if (went) {
      // it is done
    } else if (key === "Enter" || key === "F2") {
      type(pick.at);
    } else if (key === "Delete" || key === "Backspace") {
      setCells(pick.cells().map(([r, c]) => [r, c, ""]));
    } else if (!far && !event.altKey && key.length === 1) {
      type(pick.at, key);
    } else return;
    event.preventDefault();
  }

  /** @param {Event} event */
  function under(event) {
    const node = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest?.("[data-row][data-col]"));
    return node && table.contains(node) ? { row: Number(node.dataset.row), col: Number(node.dataset.col) } : null;
  }

  paint();
  paintStatus();
  paintDisputes();
  table.addEventListener("keydown", press, { signal });
  out.listenToKeys(el);
  // What could not be drawn anew while somebody wrote in it.
  for (const [box, act] of /** @type {[HTMLElement, () => void][]} */ ([[weights, paintWeights], [aimTable, paintAims], [claimTable, paintClaims]])) {
    box.addEventListener("focusout", () => setTimeout(() => { if (!signal.aborted && box.hasAttribute("data-stale")) act(); }), { signal });
  }
  table.addEventListener("pointerdown", (e) => {
    const place = under(e);
    if (!place || e.button) return;
    e.preventDefault();
    pick.move(place.row, place.col, e.shiftKey);
  }, { signal });
  table.addEventListener("dblclick", (e) => { const place = under(e); if (place) type(place); }, { signal });
  table.addEventListener("paste", (e) => { if (readOnly()) return; e.preventDefault(); e.stopPropagation(); paste(e.clipboardData?.getData("text/plain") ?? ""); }, { signal });
  table.addEventListener("copy", (e) => {
    const places = pick.cells();
    if (!places.length) return;
    e.preventDefault();
    e.stopPropagation();
    const width = new Set(places.map(([, c]) => c)).size;
    const texts = places.map(([r, c]) => cells[r][c]);
    const lines = [];
    for (let i = 0; i < texts.length; i += width) lines.push(texts.slice(i, i + width).join("\t"));
    e.clipboardData?.setData("text/plain", lines.join("\n"));
  }, { signal });
  /** @type {[keyof State, () => void][]} */
  const heard = [
    ["done", () => { out.acknowledge(); out.actWhenDone(); }],
    ["rows", paint], ["cells", paint], ["scores", paint], ["perspectives", paint], ["total", paint], ["order", paint], ["reversals", paint],
    ["policy", paint], ["objectives", paint], ["arrows", paint], ["read_only", paint], ["steps", paintTools], ["status", paintStatus], ["disputes", paintDisputes],
    ["revisions", () => { paintTools(); paintHistory(); }],
  ];
  listen(model, signal, heard, new Set([paint]), () => { paint(); paintDisputes(); });
}

export default () => {
  /** @type {Waiting} */
  const waiting = { sent: [], save: 0 };
  return { render: (/** @type {RenderProps<State>} */ props) => render(props, waiting) };
};
