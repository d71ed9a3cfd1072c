// @ts-check
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ id: string, label: string, stage: string }} Row */
/** @typedef {{ id: string, label: string }} Role */
/** @typedef {{ letter: string, meaning: string }} Letter */
/** @typedef {{ code: string, severity: string, message: string, question: string, fix: string, row: number, col: number }} Finding */
/** @typedef {{ state: string, text: string }} Status */
/** @typedef {[number, number, string]} Change a row, a column, and the text the cell now has */
/** @typedef {{ rows: Row[], roles: Role[], cells: string[][], letters: Letter[], findings: Finding[], status: Status, edit: { changes: Change[] }, read_only: boolean, can_save: boolean, label: string }} State */

const WORDS = { error: "Error", warn: "Warning", info: "Note" };
const MAX_TEXT = 1000;
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

/** @param {RenderProps<State>} props */
function render({ model, el, signal }) {
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
  let anchor = { row: 0, col: 0 };

  el.classList.add("jw-raci-grid");
  const head = make("div", "", { class: "jw-head" });
  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the matrix" });
  const frame = make("div", "", { class: "jw-frame" });
  const table = make("table", "", { role: "grid", "aria-label": model.get("label") });
  const list = make("ol", "", { class: "jw-findings", "aria-label": "Findings" });
  const help = make("p", "", { class: "jw-help" });
  const saved = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const notice = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  head.append(summary, tools);
  frame.append(table);
  el.append(head, frame, help, list);

  const readOnly = () => model.get("read_only");
  /** @param {number} row @param {number} col */
  const textAt = (row, col) => model.get("cells")[row][col];

  function buildTable() {
    table.setAttribute("aria-rowcount", String(rows.length + 1));
    table.setAttribute("aria-colcount", String(roles.length + 1));
    const line = table.createTHead().insertRow();
    line.setAttribute("role", "row");
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
          const group = body.insertRow();
          group.setAttribute("role", "row");
          group.append(make("th", stage, { class: "jw-stage", role: "rowheader", colspan: String(roles.length + 1), scope: "colgroup" }));
        }
      }
      const tr = body.insertRow();
      tr.setAttribute("role", "row");
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
  }

  function buildTools() {
    const buttons = letters.map((l) => {
      const button = make("button", l.letter, { type: "button", title: l.meaning, class: `jw-letter jw-${l.letter}` });
      button.ariaLabel = l.meaning;
      button.addEventListener("click", (e) => write(l.letter, e.shiftKey), { signal });
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
      tool("Clear", "Clear the chosen cells (Delete)", () => fill("")),
      tool("Undo", "Undo (Ctrl+Z)", undo),
      tool("Redo", "Redo (Ctrl+Y)", redo),
    );
    const save = tool("Save", "Save as a new revision", () => model.send({ type: "save" }));
    save.classList.add("jw-save");
    tools.append(save, saved, notice);
    help.textContent = `Type ${order.join(", ")}; with Shift a letter is added to the cell. Arrows move, Delete clears, a block from a spreadsheet can be pasted.`;
    paintMode();
  }

  function paintMode() {
    tools.hidden = readOnly();
    help.hidden = readOnly();
    table.setAttribute("aria-readonly", String(readOnly()));
    const save = /** @type {HTMLElement} */ (tools.querySelector(".jw-save"));
    save.hidden = !model.get("can_save");
  }

  /** Paint the texts into the cells that are there, so that focus stays where it is. */
  function paintCells() {
    const cells = model.get("cells");
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
      td.ariaLabel = `${rows[r].label}, ${roles[c].label}: ${said}`;
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
    paintSelection();
    grid[at.row][at.col].focus();
  }

  /** @returns {[number, number][]} the chosen cells, row by row */
  function chosen() {
    const [top, bottom] = [anchor.row, at.row].sort((a, b) => a - b);
    const [left, right] = [anchor.col, at.col].sort((a, b) => a - b);
    /** @type {[number, number][]} */
    const cells = [];
    for (let r = top; r <= bottom; r += 1) for (let c = left; c <= right; c += 1) cells.push([r, c]);
    return cells;
  }

  /** Send a few changed cells, not the whole grid. @param {Change[]} changes */
  function send(changes) {
    const cells = structuredClone(model.get("cells"));
    for (const [r, c, text] of changes) cells[r][c] = text;
    model.set("cells", cells); // shown at once; Python makes the same change from `edit`
    paintCells();
    model.set("edit", { changes });
    model.save_changes();
  }

  /** @param {Change[]} changes */
  function apply(changes) {
    if (readOnly()) return;
    notice.textContent = "";
    const after = changes.filter(([r, c, text]) => text !== textAt(r, c));
    if (!after.length) return;
    done.push({ before: after.map(([r, c]) => [r, c, textAt(r, c)]), after });
    undone.length = 0;
    send(after);
  }

  function undo() {
    const last = done.pop();
    if (!last || readOnly()) return;
    undone.push(last);
    send(last.before);
    move(last.before[0][0], last.before[0][1]);
  }

  function redo() {
    const next = undone.pop();
    if (!next || readOnly()) return;
    done.push(next);
    send(next.after);
    move(next.after[0][0], next.after[0][1]);
  }

  /** @param {string} text */
  const fill = (text) => apply(chosen().map(([r, c]) => [r, c, text]));

  /** Put a letter into the chosen cells; `add` keeps what is there. @param {string} letter @param {boolean} add */
  function write(letter, add) {
    apply(chosen().map(([r, c]) => {
      if (!add) return [r, c, letter];
      const parts = new Set(textAt(r, c).split("/").filter(Boolean));
      if (parts.has(letter)) parts.delete(letter); else parts.add(letter);
      return [r, c, order.filter((l) => parts.has(l)).join("/")];
    }));
  }

  function cycle() {
    const next = order[order.indexOf(textAt(at.row, at.col)) + 1] ?? "";
    apply([[at.row, at.col, next]]);
  }

  /** @param {string} text */
  function paste(text) {
    /** @type {Change[]} */
    const changes = [];
    let outside = 0;
    parseBlock(text).forEach((line, i) => line.forEach((cell, j) => {
      const [r, c] = [at.row + i, at.col + j];
      if (r < rows.length && c < roles.length) changes.push([r, c, canonical(cell)]);
      else outside += 1;
    }));
    apply(changes);
    notice.textContent = outside ? `${outside} pasted cell${outside > 1 ? "s" : ""} lay outside the grid and ${outside > 1 ? "were" : "was"} left out.` : "";
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
    const cells = chosen();
    const width = new Set(cells.map(([, c]) => c)).size;
    const texts = cells.map(([r, c]) => textAt(r, c));
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
    // A notebook acts on keys that bubble up to it: "b" adds a cell, "dd" deletes one.
    if (!far) event.stopPropagation();
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

  /** @param {MouseEvent} event */
  function point(event) {
    const td = cellOf(event);
    if (!td) return;
    event.preventDefault();
    const [row, col] = [Number(td.dataset.row), Number(td.dataset.col)];
    const again = document.activeElement === td && row === at.row && col === at.col && anchor === at;
    if (again && !event.shiftKey) cycle(); else move(row, col, event.shiftKey);
  }

  buildTable();
  buildTools();
  table.addEventListener("keydown", press, { signal });
  table.addEventListener("mousedown", point, { signal });
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
  paintSelection();
}

export default { render };
