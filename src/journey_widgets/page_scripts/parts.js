// @ts-check

/**
 * Make an element. Text from data is always set as text, never as HTML.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} name @param {string} [text] @param {Record<string, string>} [attributes]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(name, text = "", attributes = {}) {
  const element = document.createElement(name);
  if (text) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** One line of text without control characters. @param {string} text */
export const oneLine = (text) => text.replace(/[\p{Cc}\p{Cs}]+/gu, " ").trim();

/** @param {number} n @param {string} word */
export const count = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** By what a control is known again when it was drawn anew. @param {Element} node */
const known = (node) => /** @type {HTMLElement} */ (node).dataset.key || node.ariaLabel || node.textContent || "";

/** Put other children in a box; whoever was at one of its controls stays there. @param {HTMLElement} box @param {Node[]} children */
export function redraw(box, ...children) {
  const was = document.activeElement;
  const key = was && was !== box && box.contains(was) ? known(was) : "";
  box.replaceChildren(...children);
  if (!key) return;
  const again = [...box.querySelectorAll("button, select, input")].find((node) => known(node) === key);
  /** @type {HTMLElement | undefined} */ (again)?.focus({ preventScroll: true });
}

/** Spreadsheet text, tabs between cells; a quoted cell may hold tabs and line breaks. @param {string} text */
export function parseBlock(text) {
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

/** @param {string} text @param {string} title @param {() => void} act @param {AbortSignal} signal @param {string} [more] */
export function tool(text, title, act, signal, more = "") {
  const button = make("button", text, { type: "button", title, ...(more ? { class: more } : {}) });
  button.addEventListener("click", act, { signal });
  return button;
}

/** Follow the pointer until it is released, or the gesture is taken back. @param {AbortSignal} signal @param {(e: PointerEvent) => void} follow @param {(kept: boolean, e: Event) => void} end */
export function gesture(signal, follow, end) {
  const over = new AbortController();
  const stop = (/** @type {boolean} */ kept, /** @type {Event} */ e) => { over.abort(); end(kept, e); };
  signal.addEventListener("abort", () => over.abort(), { signal: over.signal });
  window.addEventListener("pointermove", follow, { signal: over.signal });
  window.addEventListener("pointerup", (e) => stop(true, e), { signal: over.signal });
  window.addEventListener("pointercancel", (e) => stop(false, e), { signal: over.signal });
  window.addEventListener("keydown", (e) => { if (e.key === "Escape") { e.stopPropagation(); stop(false, e); } }, { signal: over.signal, capture: true });
}

/**
 * Open a menu at a place of the window. Escape, Tab and a press elsewhere close it.
 * @param {HTMLElement} el @param {AbortSignal} signal @param {string} label @param {[string, () => void][]} entries
 * @param {number} x @param {number} y @param {() => void} closed
 */
export function openMenu(el, signal, label, entries, x, y, closed) {
  el.querySelector(".jw-menu")?.remove();
  const box = make("div", "", { class: "jw-menu", role: "menu" });
  box.ariaLabel = label;
  const over = new AbortController();
  const close = () => { over.abort(); box.remove(); closed(); };
  for (const [text, act] of entries) {
    const button = make("button", text, { type: "button", role: "menuitem", tabindex: "-1" });
    button.addEventListener("click", () => { close(); act(); }, { signal });
    box.append(button);
  }
  signal.addEventListener("abort", () => over.abort(), { signal: over.signal });
  box.addEventListener("keydown", (e) => {
    e.stopPropagation();
    const all = /** @type {HTMLElement[]} */ ([...box.children]);
    const here = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (e.key === "Escape" || e.key === "Tab") close();
    else if (e.key === "ArrowDown") all[(here + 1) % all.length].focus();
    else if (e.key === "ArrowUp") all[(here + all.length - 1) % all.length].focus();
    else if (e.key === "Home") all[0].focus();
    else if (e.key === "End") all[all.length - 1].focus();
    else return;
    e.preventDefault();
  }, { signal: over.signal });
  document.addEventListener("pointerdown", (e) => { if (!box.contains(/** @type {Node} */ (e.target))) close(); }, { signal: over.signal, capture: true });
  el.append(box);
  const area = el.getBoundingClientRect();
  const [high, wide] = [box.offsetHeight, box.offsetWidth];
  box.style.left = `${Math.max(0, Math.min(x, window.innerWidth - wide - 8) - area.left)}px`;
  box.style.top = `${Math.min(y, Math.max(8, window.innerHeight - high - 8)) - area.top}px`;
  /** @type {HTMLElement | null} */ (box.firstElementChild)?.focus();
}

/** @typedef {"enter" | "enter-back" | "tab" | "tab-back" | "save" | "leave" | "escape"} Ending how somebody stopped typing */

/**
 * Type over what a node shows. What was there is put back; `done` says what was typed, null if it is not kept.
 * @param {HTMLElement} node @param {{ value: string, label: string, longest: number, whole: boolean }} field @param {AbortSignal} signal
 * @param {(text: string | null, how: Ending) => void} done
 * @returns {(keep: boolean) => void} ends it
 */
export function typeOver(node, { value, label, longest, whole }, signal, done) {
  const input = make("input", "", { type: "text", maxlength: String(longest) });
  input.ariaLabel = label;
  input.value = value;
  const kept = [...node.childNodes];
  let over = false;
  const finish = (/** @type {boolean} */ keep, /** @type {Ending} */ how) => {
    if (over) return;
    over = true;
    node.replaceChildren(...kept);
    done(keep ? input.value : null, how);
  };
  input.addEventListener("keydown", (e) => {
    e.stopPropagation();
    const saves = (e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "s";
    if (!["Enter", "Tab", "Escape"].includes(e.key) && !saves) return;
    e.preventDefault();
    if (e.key === "Enter") finish(true, e.shiftKey ? "enter-back" : "enter");
    else if (e.key === "Tab") finish(true, e.shiftKey ? "tab-back" : "tab");
    else if (saves) finish(true, "save");
    else finish(false, "escape");
  }, { signal });
  input.addEventListener("blur", () => finish(true, "leave"), { signal });
  for (const event of ["pointerdown", "mousedown", "paste", "copy", "cut", "dblclick", "contextmenu"]) input.addEventListener(event, (e) => e.stopPropagation(), { signal });
  node.replaceChildren(input);
  input.focus();
  if (whole) input.select();
  return (keep) => finish(keep, "leave");
}

/**
 * The revisions of a document, with a way back to each.
 * @param {{ rev: number, at: string, author: string, note: string, changes: number }[]} revisions
 * @param {((rev: number) => void) | null} restore @param {AbortSignal} signal
 */
export function revisionList(revisions, restore, signal) {
  const ol = make("ol");
  ol.append(...revisions.map((r, i) => {
    const item = make("li");
    item.append(make("strong", `Revision ${r.rev}`), make("span", ` ${r.at}, ${r.author}: ${r.note || "no note"} (${count(r.changes, "change")})`));
    if (i && restore) {
      const button = make("button", "Restore", { type: "button", class: "jw-go" });
      button.ariaLabel = `Restore revision ${r.rev}`;
      button.addEventListener("click", () => restore(r.rev), { signal });
      item.append(" ", button);
    }
    return item;
  }));
  return [make("p", "Restoring saves an earlier revision again, as a new one; the history keeps all."), ol];
}
