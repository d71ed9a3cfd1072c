// @ts-check
import { count, gesture, make, oneLine, openMenu, parseBlock, tool, typeOver } from "../page_scripts/parts.js";
import { editingTools } from "../page_scripts/editing.js";
import { listen, outbox } from "../page_scripts/outbox.js";
import { choosing } from "../page_scripts/choosing.js";
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ id: string, label: string, stage: string, stage_label: string, note: string, upsell: boolean, apart: boolean }} Row */
/** @typedef {{ id: string, label: string }} Named */
/** @typedef {{ letter: string, meaning: string }} Letter */
/** @typedef {{ code: string, severity: string, message: string, advice: string, row: string, role: string, about: string, id: string, scope: string }} Finding */
/** @typedef {{ row: string, column: string, base: string, theirs: string, mine: string }} Clash */
/** @typedef {{ rev: number, at: string, author: string, note: string, changes: number }} Revision */
/** @typedef {{ seq?: number, op: string, list?: string, id?: string, field?: string, value?: any, part?: any, before?: string | null, stage?: string | null, rev?: number, cells?: Record<string, Record<string, string>> }} Step */
/** @typedef {{ label: string, stages: Named[], rows: Row[], roles: Named[], letters: Letter[], cells: string[][], loads: { load: number, capacity: number | null }[], findings: Finding[], missing: { touchpoint: string, label: string, stage: string }[], found: Record<string, number>, status: { state: string, text: string }, clashes: Clash[], disputes: string[], revisions: Revision[], steps: { undo: number, redo: number }, edit: { seq: number, steps: Step[], save: number }, done: number, read_only: boolean, can_save: boolean, can_restore: boolean, has_load: boolean, today: string }} State */
/** @import { Waiting } from "../page_scripts/outbox.js" */
/** @import { Place } from "../page_scripts/choosing.js" */

const WORDS = /** @type {Record<string, string>} */ ({ error: "Error", warn: "Warning", info: "Note", known: "Acknowledged" });
const MARKS = /** @type {Record<string, string>} */ ({ error: "●", warn: "▲", info: "■", known: "✓" });
const MAX_TEXT = 3000;
const LONG_PRESS = 500;
const TALL = 30;

/** @param {RenderProps<State>} props @param {Waiting} waiting */
function render({ model, el, signal }, waiting) {
  /** @type {Row[]} */ let rows = [];
  /** @type {Named[]} */ let roles = [];
  /** @type {string[]} */ let order = [];
  /** @type {Map<string, string>} */ let meaning = new Map();
  /** @type {string[][]} */ let cells = [];
  /** @type {HTMLTableCellElement[][]} */ let grid = [];
  /** @type {HTMLTableCellElement[]} */ let rowHeads = [];
  /** @type {HTMLTableCellElement[]} */ let roleHeads = [];
  /** Stages whose rows are folded away. @type {Set<string>} */
  const folded = new Set();
  /** Which findings are listed; notes and what the team lives with are there on request. */
  const listed = new Set(["error", "warn"]);
  let drawn = "";
  /** Ends what is being typed in. @type {((keep: boolean) => void) | null} */
  let typing = null;

  el.classList.add("jw-grid", "jw-raci-grid");
  const head = make("div", "", { class: "jw-head" });
  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the matrix" });
  const frame = make("div", "", { class: "jw-frame" });
  const table = make("table", "", { role: "grid" });
  const legend = make("div", "", { class: "jw-letters" });
  const help = make("p", "", { class: "jw-help" });
  const filter = make("div", "", { class: "jw-filter", role: "group", "aria-label": "Findings shown" });
  const list = make("ol", "", { class: "jw-findings", "aria-label": "Findings" });
  const edits = editingTools({ model, waiting, signal, out: () => out });
  const { past, disputed, undoing, tell, paintStatus, paintHistory } = edits;
  head.append(summary, tools);
  frame.append(table);
  el.append(head, past, disputed, frame, legend, help, filter, list);

  const readOnly = () => model.get("read_only");
  /** @param {number} row @param {number} col */
  const name = (row, col) => `${rows[row].label}, ${roles[col].label}`;
  const rowAt = (/** @type {string} */ id) => rows.findIndex((r) => r.id === id);
  const roleAt = (/** @type {string} */ id) => roles.findIndex((r) => r.id === id);
  /** Rows that can be seen, in order. */
  const open = () => rows.flatMap((r, i) => (folded.has(r.stage) ? [] : [i]));

  const pick = choosing({
    rows: () => rows.length, columns: () => roles.length, open, moved: () => paintTools(),
    nodeAt, cellAt: (r, c) => grid[r]?.[c],
  });
  const { move, step, refocus } = pick;
  const chosen = pick.cells;
  const out = outbox({
    model, waiting, signal, tell, typing: () => typing !== null, said: edits.said,
    busy: () => typing !== null || el.querySelector(".jw-new, .jw-reason, .jw-menu") !== null,
    taken: () => { paint(); paintDisputes(); },
  });
  const { send, afterwards, drain, save, queue, whenDone } = out;

  /** What Python holds, with the cells it has not acknowledged yet on top. */
  function shown() {
    const state = structuredClone(model.get("cells"));
    const done = model.get("done");
    for (const step of waiting.sent) {
      if ((step.seq ?? 0) <= done || step.op !== "cells") continue;
      for (const [row, texts] of Object.entries(step.cells ?? {})) {
        for (const [role, text] of Object.entries(texts)) {
          const [r, c] = [rowAt(row), roleAt(role)];
          if (r >= 0 && c >= 0) state[r][c] = text;
        }
      }
    }
    return state;
  }

  // --- drawing ------------------------------------------------------------------------------------

  /** Draw the table anew where rows, roles or letters are others than before; otherwise only what changed. */
  function paint() {
    const letters = model.get("letters");
    const wanted = JSON.stringify([model.get("rows"), model.get("roles"), letters, model.get("has_load"), [...folded], readOnly()]);
    if (wanted !== drawn) {
      if (typing) return; // what is being typed in stays; it is drawn anew when that is done
      const ids = [pick.at, pick.anchor].map((p) => [rows[p.row]?.id, roles[p.col]?.id]);
      rows = model.get("rows");
      roles = model.get("roles");
      order = letters.map((l) => l.letter);
      meaning = new Map(letters.map((l) => [l.letter, l.meaning]));
      // What is chosen is a row and a role, wherever they stand now.
      [pick.at, pick.anchor] = [pick.at, pick.anchor].map((p, i) => ({
        row: p.row < 0 ? -1 : ids[i][0] !== undefined && rowAt(ids[i][0]) >= 0 ? rowAt(ids[i][0]) : Math.min(p.row, rows.length - 1),
        col: p.col < 0 ? -1 : ids[i][1] !== undefined && roleAt(ids[i][1]) >= 0 ? roleAt(ids[i][1]) : Math.min(p.col, roles.length - 1),
      }));
      if (pick.anchor.row === pick.at.row && pick.anchor.col === pick.at.col) pick.anchor = pick.at;
      drawn = wanted;
      buildTable();
      buildLegend();
    }
    paintCells();
    paintFeet();
    paintFindings();
    paintTools();
  }

  function buildTable() {
    const active = document.activeElement;
    const within = active instanceof HTMLElement && table.contains(active);
    grid = rows.map(() => []);
    rowHeads = [];
    roleHeads = [];
    pick.forget();
    table.replaceChildren();
    table.setAttribute("aria-label", model.get("label"));
    table.setAttribute("aria-multiselectable", "true");
    table.setAttribute("aria-readonly", String(readOnly()));
    table.setAttribute("aria-colcount", String(roles.length + 1));
    const line = table.createTHead().insertRow();
    line.append(make("th", "Touchpoint", { role: "columnheader", scope: "col" }));
    roles.forEach((role, c) => {
      const th = make("th", "", { role: "columnheader", scope: "col", tabindex: "-1" });
      th.append(make("span", role.label, { class: "jw-name" }), make("span", "", { class: "jw-badge" }));
      th.title = role.label;
      th.dataset.row = "-1";
      th.dataset.col = String(c);
      roleHeads.push(th);
      line.append(th);
    });
    let stage = "\u0000";
    let body = table.createTBody();
    rows.forEach((row, r) => {
      if (row.stage !== stage) {
        stage = row.stage;
        body = table.createTBody();
        body.setAttribute("role", "rowgroup");
        if (stage) body.append(stageLine(row, r));
      }
      const tr = body.insertRow();
      tr.hidden = folded.has(row.stage);
      const th = make("th", "", { role: "rowheader", scope: "row", tabindex: "-1" });
      th.append(make("span", row.label, { class: "jw-name" }));
      if (row.upsell) th.append(make("span", "upsell", { class: "jw-flag", title: "An upsell moment" }));
      if (row.apart) th.append(make("span", "two pairs of eyes", { class: "jw-flag", title: "Who does it must not answer for it" }));
      th.append(make("span", "", { class: "jw-badge" }));
      th.title = [row.label, row.note].filter(Boolean).join("\n");
      th.dataset.row = String(r);
      th.dataset.col = "-1";
      rowHeads.push(th);
      tr.append(th);
      roles.forEach((_role, c) => {
        const td = tr.insertCell();
        td.setAttribute("role", "gridcell");
        td.dataset.row = String(r);
        td.dataset.col = String(c);
        td.tabIndex = -1;
        grid[r].push(td);
      });
    });
    if (roles.length) buildFeet();
    [...table.rows].forEach((tr, i) => {
      tr.setAttribute("role", "row");
      tr.setAttribute("aria-rowindex", String(i + 1));
    });
    table.setAttribute("aria-rowcount", String(table.rows.length));
    frame.classList.toggle("jw-tall", rows.length > TALL); // a short one needs no scrolling of its own
    pick.stay();
    pick.paint();
    if (within) (nodeAt(pick.at) ?? undoing).focus({ preventScroll: true });
  }

  /** @param {Row} row @param {number} first */
  function stageLine(row, first) {
    const tr = make("tr", "", { class: "jw-stage-line" });
    const th = make("th", "", { class: "jw-stage", role: "rowheader", colspan: String(roles.length + 1), scope: "colgroup" });
    const closed = folded.has(row.stage);
    const fold = make("button", closed ? "▸" : "▾", { type: "button", class: "jw-fold", "aria-expanded": String(!closed) });
    fold.ariaLabel = `${closed ? "Show" : "Hide"} the rows of ${row.stage_label}`;
    fold.addEventListener("click", () => {
      if (folded.has(row.stage)) folded.delete(row.stage); else folded.add(row.stage);
      if (folded.has(rows[pick.at.row]?.stage)) { pick.at = { row: open()[0] ?? 0, col: pick.at.col }; pick.anchor = pick.at; }
      paint();
      /** @type {HTMLElement | null} */ (table.querySelector(`[data-stage="${CSS.escape(row.stage)}"] .jw-fold`))?.focus();
    }, { signal });
    const inner = make("span", "", { class: "jw-stage-words" });
    inner.append(fold, make("span", row.stage_label), make("span", "", { class: "jw-answers" }));
    th.append(inner);
    th.dataset.stage = row.stage;
    th.dataset.first = String(first);
    tr.append(th);
    return tr;
  }

  function buildFeet() {
    const feet = table.createTFoot();
    const lines = [...order, ...(model.get("has_load") ? ["Load"] : [])];
    for (const what of lines) {
      const tr = feet.insertRow();
      const label = what === "Load" ? "Load" : `Rows with ${what}`;
      tr.append(make("th", label, { role: "rowheader", scope: "row", title: what === "Load" ? "Volume x weight of the letters" : meaning.get(what) ?? "" }));
      for (const _role of roles) tr.append(make("td", "", { role: "gridcell", class: "jw-foot" }));
    }
  }

  function buildLegend() {
    legend.replaceChildren(...model.get("letters").map((l) => {
      const pair = make("span");
      pair.append(make("span", l.letter, { class: `jw-letter jw-${l.letter}` }), l.meaning);
      return pair;
    }));
  }

  /** Paint the texts into the cells that are there, so that focus stays where it is. */
  function paintCells() {
    cells = shown();
    grid.forEach((line, r) => line.forEach((td, c) => paintCell(td, r, c)));
    paintAnswers();
  }

  /** @param {HTMLTableCellElement} td @param {number} r @param {number} c */
  function paintCell(td, r, c) {
    const text = cells[r][c];
    if (td.dataset.text === text || td.firstElementChild instanceof HTMLInputElement) return;
    td.dataset.text = text;
    const parts = text.split("/").filter(Boolean);
    td.replaceChildren(...(parts.length ? parts : [""]).flatMap((part, i) => {
      const known = meaning.has(part);
      const span = make("span", part, { class: part ? (known ? `jw-letter jw-${part}` : "jw-letter jw-unknown") : "jw-blank" });
      return i ? [" ", span] : [span];
    }));
    const said = parts.map((p) => meaning.get(p) ?? `unknown code ${p}`).join(", ") || "blank";
    td.ariaLabel = `${name(r, c)}: ${parts.length ? `${parts.join(" ")}, ` : ""}${said}`;
    td.title = parts.length ? said : "";
  }

  /** Who answers in each stage, and for how much of it. */
  function paintAnswers() {
    const letter = order.includes("A") ? "A" : "";
    for (const th of table.querySelectorAll("th.jw-stage")) {
      const stage = /** @type {HTMLElement} */ (th).dataset.stage ?? "";
      const inside = rows.flatMap((row, r) => (row.stage === stage ? [r] : []));
      const held = roles.map((role, c) => ({ label: role.label, n: inside.filter((r) => cells[r][c].split("/").includes(letter)).length }));
      const most = held.filter((h) => h.n).sort((a, b) => b.n - a.n);
      const words = most.slice(0, 3).map((h) => `${h.label} (${h.n} of ${inside.length})`).join(", ");
      const line = th.querySelector(".jw-answers");
      if (line && letter) line.textContent = most.length ? `answers: ${words}${most.length > 3 ? " …" : ""}` : "nobody answers";
    }
  }

  function paintFeet() {
    const feet = [...(table.tFoot?.rows ?? [])];
    const loads = model.get("loads");
    feet.forEach((tr, i) => roles.forEach((role, c) => {
      const td = tr.cells[c + 1];
      const letter = order[i];
      if (letter !== undefined) {
        const n = cells.filter((line) => line[c].split("/").includes(letter)).length;
        td.textContent = String(n);
        td.ariaLabel = `${role.label}: ${count(n, "row")} with ${letter}`;
        return;
      }
      const { load, capacity } = loads[c] ?? { load: 0, capacity: null };
      const over = capacity !== null && load > capacity;
      td.textContent = capacity === null ? load.toLocaleString("en") : `${over ? "▲ " : ""}${load.toLocaleString("en")} of ${capacity.toLocaleString("en")}`;
      td.ariaLabel = `${role.label}: load ${td.textContent}${over ? ", too much" : ""}`;
      td.toggleAttribute("data-over", over);
    }));
  }

  function paintFindings() {
    const findings = model.get("findings");
    for (const node of [...grid.flat(), ...rowHeads, ...roleHeads]) {
      if (node.dataset.severity) { delete node.dataset.severity; node.removeAttribute("aria-invalid"); }
      const badge = node.querySelector(".jw-badge");
      if (badge?.textContent) { badge.textContent = ""; badge.removeAttribute("title"); badge.removeAttribute("aria-label"); badge.removeAttribute("role"); badge.removeAttribute("data-severity"); }
    }
    /** @param {HTMLElement | undefined} node @param {Finding} f */
    const mark = (node, f) => {
      if (!node || f.severity === "info" || f.severity === "known") return;
      if (node.dataset.severity !== "error") node.dataset.severity = f.severity;
      if (f.severity === "error") node.setAttribute("aria-invalid", "true");
    };
    /** @type {Map<HTMLElement, Finding[]>} */
    const about = new Map();
    for (const f of findings) {
      const [r, c] = [rowAt(f.row), roleAt(f.role)];
      const cell = f.scope === "cell" && r >= 0 && c >= 0 ? grid[r][c] : undefined;
      if (cell) mark(cell, f);
      const header = r >= 0 ? rowHeads[r] : c >= 0 ? roleHeads[c] : undefined;
      if (header && f.severity !== "info" && f.severity !== "known") {
        mark(header, f);
        about.set(header, [...(about.get(header) ?? []), f]);
      }
    }
    for (const [header, own] of about) {
      const badge = /** @type {HTMLElement | null} */ (header.querySelector(".jw-badge"));
      if (!badge) continue;
      const worst = own.some((f) => f.severity === "error") ? "error" : "warn";
      badge.textContent = `${MARKS[worst]}${own.length > 1 ? own.length : ""}`;
      badge.dataset.severity = worst;
      badge.title = own.map((f) => `${WORDS[f.severity]}: ${f.message}`).join("\n");
      badge.setAttribute("role", "img");
      badge.ariaLabel = own.map((f) => `${WORDS[f.severity]}: ${f.message}`).join(" ");
    }
    paintFilter();
    paintList(findings);
  }

  function paintFilter() {
    const many = (/** @type {string} */ s) => model.get("found")[s] || 0;
    const kinds = Object.keys(WORDS).filter((s) => many(s));
    filter.hidden = !kinds.length;
    const wanted = JSON.stringify(kinds.map((s) => [s, many(s), listed.has(s)]));
    if (filter.dataset.drawn !== wanted) {
      filter.dataset.drawn = wanted;
      const focused = /** @type {HTMLElement | null} */ (filter.querySelector(":focus"))?.dataset.severity;
      filter.replaceChildren(...kinds.map((s) => {
        const word = s === "known" ? `${many(s)} acknowledged` : count(many(s), WORDS[s].toLowerCase());
        const button = make("button", `${MARKS[s]} ${word}`, { type: "button", "aria-pressed": String(listed.has(s)), "data-severity": s });
        button.title = listed.has(s) ? "Listed; press to hide" : "Hidden; press to list";
        button.addEventListener("click", () => { if (listed.has(s)) listed.delete(s); else listed.add(s); paintFindings(); }, { signal });
        return button;
      }));
      if (focused) /** @type {HTMLElement | null} */ (filter.querySelector(`[data-severity="${focused}"]`))?.focus();
    }
    const parts = ["error", "warn"].map((s) => [many(s), WORDS[s].toLowerCase()]).filter(([n]) => n);
    summary.textContent = parts.length ? parts.map(([n, w]) => count(Number(n), String(w))).join(", ") : "No open findings";
    summary.dataset.severity = many("error") ? "error" : many("warn") ? "warn" : "none";
  }

  /** @param {Finding[]} findings */
  function paintList(findings) {
    const seen = findings.filter((f) => listed.has(f.severity));
    const wanted = JSON.stringify([seen, model.get("found"), readOnly(), rows.map((r) => r.id), roles.map((r) => r.id)]);
    if (list.dataset.drawn === wanted) return;
    if (list.querySelector("form")) return; // somebody writes a reason: the list waits
    list.dataset.drawn = wanted;
    const focused = [...list.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    list.replaceChildren(...seen.map(findingLine));
    const left = Object.values(model.get("found")).reduce((a, b) => a + b, 0) - findings.length;
    if (left) list.append(make("li", `${count(left, "more finding")}: settle these first, or look at the list below the grid.`, { class: "jw-finding" }));
    if (focused >= 0) {
      const buttons = [...list.querySelectorAll("button")];
      const next = buttons[Math.min(focused, buttons.length - 1)];
      if (next) next.focus(); else refocus();
    }
  }

  /** @param {Finding} f */
  function findingLine(f) {
    const item = make("li", "", { class: `jw-finding jw-${f.severity}` });
    item.append(
      make("span", MARKS[f.severity], { class: "jw-mark", "aria-hidden": "true" }), make("strong", `${WORDS[f.severity]}: `),
      make("span", f.message), make("span", ` ${f.advice}`, { class: "jw-advice" }), make("span", f.code, { class: "jw-code" }),
    );
    const [r, c] = [rowAt(f.row), roleAt(f.role)];
    if (r >= 0 || c >= 0) {
      const go = make("button", "Show", { type: "button", class: "jw-go" });
      go.ariaLabel = `Show ${r >= 0 ? rows[r].label : roles[c].label} in the grid`;
      go.addEventListener("click", () => {
        const [row, col] = [rowAt(f.row), roleAt(f.role)];
        if (row >= 0 && folded.delete(rows[row].stage)) paint();
        if (row >= 0) move(row, Math.max(col, 0)); else if (col >= 0) move(-1, col);
      }, { signal });
      item.append(go);
    }
    if (readOnly()) return item;
    const absent = f.code === "MAT-01" ? model.get("missing").find((m) => m.touchpoint === f.row) : undefined;
    if (absent) {
      const fill = make("button", "Add its row", { type: "button", class: "jw-go" });
      fill.ariaLabel = `Add its row: ${absent.label}`;
      fill.addEventListener("click", () => afterwards(() => {
        folded.delete(absent.stage);
        send([{ op: "add", list: "rows", part: absent, before: endOf(absent.stage) }]);
        whenDone(() => { if (rowAt(absent.touchpoint) >= 0) move(rowAt(absent.touchpoint), 0); });
      }), { signal });
      item.append(fill);
    }
    if (f.severity === "warn" || f.severity === "info") {
      const accept = make("button", "Acknowledge", { type: "button", class: "jw-go" });
      accept.ariaLabel = `Acknowledge: ${f.message}`;
      accept.addEventListener("click", () => askReason(item, f), { signal });
      item.append(accept);
    } else if (f.severity === "known") {
      const back = make("button", "Withdraw", { type: "button", class: "jw-go" });
      back.ariaLabel = `Withdraw: ${f.message}`;
      back.addEventListener("click", () => send([{ op: "withdraw", id: f.id }]), { signal });
      item.append(back);
    }
    return item;
  }

  /** Ask why a warning is accepted, and until when. @param {HTMLElement} item @param {Finding} f */
  function askReason(item, f) {
    list.querySelector("form")?.remove();
    const form = make("form", "", { class: "jw-reason" });
    const reason = make("input", "", { type: "text", required: "", maxlength: "300", "aria-label": "Why is this accepted?", placeholder: "Why is this accepted?" });
    const until = make("input", "", { type: "date", required: "", "aria-label": "Until" });
    const day = new Date(`${model.get("today")}T00:00:00Z`);
    day.setUTCMonth(day.getUTCMonth() + 6);
    until.value = day.toISOString().slice(0, 10);
    const yes = make("button", "Acknowledge", { type: "submit" });
    const no = make("button", "Cancel", { type: "button" });
    form.append(reason, make("span", "until"), until, yes, no);
    const close = () => { form.remove(); list.dataset.drawn = ""; paintList(model.get("findings")); refocus(); };
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const part = { code: f.code, ...(f.row ? { touchpoint: f.row } : {}), ...(f.role ? { role: f.role } : {}), ...(f.about ? { about: f.about } : {}), reason: oneLine(reason.value), until: until.value };
      form.remove();
      send([{ op: "acknowledge", part }]);
      close();
    }, { signal });
    no.addEventListener("click", close, { signal });
    form.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Escape") close(); }, { signal });
    item.append(form);
    reason.focus();
  }

  // --- tools, status, history, disputes -------------------------------------------------------------

  const clear = tool("Clear", "Clear the chosen cells (Delete)", () => { fill(""); refocus(); }, signal);
  const addRow = tool("Add row", "Add a row below the chosen one", () => add("rows"), signal);
  const addRole = tool("Add role", "Add a column after the chosen one", () => add("roles"), signal);

  function buildTools() {
    const buttons = model.get("letters").map((l) => {
      const button = tool(l.letter, l.meaning, () => { write(l.letter, false); refocus(); }, signal, `jw-letter jw-${l.letter}`);
      button.ariaLabel = l.meaning;
      button.addEventListener("click", (e) => { if (e.shiftKey) { e.stopImmediatePropagation(); write(l.letter, true); refocus(); } }, { signal, capture: true });
      return button;
    });
    tools.replaceChildren(...buttons, clear, undoing, edits.redoing, addRow, addRole, edits.saving, edits.history, edits.saved, edits.notice);
  }

  function paintTools() {
    const editing = !readOnly();
    for (const child of tools.children) if (child instanceof HTMLButtonElement) child.hidden = !editing;
    edits.paint();
    tools.hidden = !editing && edits.history.hidden;
    help.hidden = !editing;
    help.textContent = `Type ${order.join(", ")}; with Shift a letter is added to the cell. Arrows move, also onto names: Enter edits, Delete clears or removes, `
      + "Alt and arrows move a row or role. A block from a spreadsheet can be pasted. Right-click or Shift+F10 opens a menu.";
    for (const button of [clear, ...tools.querySelectorAll("button.jw-letter")]) /** @type {HTMLButtonElement} */ (button).disabled = !pick.touched || pick.at.row < 0 || pick.at.col < 0;
  }

  /** Cells and other places that somebody else saved meanwhile: both texts, and a way to settle each. */
  function paintDisputes() {
    const clashes = model.get("clashes");
    const words = model.get("disputes");
    const openOnes = clashes.filter((c) => rowAt(c.row) >= 0 && roleAt(c.column) >= 0);
    disputed.hidden = !openOnes.length && !words.length;
    if (disputed.hidden) { disputed.replaceChildren(); return; }
    const word = (/** @type {string} */ text) => text || "blank";
    const items = openOnes.map((c) => {
      const [r, k] = [rowAt(c.row), roleAt(c.column)];
      const now = cells[r][k];
      const item = make("li");
      const who = make("span", `${name(r, k)}: somebody else wrote ${word(c.theirs)}, you wrote ${word(c.mine)} (it was ${word(c.base)}). `);
      const theirs = make("button", "Take theirs", { type: "button", class: "jw-go", "aria-pressed": String(now === c.theirs) });
      theirs.ariaLabel = `Take theirs for ${name(r, k)}`;
      theirs.addEventListener("click", () => { setCells([[r, k, c.theirs]]); paintDisputes(); }, { signal });
      const mine = make("button", "Keep mine", { type: "button", class: "jw-go", "aria-pressed": String(now === c.mine) });
      mine.ariaLabel = `Keep mine for ${name(r, k)}`;
      mine.addEventListener("click", () => { setCells([[r, k, c.mine]]); paintDisputes(); }, { signal });
      item.append(who, theirs, " ", mine);
      return item;
    });
    items.push(...words.map((w) => make("li", w)));
    const ul = make("ul");
    ul.append(...items);
    const parts = [make("strong", "Somebody else saved changes at the same places. Settle them, then save again."), ul];
    if (openOnes.length > 1) {
      const all = make("button", "Take all of theirs", { type: "button" });
      all.addEventListener("click", () => { setCells(openOnes.map((c) => [rowAt(c.row), roleAt(c.column), c.theirs])); paintDisputes(); }, { signal });
      parts.push(all);
    }
    disputed.replaceChildren(...parts);
  }

  // --- sending ----------------------------------------------------------------------------------------

  /** @param {[number, number, string][]} changes */
  function setCells(changes) {
    if (readOnly()) return;
    /** @type {Record<string, Record<string, string>>} */
    const texts = {};
    let any = false;
    // While an undo is on its way nobody knows what a cell holds.
    const unsure = queue.length > 0 || waiting.sent.some((s) => s.op !== "cells");
    for (const [r, c, text] of changes) {
      if (cells[r][c] === text && !unsure) continue;
      any = true;
      (texts[rows[r].id] ??= {})[roles[c].id] = text;
      cells[r][c] = text;
      paintCell(grid[r][c], r, c);
    }
    const act = () => send([{ op: "cells", cells: texts }]);
    if (any && queue.length) queue.push(act);
    else if (any) act();
    else tell("");
  }

  // --- choosing ---------------------------------------------------------------------------------------

  /** @param {Place} place */
  function nodeAt(place) {
    if (place.row < 0) return roleHeads[place.col];
    return place.col < 0 ? rowHeads[place.row] : grid[place.row]?.[place.col];
  }

  // --- writing ----------------------------------------------------------------------------------------

  /** @param {string} text */
  const fill = (text) => setCells(chosen().map(([r, c]) => [r, c, text]));

  /** Put a letter into the chosen cells; `add` keeps what is there. @param {string} letter @param {boolean} add */
  function write(letter, add) {
    const strange = add && chosen().some(([r, c]) => cells[r][c].split("/").some((p) => p && !order.includes(p)));
    setCells(chosen().map(([r, c]) => {
      if (!add) return [r, c, letter];
      const parts = new Set(cells[r][c].split("/").filter(Boolean));
      if ([...parts].some((p) => !order.includes(p))) return [r, c, cells[r][c]];
      if (parts.has(letter)) parts.delete(letter); else parts.add(letter);
      return [r, c, order.filter((l) => parts.has(l)).join("/")];
    }));
    if (strange) tell("A letter is not added to text that is no code; type it without Shift to replace it.");
  }

  function cycle() {
    const { row, col } = pick.at;
    if (row < 0 || col < 0) return;
    setCells([[row, col, order[order.indexOf(cells[row][col]) + 1] ?? ""]]);
  }

  /** Put a block where the selection begins; one value alone fills the selection. @param {string} text */
  function paste(text) {
    if (!text || !chosen().length) return;
    const block = parseBlock(text);
    if (block.length === 1 && block[0].length === 1) { fill(canonical(block[0][0])); return; }
    const seen = open();
    const top = seen.indexOf(Math.min(pick.at.row, pick.anchor.row));
    const left = Math.min(pick.at.col, pick.anchor.col);
    const [high, wide] = [block.length, Math.max(...block.map((line) => line.length))];
    if (top + high > seen.length || left + wide > roles.length) {
      tell(`Nothing was pasted: the block has ${count(high, "row")} and ${count(wide, "column")}, and from here there is room for ${seen.length - top} and ${roles.length - left}.`, "error");
      return;
    }
    setCells(block.flatMap((line, i) => line.map((cell, j) => /** @type {[number, number, string]} */ ([seen[top + i], left + j, canonical(cell)]))));
  }

  /** What Python's reading of a cell gives for known letters; other text stays, to be reported. @param {string} text */
  function canonical(text) {
    const plain = text.trim().toUpperCase();
    if (["", "-", "–", "—", ".", "N/A"].includes(plain)) return "";
    const parts = plain.split(/[/,;+&\s]+/).filter(Boolean);
    const codes = parts.flatMap((p) => ([...p].every((l) => order.includes(l)) ? [...p] : [p]));
    return codes.every((c) => order.includes(c)) ? order.filter((l) => codes.includes(l)).join("/") : oneLine(text);
  }

  const copied = () => {
    const places = chosen();
    const width = new Set(places.map(([, c]) => c)).size;
    const texts = places.map(([r, c]) => cells[r][c]);
    const lines = [];
    for (let i = 0; i < texts.length; i += width) lines.push(texts.slice(i, i + width).join("\t"));
    return lines.join("\n");
  };

  /** Type over a cell or a name; Enter or leaving keeps it, Escape does not. @param {Place} place @param {string} [begin] */
  function type(place, begin) {
    const node = nodeAt(place);
    if (!node || readOnly() || typing) return;
    const isCell = place.row >= 0 && place.col >= 0;
    const before = isCell ? cells[place.row][place.col] : place.row < 0 ? roles[place.col].label : rows[place.row].label;
    const [row, role] = [rows[place.row]?.id ?? "", roles[place.col]?.id ?? ""];
    const label = isCell ? `Letters of ${name(place.row, place.col)}` : `Name of ${before}`;
    typing = typeOver(node, { value: begin ?? before, label, longest: MAX_TEXT, whole: begin === undefined }, signal, (typed, how) => {
      typing = null;
      delete node.dataset.text;
      if (isCell) paintCell(/** @type {HTMLTableCellElement} */ (node), place.row, place.col);
      const text = oneLine(typed ?? "");
      const changed = typed !== null && typed !== before;
      if (changed && isCell) send([{ op: "cells", cells: { [row]: { [role]: canonical(text) } } }]);
      else if (changed && text) send([{ op: "set", list: place.row < 0 ? "roles" : "rows", id: place.row < 0 ? role : row, field: "label", value: text }]);
      paint(); // what came meanwhile
      drain();
      if (how === "tab" || how === "tab-back") move(pick.at.row, pick.at.col + (how === "tab" ? 1 : -1));
      else if (isCell && (how === "enter" || how === "enter-back")) step(how === "enter" ? 1 : -1, false);
      else if (how !== "leave") refocus();
      if (how === "save") save();
    });
  }

  // --- rows and roles -----------------------------------------------------------------------------------

  /** Ask the name of a new row or role, then add it after the chosen one. @param {"rows" | "roles"} what */
  function add(what) {
    el.querySelector(".jw-new")?.remove();
    const here = what === "rows" ? rows[pick.at.row]?.id : roles[pick.at.col]?.id;
    const stage = what === "rows" ? (rows[pick.at.row] ?? rows.at(-1))?.stage : "";
    const words = what === "rows" ? "Name of the new row" : "Name of the new role";
    const form = make("form", "", { class: "jw-new" });
    const label = make("input", "", { type: "text", required: "", maxlength: "300", placeholder: words, "aria-label": words });
    const no = make("button", "Cancel", { type: "button" });
    form.append(label, make("button", "Add", { type: "submit" }), no);
    const close = () => { form.remove(); refocus(); };
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const name = oneLine(label.value);
      form.remove();
      if (!name) { refocus(); return; }
      afterwards(() => {
        const list = what === "rows" ? rows : roles;
        const place = here === undefined ? -1 : list.findIndex((p) => p.id === here);
        const before = place < 0 ? null : list[place + 1]?.id ?? null;
        const known = new Set(list.map((p) => p.id));
        folded.delete(stage ?? "");
        send([{ op: "add", list: what, part: { label: name, ...(stage ? { stage } : {}) }, before }]);
        whenDone(() => {
          const fresh = (what === "rows" ? rows : roles).findIndex((p) => !known.has(p.id));
          if (fresh >= 0) move(what === "rows" ? fresh : -1, what === "rows" ? -1 : fresh);
        });
      });
      refocus();
    }, { signal });
    no.addEventListener("click", close, { signal });
    form.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Escape") close(); }, { signal });
    tools.after(form);
    label.focus();
  }

  /** @param {Place} place */
  function remove(place) {
    if (place.row >= 0 && place.col >= 0) { fill(""); return; }
    const [list, id] = place.row < 0 ? ["roles", roles[place.col]?.id] : ["rows", rows[place.row]?.id];
    if (id !== undefined) send([{ op: "remove", list, id }]);
  }

  /** Move a row or role by keys; a row at the edge of its stage goes into the next one. @param {Place} place @param {number} by */
  function shift(place, by) {
    const across = place.row < 0;
    const id = across ? roles[place.col].id : rows[place.row].id;
    afterwards(() => {
      const here = across ? roleAt(id) : rowAt(id);
      if (here < 0) return;
      if (across) {
        const to = here + by;
        if (to >= 0 && to < roles.length) send([{ op: "move", list: "roles", id, before: roles[by > 0 ? to + 1 : to]?.id ?? null }]);
        return;
      }
      const other = rows[here + by];
      if (!other) return;
      folded.delete(other.stage);
      if (other.stage !== rows[here].stage) send([{ op: "move", list: "rows", id, before: by > 0 ? other.id : rows[here + 1]?.id ?? null, stage: other.stage || null }]);
      else send([{ op: "move", list: "rows", id, before: rows[by > 0 ? here + 2 : here - 1]?.id ?? null }]);
    });
  }

  // --- a menu ---------------------------------------------------------------------------------------------

  /** @param {Place} place @param {number} x @param {number} y */
  function menu(place, x, y) {
    if (readOnly()) return;
    /** @type {[string, () => void][]} */
    const entries = [];
    const entry = (/** @type {string} */ text, /** @type {() => void} */ act) => entries.push([text, act]);
    const isCell = place.row >= 0 && place.col >= 0;
    const [row, role] = [rows[place.row]?.id ?? "", roles[place.col]?.id ?? ""];
    /** Where it stands now: rows and roles may have changed since the menu was opened. */
    const now = () => ({ row: place.row < 0 ? -1 : rowAt(row), col: place.col < 0 ? -1 : roleAt(role) });
    /** @param {(p: Place) => void} act */
    const there = (act) => () => {
      const p = now();
      if ((place.row >= 0 && p.row < 0) || (place.col >= 0 && p.col < 0)) tell("It is not there any more.");
      else act(p);
    };
    const label = isCell ? name(place.row, place.col) : place.row < 0 ? roles[place.col].label : rows[place.row].label;
    if (isCell) {
      for (const l of order) entry(`${l}: ${meaning.get(l)}`, () => { write(l, false); refocus(); });
      entry("Clear", () => { fill(""); refocus(); });
      entry("Edit", there((p) => type(p)));
    } else {
      const what = place.row < 0 ? "role" : "row";
      entry("Rename", there((p) => type(p)));
      entry(`Add ${what} after`, () => add(place.row < 0 ? "roles" : "rows"));
      entry(place.row < 0 ? "Move left" : "Move up", there((p) => shift(p, -1)));
      entry(place.row < 0 ? "Move right" : "Move down", there((p) => shift(p, 1)));
      if (place.row >= 0) {
        for (const s of model.get("stages")) {
          if (s.id !== rows[place.row].stage) entry(`Move to ${s.label}`, () => afterwards(() => send([{ op: "move", list: "rows", id: row, before: endOf(s.id), stage: s.id }])));
        }
        const { upsell, apart } = rows[place.row];
        entry(upsell ? "No upsell moment" : "Upsell moment", () => send([{ op: "set", list: "rows", id: row, field: "upsell_moment", value: upsell ? null : true }]));
        entry(apart ? "One pair of eyes is enough" : "Needs two pairs of eyes", () => send([{ op: "set", list: "rows", id: row, field: "requires_separation", value: apart ? null : true }]));
      }
      entry(`Delete this ${what}`, there((p) => remove(p)));
    }
    openMenu(el, signal, label, entries, x, y, refocus);
  }

  /** The row that follows a stage's last one, so that a row put before it is the stage's new last. @param {string} stage */
  function endOf(stage) {
    const last = rows.map((r) => r.stage).lastIndexOf(stage);
    if (last >= 0) return rows[last + 1]?.id ?? null;
    const all = model.get("stages").map((s) => s.id);
    const later = new Set(all.slice(all.indexOf(stage) + 1));
    return rows.find((r) => later.has(r.stage))?.id ?? null;
  }

  // --- keys -----------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { key, shiftKey } = event;
    if (/** @type {HTMLElement} */ (event.target).closest(".jw-fold")) return;
    const far = event.ctrlKey || event.metaKey;
    const lower = key.toLowerCase();
    if (far && "szy".includes(lower)) return; // the whole page listens to these
    if (key === "Escape") { pick.anchor = pick.at; pick.paint(); return; }
    const went = pick.key(event);
    if (went === "left") return;
    if (went) {
      // it is done
    } else if (event.altKey && ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(key)) {
      if (readOnly() || (pick.at.row >= 0 && pick.at.col >= 0)) return;
      const across = key === "ArrowLeft" || key === "ArrowRight";
      if (across === pick.at.row < 0) shift(pick.at, key === "ArrowUp" || key === "ArrowLeft" ? -1 : 1);
    } else if (key === "ContextMenu" || (key === "F10" && shiftKey)) {
      const box = nodeAt(pick.at)?.getBoundingClientRect();
      if (box) menu(pick.at, box.left + 8, box.bottom);
    } else if (key === "Enter" || key === "F2") {
      if (readOnly()) { if (key === "Enter") step(shiftKey ? -1 : 1, false); } else type(pick.at);
    } else if (key === "Delete" || key === "Backspace") {
      remove(pick.at);
    } else if (!far && !event.altKey && order.includes(key.toUpperCase())) {
      if (pick.at.row >= 0 && pick.at.col >= 0) write(key.toUpperCase(), shiftKey);
    } else return;
    event.preventDefault();
  }

  // --- pointer ----------------------------------------------------------------------------------------------

  /** @param {Event} event @returns {{ node: HTMLTableCellElement, place: Place } | null} */
  function under(event) {
    const node = /** @type {HTMLTableCellElement | null} */ (/** @type {Element} */ (event.target).closest?.("[data-row][data-col]"));
    return node && table.contains(node) ? { node, place: { row: Number(node.dataset.row), col: Number(node.dataset.col) } } : null;
  }

  /** Choose: a press chooses, Shift or a drag extends, a press on the chosen cell takes the next letter. @param {PointerEvent} event */
  function point(event) {
    const hit = under(event);
    if (!hit || event.button || event.ctrlKey || event.metaKey || event.altKey) return;
    const { node, place } = hit;
    const touch = event.pointerType === "touch";
    const isCell = place.row >= 0 && place.col >= 0;
    const alone = place.row === pick.at.row && place.col === pick.at.col && pick.anchor === pick.at && document.activeElement === node;
    let cycling = alone && !event.shiftKey && isCell && event.detail <= 1;
    if (!touch) { event.preventDefault(); move(place.row, place.col, event.shiftKey); }
    const [startX, startY] = [event.clientX, event.clientY];
    let moved = false;
    let opened = false;
    /** @type {(() => void) | null} */
    let drop = null;
    const long = touch ? setTimeout(() => { opened = true; move(place.row, place.col); menu(place, startX, startY); }, LONG_PRESS) : 0;
    gesture(signal, (e) => {
      if (!moved && Math.hypot(e.clientX - startX, e.clientY - startY) < 6) return;
      moved = true;
      clearTimeout(long);
      if (touch) return; // a finger scrolls
      if (isCell) {
        const over = /** @type {HTMLElement | null} */ (document.elementFromPoint(e.clientX, e.clientY)?.closest("td[data-row]") ?? null);
        if (!over || !table.contains(over)) return;
        const [r, c] = [Number(over.dataset.row), Number(over.dataset.col)];
        if (r !== pick.at.row || c !== pick.at.col) { cycling = false; move(r, c, true); }
      } else if (!readOnly()) drop = dragging(place, e);
    }, (kept) => {
      clearTimeout(long);
      table.querySelectorAll("[data-drop]").forEach((n) => n.removeAttribute("data-drop"));
      if (touch && kept && !moved && !opened) {
        const again = place.row === pick.at.row && place.col === pick.at.col && document.activeElement === node;
        move(place.row, place.col);
        if (again && isCell) cycle();
      } else if (kept && moved && drop) drop();
      else if (kept && !moved && cycling) cycle();
    });
  }

  /** Where a dragged row or role would go; marks it and returns what to do there. @param {Place} place @param {PointerEvent} e */
  function dragging(place, e) {
    table.querySelectorAll("[data-drop]").forEach((n) => n.removeAttribute("data-drop"));
    const over = /** @type {HTMLElement | null} */ (document.elementFromPoint(e.clientX, e.clientY)?.closest("tr, th, td") ?? null);
    if (!over || !table.contains(over)) return null;
    if (place.row < 0) {
      const col = roleHeads.findIndex((th) => { const b = th.getBoundingClientRect(); return e.clientX < b.left + b.width / 2; });
      const before = col < 0 ? null : roles[col].id;
      const mark = col < 0 ? roleHeads[roleHeads.length - 1] : roleHeads[col];
      mark.dataset.drop = col < 0 ? "after" : "before";
      if (before === roles[place.col].id || before === (roles[place.col + 1]?.id ?? null)) return null;
      return () => send([{ op: "move", list: "roles", id: roles[place.col].id, before }]);
    }
    const row = rows[place.row];
    const stage = /** @type {HTMLElement | null} */ (over.closest("tr")?.querySelector("th.jw-stage"));
    if (stage) {
      stage.dataset.drop = "into";
      const id = stage.dataset.stage ?? "";
      const first = rows[Number(stage.dataset.first)]?.id ?? null;
      return () => send([{ op: "move", list: "rows", id: row.id, before: first === row.id ? rows[place.row + 1]?.id ?? null : first, stage: id || null }]);
    }
    const seen = open();
    const next = seen.find((r) => { const b = rowHeads[r].getBoundingClientRect(); return e.clientY < b.top + b.height / 2; });
    const near = next ?? seen[seen.length - 1];
    rowHeads[near].dataset.drop = next === undefined ? "after" : "before";
    const before = next === undefined ? rows[near + 1]?.id ?? null : rows[next].id;
    // Between two stages a row joins the one it is nearer to.
    const above = next === undefined ? near : seen[seen.indexOf(next) - 1];
    const target = next !== undefined && above !== undefined && rows[above].stage !== rows[next].stage && e.clientY < rowHeads[next].getBoundingClientRect().top - 4 ? rows[above] : rows[near];
    if (target.stage === row.stage && (before === row.id || before === (rows[place.row + 1]?.id ?? null))) return null;
    return () => send([{ op: "move", list: "rows", id: row.id, before, ...(target.stage === row.stage ? {} : { stage: target.stage || null }) }]);
  }

  buildTools();
  paint();
  paintStatus();
  paintDisputes();
  table.addEventListener("keydown", press, { signal });
  out.listenToKeys(el);
  table.addEventListener("pointerdown", point, { signal });
  table.addEventListener("dblclick", (e) => { const hit = under(e); if (hit && (hit.place.row < 0 || hit.place.col < 0)) { e.preventDefault(); type(hit.place); } }, { signal });
  table.addEventListener("contextmenu", (e) => {
    const hit = under(e);
    if (!hit || readOnly()) return;
    e.preventDefault();
    const inside = chosen().some(([r, c]) => r === hit.place.row && c === hit.place.col);
    if (!inside) move(hit.place.row, hit.place.col);
    menu(hit.place, e.clientX, e.clientY);
  }, { signal });
  table.addEventListener("focusin", (e) => {
    const hit = under(e);
    if (hit && !typing && (hit.place.row !== pick.at.row || hit.place.col !== pick.at.col) && e.target === hit.node) { pick.at = hit.place; pick.anchor = pick.at; pick.touched = true; pick.paint(); paintTools(); }
  }, { signal });
  table.addEventListener("paste", (e) => { if (readOnly()) return; e.preventDefault(); e.stopPropagation(); paste(e.clipboardData?.getData("text/plain") ?? ""); }, { signal });
  for (const kind of /** @type {const} */ (["copy", "cut"])) {
    table.addEventListener(kind, (e) => {
      if (!chosen().length) return;
      e.preventDefault();
      e.stopPropagation();
      e.clipboardData?.setData("text/plain", copied());
      if (kind === "cut" && !readOnly()) fill("");
    }, { signal });
  }
  /** @type {[keyof State, () => void][]} */
  const heard = [
    ["done", () => { out.acknowledge(); out.actWhenDone(); }],
    ["rows", paint], ["roles", paint], ["cells", paint], ["loads", paint], ["findings", paintFindings], ["found", paintFindings], ["steps", paintTools],
    ["letters", () => { buildTools(); paint(); }], ["read_only", paint],
    ["status", paintStatus], ["clashes", paintDisputes], ["disputes", paintDisputes],
    ["revisions", () => { paintTools(); paintHistory(); }],
  ];
  listen(model, signal, heard, new Set([paint, paintFindings]), () => { paint(); paintDisputes(); });
}

export default () => {
  /** @type {Waiting} */
  const waiting = { sent: [], save: 0 };
  return { render: (/** @type {RenderProps<State>} */ props) => render(props, waiting) };
};
