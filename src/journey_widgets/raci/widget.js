// @ts-check
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ id: string, label: string, stage: string }} Row */
/** @typedef {{ id: string, label: string }} Role */
/** @typedef {{ letter: string, meaning: string }} Letter */
/** @typedef {{ code: string, severity: string, message: string, question: string, fix: string, row: number, col: number }} Finding */
/** @typedef {{ state: string, text: string }} Status */
/** @typedef {[number, number, string]} Change a row, a column, and the text the cell now has */
/** @typedef {{ row: number, col: number, base: string, theirs: string, mine: string }} Clash */
/** @typedef {{ seq: number, changes: Change[], save: number }} Edit what Python has not acknowledged yet, and the newest wish to save */
/** @typedef {{ rows: Row[], roles: Role[], cells: string[][], letters: Letter[], findings: Finding[], clashes: Clash[], status: Status, edit: Edit, done: number, read_only: boolean, can_save: boolean, label: string }} State */
/** @typedef {{ seq: number, changes: Change[] }} Sent */

const WORDS = { error: "Error", warn: "Warning", info: "Note" };
const MAX_TEXT = 1000;
const PATIENCE = 6000;
const MARKS = { error: "●", warn: "▲", info: "■" };

/**
 * Make an element. Text from data is always set as text, never as HTML.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {string} [text] @param {Record<string, string>} [attributes]
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(name, text = "", attributes = {}) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** Spreadsheet text, tabs between cells; a quoted cell may hold tabs and line breaks. @param {string} text */
function parseBlock(text) {
  const rows = [[""]];
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const row = rows[rows.length - 1];
    const last = row.length - 1;
    if (quoted && text[i] === '"' && text[i + 1] === '"') { row[last] += '"'; i += 1; }
    else if (quoted && text[i] === '"') quoted = false;
    else if (!quoted && text[i] === '"' && row[last] === "") quoted = true;
    else if (!quoted && text[i] === "\t") row.push("");
    else if (!quoted && text[i] === "\n") rows.push([""]);
    else if (quoted || text[i] !== "\r") row[last] += text[i];
  }
  if (rows.length > 1 && rows[rows.length - 1].join("") === "") rows.pop();
  return rows;
}

/** @typedef {{ sent: Sent[], save: number }} Waiting what was sent and not acknowledged, shared by all views of a grid */

/** @param {RenderProps<State>} props @param {Waiting} waiting */
function render({ model, el, signal }, waiting) {
  const rows = model.get("rows");
  const roles = model.get("roles");
  const letters = model.get("letters");
  const order = letters.map((l) => l.letter);
  const meaning = new Map(letters.map((l) => [l.letter, l.meaning]));
  /** @type {HTMLTableCellElement[][]} */
  const grid = rows.map(() => []);
  /** Undone and redoable edits, each with the texts before and after. @type {{ before: Change[], after: Change[] }[]} */
  const done = [];
  /** @type {{ before: Change[], after: Change[] }[]} */
  const undone = [];
  let at = { row: 0, col: 0 };
  let anchor = at;
  let touched = false; // whether a cell was ever chosen: until then the tools have nothing to act on
  let dragging = false;
  let cycling = false;
  let cells = shown();

  el.classList.add("jw-raci-grid");
  const head = make("div", "", { class: "jw-head" });
  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the matrix" });
  const frame = make("div", "", { class: "jw-frame" });
  const table = make("table", "", { role: "grid", "aria-label": model.get("label") });
  const list = make("ol", "", { class: "jw-findings", "aria-label": "Findings" });
  const disputed = make("ul", "", { class: "jw-findings", "aria-label": "Changed by somebody else too" });
  const help = make("p", "", { class: "jw-help" });
  const saved = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const notice = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  head.append(summary, tools);
  frame.append(table);
  el.append(head, disputed, frame, help, list);

  const readOnly = () => model.get("read_only");
  /** @param {number} row @param {number} col */
  const textAt = (row, col) => cells[row][col];
  const name = (/** @type {number} */ row, /** @type {number} */ col) => `${rows[row].label}, ${roles[col].label}`;

  /** What Python holds, with what it has not acknowledged yet on top. */
  function shown() {
    const state = structuredClone(model.get("cells"));
    for (const { changes } of waiting.sent) for (const [r, c, text] of changes) state[r][c] = text;
    return state;
  }

  function buildTable() {
    table.setAttribute("aria-multiselectable", "true");
    table.setAttribute("aria-colcount", String(roles.length + 1));
    const line = table.createTHead().insertRow();
    line.append(make("th", "Touchpoint", { role: "columnheader", scope: "col" }));
    for (const role of roles) line.append(make("th", role.label, { role: "columnheader", scope: "col", title: role.label }));
    let stage = "";
    let body = table.createTBody();
    rows.forEach((row, r) => {
      if (row.stage !== stage || r === 0) {
        stage = row.stage;
        body = table.createTBody();
        body.setAttribute("role", "rowgroup");
        if (stage) {
          const heading = make("th", "", { class: "jw-stage", role: "rowheader", colspan: String(roles.length + 1), scope: "colgroup" });
          heading.append(make("span", stage));
          body.insertRow().append(heading);
        }
      }
      const tr = body.insertRow();
      tr.append(make("th", row.label, { role: "rowheader", scope: "row", title: row.label }));
      roles.forEach((_role, c) => {
        const td = tr.insertCell();
        td.setAttribute("role", "gridcell");
        td.dataset.row = String(r);
        td.dataset.col = String(c);
        td.tabIndex = -1;
        grid[r].push(td);
      });
    });
    [...table.rows].forEach((tr, i) => {
      tr.setAttribute("role", "row");
      tr.setAttribute("aria-rowindex", String(i + 1));
    });
    table.setAttribute("aria-rowcount", String(table.rows.length));
  }

  function buildTools() {
    const buttons = letters.map((l) => {
      const button = make("button", l.letter, { type: "button", title: l.meaning, class: `jw-letter jw-${l.letter}` });
      button.ariaLabel = l.meaning;
      button.addEventListener("click", (e) => { write(l.letter, e.shiftKey); refocus(); }, { signal });
      return button;
    });
    /** @param {string} text @param {string} title @param {() => void} act */
    const tool = (text, title, act) => {
      const button = make("button", text, { type: "button", title });
      button.addEventListener("click", act, { signal });
      return button;
    };
    tools.append(
      ...buttons,
      tool("Clear", "Clear the chosen cells (Delete)", () => { fill(""); refocus(); }),
      tool("Undo", "Undo (Ctrl+Z)", undo),
      tool("Redo", "Redo (Ctrl+Y)", redo),
    );
    const button = tool("Save", "Save as a new revision", () => send([], true));
    button.classList.add("jw-save");
    tools.append(button, saved, notice);
    help.textContent = `Type ${order.join(", ")}; with Shift a letter is added to the cell. Arrows move, Delete clears, a block from a spreadsheet can be pasted.`;
    paintMode();
  }

  function paintMode() {
    tools.hidden = readOnly();
    help.hidden = readOnly();
    table.setAttribute("aria-readonly", String(readOnly()));
    for (const button of tools.querySelectorAll("button")) button.disabled = !touched && !button.classList.contains("jw-save");
    const save = /** @type {HTMLElement} */ (tools.querySelector(".jw-save"));
    save.hidden = !model.get("can_save");
  }

  /** Paint the texts into the cells that are there, so that focus stays where it is. */
  function paintCells() {
    cells = shown();
    grid.forEach((line, r) => line.forEach((td, c) => {
      const text = cells[r][c];
      if (td.dataset.text === text && td.childElementCount) return;
      td.dataset.text = text;
      const parts = text.split("/").filter(Boolean);
      td.replaceChildren(...(parts.length ? parts : [""]).map((part) => {
        const known = meaning.has(part);
        return make("span", part, { class: part ? (known ? `jw-letter jw-${part}` : "jw-letter jw-unknown") : "jw-blank" });
      }));
      const said = parts.map((p) => meaning.get(p) ?? `unknown code ${p}`).join(", ") || "blank";
      td.ariaLabel = `${name(r, c)}: ${said}`;
      td.title = parts.length ? said : "";
    }));
  }

  function paintFindings() {
    const findings = model.get("findings");
    table.querySelectorAll("[data-severity]").forEach((node) => {
      node.removeAttribute("data-severity");
      node.removeAttribute("aria-invalid");
    });
    /** @param {Element | null | undefined} node @param {string} severity */
    const mark = (node, severity) => {
      if (!node || node.getAttribute("data-severity") === "error") return;
      node.setAttribute("data-severity", severity);
      if (severity === "error") node.setAttribute("aria-invalid", "true");
    };
    const focused = [...list.children].findIndex((item) => item.contains(document.activeElement));
    list.replaceChildren(...findings.map((f) => {
      if (f.row >= 0) mark(f.col >= 0 ? grid[f.row][f.col] : grid[f.row][0]?.parentElement?.firstElementChild, f.severity);
      const item = make("li", "", { class: `jw-finding jw-${f.severity}` });
      const word = WORDS[/** @type {keyof typeof WORDS} */ (f.severity)];
      item.append(
        make("span", MARKS[/** @type {keyof typeof MARKS} */ (f.severity)], { class: "jw-mark", "aria-hidden": "true" }),
        make("strong", `${word}: `), make("span", f.message),
        make("span", ` ${f.question} ${f.fix}`, { class: "jw-advice" }), make("span", f.code, { class: "jw-code" }),
      );
      if (f.row >= 0) {
        const go = make("button", "Show", { type: "button", class: "jw-go" });
        go.ariaLabel = `Show ${rows[f.row].label} in the grid`;
        go.addEventListener("click", () => move(f.row, Math.max(f.col, 0)), { signal });
        item.append(go);
      }
      return item;
    }));
    if (focused >= 0) {
      const buttons = [...list.querySelectorAll("button")];
      const next = buttons[Math.min(focused, buttons.length - 1)];
      if (next) next.focus(); else refocus();
    }
    /** @param {string} severity */
    const count = (severity) => findings.filter((f) => f.severity === severity).length;
    const parts = Object.entries(WORDS).map(([s, word]) => [count(s), word.toLowerCase()]).filter(([n]) => n);
    summary.textContent = parts.length ? parts.map(([n, w]) => `${n} ${w}${n === 1 ? "" : "s"}`).join(", ") : "No findings";
    summary.dataset.severity = count("error") ? "error" : count("warn") ? "warn" : "none";
  }

  function paintStatus() {
    const { state, text } = model.get("status");
    saved.textContent = text;
    saved.dataset.state = state;
  }

  /** Cells that somebody else saved meanwhile: both texts, and a way to take theirs. */
  function paintClashes() {
    const clashes = model.get("clashes").filter((c) => textAt(c.row, c.col) !== c.theirs);
    disputed.hidden = !clashes.length;
    disputed.replaceChildren(...clashes.map((c) => {
      const item = make("li", "", { class: "jw-finding jw-warn" });
      const word = (/** @type {string} */ text) => text || "blank";
      item.append(
        make("span", MARKS.warn, { class: "jw-mark", "aria-hidden": "true" }), make("strong", `${name(c.row, c.col)}: `),
        make("span", `somebody else wrote ${word(c.theirs)}, you wrote ${word(c.mine)} (it was ${word(c.base)}).`),
      );
      const take = make("button", "Take theirs", { type: "button", class: "jw-go" });
      take.ariaLabel = `Take theirs for ${name(c.row, c.col)}`;
      take.addEventListener("click", () => { apply([[c.row, c.col, c.theirs]]); paintClashes(); refocus(); }, { signal });
      item.append(take);
      return item;
    }));
  }

  /** Python has taken what was sent up to `done`. */
  function acknowledge() {
    const done = model.get("done");
    waiting.sent = waiting.sent.filter((s) => s.seq > done);
    if (waiting.save <= done) waiting.save = 0;
    if (!waiting.sent.length && !waiting.save && notice.dataset.state === "lost") tell("");
    paintCells();
    paintClashes();
  }

  /** @param {string} text @param {string} [state] */
  function tell(text, state = "") {
    notice.textContent = text;
    notice.dataset.state = state;
  }

  function refocus() {
    if (grid[at.row]?.[at.col]) grid[at.row][at.col].focus();
  }

  function paintSelection() {
    const [top, bottom] = [anchor.row, at.row].sort((a, b) => a - b);
    const [left, right] = [anchor.col, at.col].sort((a, b) => a - b);
    grid.forEach((line, r) => line.forEach((td, c) => {
      const chosen = r >= top && r <= bottom && c >= left && c <= right;
      td.setAttribute("aria-selected", String(chosen));
      td.tabIndex = r === at.row && c === at.col ? 0 : -1;
    }));
  }

  /** @param {number} row @param {number} col @param {boolean} [extend] */
  function move(row, col, extend = false) {
    if (!rows.length || !roles.length) return;
    at = { row: Math.min(Math.max(row, 0), rows.length - 1), col: Math.min(Math.max(col, 0), roles.length - 1) };
    if (!extend) anchor = at;
    if (!touched) { touched = true; paintMode(); }
    paintSelection();
    grid[at.row][at.col].focus();
  }

  /** @returns {[number, number][]} the chosen cells, row by row */
  function chosen() {
    const [top, bottom] = [anchor.row, at.row].sort((a, b) => a - b);
    const [left, right] = [anchor.col, at.col].sort((a, b) => a - b);
    /** @type {[number, number][]} */
    const places = [];
    if (!rows.length || !roles.length) return places;
    for (let r = top; r <= bottom; r += 1) for (let c = left; c <= right; c += 1) places.push([r, c]);
    return places;
  }

  /**
   * Send changed cells, with everything that was not acknowledged before: whatever of it gets lost or
   * overtaken on the way, the last message holds all.
   * @param {Change[]} changes @param {boolean} [save]
   */
  function send(changes, save = false) {
    const seq = Math.max(model.get("done"), model.get("edit").seq) + 1;
    if (changes.length) waiting.sent.push({ seq, changes });
    if (save) waiting.save = seq;
    paintCells();
    model.set("edit", { seq, changes: waiting.sent.flatMap((s) => s.changes), save: waiting.save });
    model.save_changes();
    setTimeout(() => {
      if (!signal.aborted && model.get("done") < seq) tell("No answer yet: what you typed last is not kept.", "lost");
    }, PATIENCE);
  }

  /** @param {Change[]} changes */
  function apply(changes) {
    if (readOnly()) return;
    tell("");
    const after = changes.filter(([r, c, text]) => text !== textAt(r, c));
    if (!after.length) return;
    done.push({ before: after.map(([r, c]) => [r, c, textAt(r, c)]), after });
    undone.length = 0;
    send(after);
  }

  /**
   * Step back or forth; a cell that somebody else has changed since is left as it is, and said.
   * @param {{ before: Change[], after: Change[] }[]} from @param {{ before: Change[], after: Change[] }[]} to
   * @param {"before" | "after"} goal
   */
  function step(from, to, goal) {
    const last = from.pop();
    if (!last || readOnly()) return;
    to.push(last);
    const now = goal === "before" ? last.after : last.before;
    const free = last[goal].filter((_change, i) => textAt(now[i][0], now[i][1]) === now[i][2]);
    tell(free.length < now.length ? "Cells that were changed since are left as they are." : "");
    if (free.length) send(free);
    move(last[goal][0][0], last[goal][0][1]);
  }

  const undo = () => step(done, undone, "before");
  const redo = () => step(undone, done, "after");

  /** @param {string} text */
  const fill = (text) => apply(chosen().map(([r, c]) => [r, c, text]));

  /** Put a letter into the chosen cells; `add` keeps what is there. @param {string} letter @param {boolean} add */
  function write(letter, add) {
    const strange = add && chosen().some(([r, c]) => textAt(r, c).split("/").some((p) => p && !order.includes(p)));
    apply(chosen().map(([r, c]) => {
      if (!add) return [r, c, letter];
      const parts = new Set(textAt(r, c).split("/").filter(Boolean));
      if ([...parts].some((p) => !order.includes(p))) return [r, c, textAt(r, c)];
      if (parts.has(letter)) parts.delete(letter); else parts.add(letter);
      return [r, c, order.filter((l) => parts.has(l)).join("/")];
    }));
    if (strange) tell("A letter is not added to text that is no code; type it without Shift to replace it.");
  }

  function cycle() {
    const next = order[order.indexOf(textAt(at.row, at.col)) + 1] ?? "";
    apply([[at.row, at.col, next]]);
  }

  /** Put a block where the selection begins; one value alone fills the selection. @param {string} text */
  function paste(text) {
    if (!text) return;
    const block = parseBlock(text);
    if (block.length === 1 && block[0].length === 1) { fill(canonical(block[0][0])); return; }
    const [top, left] = [Math.min(at.row, anchor.row), Math.min(at.col, anchor.col)];
    /** @type {Change[]} */
    const changes = [];
    let outside = 0;
    block.forEach((line, i) => line.forEach((cell, j) => {
      if (top + i < rows.length && left + j < roles.length) changes.push([top + i, left + j, canonical(cell)]);
      else outside += 1;
    }));
    apply(changes);
    if (outside) tell(`${outside} pasted cell${outside > 1 ? "s" : ""} lay outside the grid and ${outside > 1 ? "were" : "was"} left out.`);
  }

  /** What Python's reading of a cell gives for known letters; other text stays, to be reported. @param {string} text */
  function canonical(text) {
    const plain = text.trim().toUpperCase();
    if (["", "-", "–", "—", ".", "N/A"].includes(plain)) return "";
    const parts = plain.split(/[/,;+&\s]+/).filter(Boolean);
    const codes = parts.flatMap((p) => ([...p].every((l) => order.includes(l)) ? [...p] : [p]));
    return codes.every((c) => order.includes(c)) ? order.filter((l) => codes.includes(l)).join("/") : text.replace(/[\p{C}\s]+/gu, " ").trim().slice(0, MAX_TEXT);
  }

  const copied = () => {
    const places = chosen();
    const width = new Set(places.map(([, c]) => c)).size;
    const texts = places.map(([r, c]) => textAt(r, c));
    const lines = [];
    for (let i = 0; i < texts.length; i += width) lines.push(texts.slice(i, i + width).join("\t"));
    return lines.join("\n");
  };

  /** @type {Record<string, (extend: boolean, far: boolean) => void>} */
  const MOVES = {
    ArrowRight: (extend) => move(at.row, at.col + 1, extend),
    ArrowLeft: (extend) => move(at.row, at.col - 1, extend),
    ArrowDown: (extend) => move(at.row + 1, at.col, extend),
    ArrowUp: (extend) => move(at.row - 1, at.col, extend),
    Enter: (extend) => move(at.row + (extend ? -1 : 1), at.col),
    Home: (extend, far) => move(far ? 0 : at.row, 0, extend),
    End: (extend, far) => move(far ? rows.length - 1 : at.row, roles.length - 1, extend),
    PageDown: (extend) => move(at.row + 10, at.col, extend),
    PageUp: (extend) => move(at.row - 10, at.col, extend),
    Delete: () => fill(""),
    Backspace: () => fill(""),
  };

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { key, shiftKey } = event;
    const far = event.ctrlKey || event.metaKey;
    // A notebook acts on keys that bubble up to it: "b" adds a cell, Ctrl+Shift+M merges cells. Ctrl+S may pass.
    if (!(far && key.toLowerCase() === "s")) event.stopPropagation();
    if (key === "Tab" || key === "Escape") return;
    const lower = key.toLowerCase();
    if (far && (lower === "z" || lower === "y")) {
      if (lower === "y" || shiftKey) redo(); else undo();
    } else if (far && lower === "a") {
      anchor = { row: 0, col: 0 };
      move(rows.length - 1, roles.length - 1, true);
    } else if (MOVES[key]) {
      MOVES[key](shiftKey, far);
    } else if (!far && !event.altKey && order.includes(key.toUpperCase())) {
      write(key.toUpperCase(), shiftKey);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** @param {Event} event @returns {HTMLTableCellElement | null} */
  const cellOf = (event) => /** @type {Element} */ (event.target).closest?.("td[data-row]") ?? null;

  /** Choose by mouse: a click chooses, Shift or a drag extends, a click on the chosen cell takes the next letter. @param {MouseEvent} event */
  function point(event) {
    const td = cellOf(event);
    if (!td || event.button || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const [row, col] = [Number(td.dataset.row), Number(td.dataset.col)];
    const alone = row === at.row && col === at.col && anchor === at && document.activeElement === td;
    if (event.detail <= 1) cycling = alone && !event.shiftKey;
    dragging = true;
    move(row, col, event.shiftKey);
  }

  /** @param {MouseEvent} event */
  function drag(event) {
    const td = dragging && event.buttons === 1 ? cellOf(event) : null;
    if (!td || (Number(td.dataset.row) === at.row && Number(td.dataset.col) === at.col)) return;
    cycling = false;
    move(Number(td.dataset.row), Number(td.dataset.col), true);
  }

  /** @param {MouseEvent} event */
  function release(event) {
    if (dragging && cycling && cellOf(event)) cycle();
    dragging = false;
  }

  buildTable();
  buildTools();
  table.addEventListener("keydown", press, { signal });
  table.addEventListener("mousedown", point, { signal });
  table.addEventListener("mouseover", drag, { signal });
  table.addEventListener("mouseup", release, { signal });
  addEventListener("beforeunload", (event) => {
    if (model.get("can_save") && (waiting.sent.length || ["changed", "conflict"].includes(model.get("status").state))) event.preventDefault();
  }, { signal });
  table.addEventListener("copy", (event) => {
    event.clipboardData?.setData("text/plain", copied());
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  table.addEventListener("cut", (event) => {
    event.clipboardData?.setData("text/plain", copied());
    fill("");
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  table.addEventListener("paste", (event) => {
    paste(event.clipboardData?.getData("text/plain") ?? "");
    event.preventDefault();
    event.stopPropagation();
  }, { signal });
  for (const type of ["keydown", "keyup", "keypress"]) {
    tools.addEventListener(type, (event) => event.stopPropagation(), { signal });
    list.addEventListener(type, (event) => event.stopPropagation(), { signal });
  }

  /** @type {[string, () => void][]} */
  const watched = [
    ["change:cells", paintCells],
    ["change:edit", paintCells],
    ["change:done", acknowledge],
    ["change:clashes", paintClashes],
    ["change:findings", paintFindings],
    ["change:status", paintStatus],
    ["change:read_only", paintMode],
    ["change:can_save", paintMode],
  ];
  for (const [event, act] of watched) model.on(event, act);
  signal.addEventListener("abort", () => watched.forEach(([event, act]) => model.off(event, act)));

  paintCells();
  paintFindings();
  paintStatus();
  paintClashes();
  paintSelection();
}

export default () => {
  /** @type {Waiting} */
  const waiting = { sent: [], save: 0 };
  return { render: (/** @type {RenderProps<State>} */ props) => render(props, waiting) };
};
