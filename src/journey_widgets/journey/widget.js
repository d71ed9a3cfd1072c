// @ts-check
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ id: string, label: string, goal?: string, focus?: string, content?: string }} Stage */
/** @typedef {{ id: string, label: string, kind?: string, hidden?: boolean }} Lane */
/** @typedef {{ id: string, label: string, stage: string, lane?: string, channel?: string, online?: boolean, actor?: string, note?: string, emotion?: number, evidence?: string[], kpis?: string[], reviewed_on?: string, review_note?: string }} Touchpoint */
/** @typedef {{ id: string, kind: string, label: string, touchpoint?: string, stage?: string, severity?: string, owner?: string, evidence?: string[], state?: string }} Item */
/** @typedef {{ id: string, method: string, source: string }} Proof */
/** @typedef {{ label: string, stages: Stage[], lanes?: Lane[], touchpoints?: Touchpoint[], items?: Item[], evidence?: Proof[] }} Doc */
/** @typedef {{ seq?: number, step?: number, op: string, list: string, id?: string, field?: string, value?: any, part?: any, before?: string | null }} Edit */
/** @typedef {{ words: string, edits: Edit[] }} Clash a place that somebody else changed too, and the edits that take theirs */
/** @typedef {{ document: Doc, measured: Record<string, { value: number, low: number | null, high: number | null, n: number }>, owners: Record<string, string>, grades: Record<string, string>, known: { items: Record<string, string>, marks: Record<string, string>, methods: Record<string, string> }, findings: { code: string, severity: string, message: string, fix: string, touchpoint: string, remedy: Edit[] }[], status: { state: string, text: string }, clashes: Clash[], edit: { seq: number, edits: Edit[], save: number }, done: number, read_only: boolean, can_save: boolean }} State */
/** @typedef {{ sent: Edit[], save: number }} Waiting what was sent and not acknowledged, shared by all views of a map */

const COLUMN = 104;
const HEAD = 120;
const CARD = 66;
const FEEL = 140;
const PATIENCE = 6000;
const SVG = "http://www.w3.org/2000/svg";

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

/** @param {string} name @param {Record<string, string | number>} attributes */
function draw(name, attributes) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** An id that two people who add something at the same time do not share. @param {string} kind */
function fresh(kind) {
  const letters = [...crypto.getRandomValues(new Uint8Array(6))].map((n) => (n % 36).toString(36));
  return `${kind}_${letters.join("")}`;
}

/** Text as a document takes it: no control characters, one line where that is asked for. @param {string} text @param {boolean} one */
const plain = (text, one) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, " ").replace(one ? /[\t\n]+/g : /$^/, " ").trim();

/** The document with one edit made, as Python makes it. @param {Doc} doc @param {Edit} edit @returns {Doc} */
function applied(doc, edit) {
  const next = structuredClone(doc);
  const body = /** @type {any} */ (next);
  if (edit.list === "journey") {
    if (edit.value === null) delete body[edit.field ?? ""];
    else body[edit.field ?? ""] = edit.value;
    return next;
  }
  const parts = (body[edit.list] ??= []);
  const place = (/** @type {string | null | undefined} */ before) => {
    const found = before == null ? -1 : parts.findIndex((/** @type {any} */ p) => p.id === before);
    return found < 0 ? parts.length : found;
  };
  if (edit.op === "add") {
    parts.splice(place(edit.before), 0, structuredClone(edit.part));
    return next;
  }
  const at = parts.findIndex((/** @type {any} */ p) => p.id === edit.id);
  if (at < 0) return next;
  const [part] = parts.splice(at, 1);
  if (edit.op === "set") {
    if (edit.value === null) delete part[edit.field ?? ""];
    else part[edit.field ?? ""] = edit.value;
    parts.splice(at, 0, part);
  } else if (edit.op === "move") {
    parts.splice(place(edit.before), 0, part);
  } else if (edit.list === "stages") {
    body.items = (body.items ?? []).filter((/** @type {Item} */ i) => i.stage !== edit.id);
  } else if (edit.list === "touchpoints") {
    body.items = (body.items ?? []).filter((/** @type {Item} */ i) => i.touchpoint !== edit.id);
    body.ways = (body.ways ?? []).filter((/** @type {any} */ w) => w.source !== edit.id && w.target !== edit.id);
    body.funnel = (body.funnel ?? []).filter((/** @type {string} */ s) => s !== edit.id);
  }
  return next;
}

/** The edits that turn `after` back into `before`, where `edit` made the one of the other. @param {Doc} before @param {Edit} edit @returns {Edit[]} */
function reversed(before, edit) {
  const body = /** @type {any} */ (before);
  if (edit.list === "journey") return [{ ...edit, value: body[edit.field ?? ""] ?? null }];
  const parts = body[edit.list] ?? [];
  const follower = (/** @type {any[]} */ list, /** @type {string | undefined} */ id) => {
    const at = list.findIndex((p) => p.id === id);
    return list[at + 1]?.id ?? null;
  };
  if (edit.op === "add") return [{ op: "remove", list: edit.list, id: edit.part.id }];
  const part = parts.find((/** @type {any} */ p) => p.id === edit.id);
  if (!part) return [];
  if (edit.op === "set") return [{ ...edit, value: part[edit.field ?? ""] ?? null }];
  if (edit.op === "move") return [{ ...edit, before: follower(parts, edit.id) }];
  /** @type {Edit[]} */
  const back = [{ op: "add", list: edit.list, part, before: follower(parts, edit.id) }];
  if (edit.list === "touchpoints" || edit.list === "stages") {
    for (const list of edit.list === "stages" ? ["items"] : ["items", "ways"]) {
      const all = body[list] ?? [];
      // From the last one on, so that each finds the one that stood after it.
      for (const lost of [...all].reverse()) {
        if ([lost.touchpoint, lost.source, lost.target, edit.list === "stages" ? lost.stage : undefined].includes(edit.id)) {
          back.push({ op: "add", list, part: lost, before: follower(all, lost.id) });
        }
      }
    }
    if (edit.list === "touchpoints" && (body.funnel ?? []).includes(edit.id)) back.push({ op: "set", list: "journey", field: "funnel", value: body.funnel });
  }
  return back;
}

/** @param {RenderProps<State>} props @param {Waiting} waiting */
function render({ model, el, signal }, waiting) {
  el.classList.add("jw-journey-map");
  const readOnly = () => model.get("read_only");
  let doc = shown();
  /** What is chosen: a touchpoint, stage or lane. @type {{ list: string, id: string } | null} */
  let chosen = null;
  /** @type {{ edits: Edit[], back: Edit[] }[]} */
  const past = [];
  /** @type {{ edits: Edit[], back: Edit[] }[]} */
  const future = [];
  /** Clashes that were settled here, until the next save. @type {Set<string>} */
  const settled = new Set();

  const head = make("div", "", { class: "jw-head" });
  const title = make("strong", "", { class: "jw-title" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the map" });
  const saved = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const notice = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const disputed = make("ul", "", { class: "jw-findings", "aria-label": "Changed by somebody else too" });
  const body = make("div", "", { class: "jw-body" });
  const frame = make("div", "", { class: "jw-frame" });
  const board = make("div", "", { class: "jw-board" });
  const panel = make("div", "", { class: "jw-panel", role: "region", "aria-label": "Details" });
  const list = make("ol", "", { class: "jw-findings", "aria-label": "Findings" });
  const help = make("p", "", { class: "jw-help" });
  head.append(title, tools, saved, notice);
  frame.append(board);
  body.append(frame, panel);
  el.append(head, disputed, body, help, list);

  /** What Python holds, with what it has not acknowledged on top. */
  function shown() {
    const done = model.get("done");
    return waiting.sent.filter((e) => (e.seq ?? 0) > done).reduce(applied, structuredClone(model.get("document")));
  }

  const touchpoints = () => doc.touchpoints ?? [];
  const lanes = () => (doc.lanes ?? []).filter((l) => !l.hidden);
  const hiddenLanes = () => new Set((doc.lanes ?? []).filter((l) => l.hidden).map((l) => l.id));
  const itemsAt = (/** @type {string} */ id) => (doc.items ?? []).filter((i) => i.touchpoint === id);
  /** Touchpoints in the order they are drawn. */
  const inOrder = () => {
    const gone = hiddenLanes();
    return doc.stages.flatMap((s) => touchpoints().filter((t) => t.stage === s.id && !gone.has(t.lane ?? "")));
  };

  /** Where everything stands: one column a touchpoint, an empty stage has one of its own. */
  function plan() {
    /** @type {Map<string, number>} */
    const column = new Map();
    /** @type {{ stage: Stage, from: number, to: number }[]} */
    const spans = [];
    let x = 0;
    const gone = hiddenLanes();
    for (const stage of doc.stages) {
      const own = touchpoints().filter((t) => t.stage === stage.id && !gone.has(t.lane ?? ""));
      own.forEach((t, i) => column.set(t.id, x + i));
      spans.push({ stage, from: x, to: x + Math.max(own.length, 1) });
      x += Math.max(own.length, 1);
    }
    const rows = lanes().map((l) => ({ id: l.id, label: l.label }));
    const known = new Set(rows.map((r) => r.id));
    if (!rows.length || inOrder().some((t) => !known.has(t.lane ?? ""))) rows.push({ id: "", label: rows.length ? "In no lane" : "Touchpoints" });
    return { column, spans, rows, columns: x };
  }

  const TOP = 58;
  const center = (/** @type {number} */ column) => HEAD + column * COLUMN + COLUMN / 2;

  function paint() {
    doc = shown();
    title.textContent = doc.label;
    const { column, spans, rows, columns } = plan();
    const feelTop = TOP + rows.length * (CARD + 12) + 6;
    const most = Math.max(0, ...inOrder().map((t) => itemsAt(t.id).length));
    const height = feelTop + FEEL + 24 + Math.min(most, 4) * 22 + 26;
    board.style.width = `${HEAD + columns * COLUMN + 8}px`;
    board.style.height = `${height}px`;
    const active = /** @type {HTMLElement | SVGElement | null} */ (document.activeElement);
    const focused = active && board.contains(active) ? active.dataset.key : undefined;
    const parts = [];

    for (const { stage, from, to } of spans) {
      const button = make("button", "", { type: "button", class: "jw-stage" });
      button.append(make("strong", stage.label), make("span", stage.goal ?? ""));
      place(button, HEAD + from * COLUMN + 2, 2, (to - from) * COLUMN - 4, TOP - 8);
      button.dataset.key = `stages:${stage.id}`;
      button.ariaLabel = `Stage ${stage.label}`;
      button.title = stage.goal ?? "";
      button.addEventListener("click", () => choose("stages", stage.id), { signal });
      parts.push(button);
    }
    rows.forEach((row, r) => {
      const name = make("button", row.label, { type: "button", class: "jw-lane" });
      place(name, 2, TOP + r * (CARD + 12), HEAD - 8, CARD);
      name.dataset.key = `lanes:${row.id}`;
      name.ariaLabel = `Lane ${row.label}`;
      name.disabled = row.id === "";
      name.addEventListener("click", () => choose("lanes", row.id), { signal });
      const line = make("div", "", { class: "jw-line" });
      place(line, 0, TOP + r * (CARD + 12) - 6, HEAD + columns * COLUMN, 0);
      parts.push(line, name);
    });
    for (const t of inOrder()) parts.push(card(t, column.get(t.id) ?? 0, rows));
    const line = make("div", "", { class: "jw-line" });
    place(line, 0, feelTop, HEAD + columns * COLUMN, 0);
    /** @param {string} text @param {number} y @param {string} [more] */
    const row = (text, y, more = "") => {
      const name = make("span", text, { class: `jw-row ${more}` });
      place(name, 2, y, HEAD - 8, 20);
      return name;
    };
    parts.push(
      line, row("How it feels", feelTop + 34), row("very good", feelTop + 6, "jw-scale"), row("neither", feelTop + FEEL / 2 - 8, "jw-scale"),
      row("very bad", feelTop + FEEL - 22, "jw-scale"), curve(column, feelTop, columns), row("Accountable", height - 24),
    );
    if (most) parts.push(row("Noted", feelTop + FEEL + 20));
    for (const t of inOrder()) {
      itemsAt(t.id).slice(0, 4).forEach((item, i) => parts.push(mark(item, column.get(t.id) ?? 0, feelTop + FEEL + 20 + i * 22)));
      const owner = make("span", model.get("owners")[t.id] ?? "", { class: "jw-owner" });
      owner.title = `Accountable: ${model.get("owners")[t.id] ?? "nobody yet"}`;
      place(owner, center(column.get(t.id) ?? 0) - COLUMN / 2 + 2, height - 24, COLUMN - 4, 22);
      parts.push(owner);
    }
    settle(parts);
    if (focused && !board.contains(document.activeElement)) /** @type {HTMLElement | null} */ (board.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus({ preventScroll: true });
    paintTools();
  }

  /** Bring the board to these parts, touching only what changed: what is being pressed or focused stays. @param {(HTMLElement | SVGElement)[]} parts */
  function settle(parts) {
    parts.forEach((part, i) => { part.dataset.key ??= `part:${i}`; });
    const wanted = new Set(parts.map((part) => part.dataset.key));
    const key = (/** @type {Element | null} */ node) => /** @type {HTMLElement | null} */ (node)?.dataset.key;
    const old = new Map([...board.children].map((node) => [key(node), node]));
    let at = board.firstElementChild;
    for (const part of parts) {
      while (at && !wanted.has(key(at))) { const gone = at; at = at.nextElementSibling; gone.remove(); }
      const known = old.get(part.dataset.key);
      const node = known && known.isEqualNode(part) ? known : part;
      if (at === known && at) {
        const after = at.nextElementSibling;
        if (node !== at) at.replaceWith(node);
        at = after;
      } else {
        if (known && node !== known) known.remove();
        board.insertBefore(node, at);
      }
    }
    while (at) { const gone = at; at = at.nextElementSibling; gone.remove(); }
  }

  /** @param {HTMLElement} node @param {number} x @param {number} y @param {number} width @param {number} height */
  function place(node, x, y, width, height) {
    Object.assign(node.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: height ? `${height}px` : "" });
  }

  /** @param {Touchpoint} t @param {number} column @param {{ id: string }[]} rows */
  function card(t, column, rows) {
    const r = Math.max(rows.findIndex((row) => row.id === (t.lane ?? "")), 0);
    const found = rows.findIndex((row) => row.id === (t.lane ?? "")) < 0 ? rows.length - 1 : r;
    const button = make("button", "", { type: "button", class: "jw-card" });
    button.append(make("strong", t.label), make("span", t.channel ?? "", { class: "jw-channel" }));
    button.dataset.key = `touchpoints:${t.id}`;
    button.dataset.id = t.id;
    button.setAttribute("aria-pressed", String(chosen?.list === "touchpoints" && chosen.id === t.id));
    const stage = doc.stages.find((s) => s.id === t.stage);
    button.ariaLabel = `${t.label}, ${stage?.label ?? t.stage}`;
    button.title = [t.label, t.channel, t.note].filter(Boolean).join("\n");
    const broken = model.get("findings").find((f) => f.touchpoint === t.id);
    if (broken) { button.dataset.severity = broken.severity; button.title += `\n${broken.message}`; }
    place(button, HEAD + column * COLUMN + 4, TOP + found * (CARD + 12), COLUMN - 8, CARD);
    button.addEventListener("click", () => choose("touchpoints", t.id), { signal });
    const now = () => touchpoints().find((o) => o.id === t.id) ?? t;
    button.addEventListener("keydown", (e) => cardKeys(e, now()), { signal });
    button.addEventListener("pointerdown", (e) => { if (!readOnly()) drag(e, now()); }, { signal });
    return button;
  }

  /** @param {Item} item @param {number} column @param {number} y */
  function mark(item, column, y) {
    const all = (doc.items ?? []).filter((i) => i.kind === item.kind);
    const { marks, items } = model.get("known");
    const text = `${marks[item.kind]}${all.indexOf(item) + 1}`;
    const button = make("button", text, { type: "button", class: `jw-mark jw-${item.kind}` });
    button.dataset.severity = item.severity ?? "medium";
    button.dataset.key = `mark:${item.id}`;
    button.ariaLabel = `${items[item.kind]}: ${item.label}`;
    button.title = `${items[item.kind]}: ${item.label}`;
    place(button, center(column) - 18, y, 36, 18);
    button.addEventListener("click", () => choose("touchpoints", item.touchpoint ?? ""), { signal });
    return button;
  }

  /** The emotion curve: judged points can be dragged, measured ones stand beside them. @param {Map<string, number>} column @param {number} top @param {number} columns */
  function curve(column, top, columns) {
    const svg = draw("svg", { class: "jw-curve", width: columns * COLUMN, height: FEEL, role: "group", "aria-label": "How it feels, from -2 to 2" });
    svg.style.left = `${HEAD}px`;
    svg.style.top = `${top}px`;
    const y = (/** @type {number} */ value) => FEEL / 2 - (value / 2) * (FEEL / 2 - 14);
    for (const value of [2, 0, -2]) svg.append(draw("line", { x1: 0, x2: columns * COLUMN, y1: y(value), y2: y(value), class: "jw-guide" }));
    const measured = model.get("measured");
    const order = inOrder();
    /** @param {(t: Touchpoint) => number | undefined} read @param {string} name */
    const line = (read, name) => {
      let path = "";
      let before = -2;
      order.forEach((t, i) => {
        const value = read(t);
        if (value === undefined) return;
        const x = (column.get(t.id) ?? 0) * COLUMN + COLUMN / 2;
        path += `${before === i - 1 ? "L" : "M"}${x} ${y(value)}`;
        before = i;
      });
      svg.append(draw("path", { d: path || "M0 0", class: name }));
    };
    line((t) => measured[t.id]?.value, "jw-said");
    line((t) => t.emotion, "jw-judged");
    for (const t of order) {
      const x = (column.get(t.id) ?? 0) * COLUMN + COLUMN / 2;
      const said = measured[t.id];
      if (said) {
        if (said.low !== null && said.high !== null) svg.append(draw("line", { x1: x, x2: x, y1: y(said.low), y2: y(said.high), class: "jw-said" }));
        const dot = draw("circle", { cx: x, cy: y(said.value), r: 4, class: "jw-said-dot" });
        dot.append(draw("title", {}));
        dot.firstChild && (dot.firstChild.textContent = `${said.n} answers: ${said.value.toFixed(1)}`);
        svg.append(dot);
      }
      svg.append(handle(t, x, y));
    }
    return svg;
  }

  /** @param {Touchpoint} t @param {number} x @param {(value: number) => number} y */
  function handle(t, x, y) {
    const known = t.emotion !== undefined;
    const dot = /** @type {SVGCircleElement} */ (draw("circle", {
      cx: x, cy: y(t.emotion ?? 0), r: 7, class: known ? "jw-handle" : "jw-handle jw-empty",
      role: "slider", "aria-label": `How ${t.label} feels`, "aria-valuemin": -2, "aria-valuemax": 2,
      "aria-valuenow": t.emotion ?? 0, "aria-valuetext": known ? String(t.emotion) : "not judged", "aria-disabled": String(readOnly()),
      tabindex: readOnly() ? -1 : 0,
    }));
    dot.dataset.key = `emotion:${t.id}`;
    if (readOnly()) return dot;
    const now = () => touchpoints().find((o) => o.id === t.id) ?? t;
    const set = (/** @type {number | null} */ value) => change([{ op: "set", list: "touchpoints", id: t.id, field: "emotion", value }]);
    dot.addEventListener("keydown", (e) => {
      const steps = /** @type {Record<string, number>} */ ({ ArrowUp: 0.5, ArrowRight: 0.5, ArrowDown: -0.5, ArrowLeft: -0.5 });
      const felt = now().emotion;
      if (e.key in steps) set(Math.min(2, Math.max(-2, (felt ?? 0) + (felt === undefined ? 0 : steps[e.key]))));
      else if (e.key === "Home") set(-2);
      else if (e.key === "End") set(2);
      else if (e.key === "Delete" || e.key === "Backspace") set(null);
      else return;
      e.preventDefault();
      e.stopPropagation();
    }, { signal });
    dot.addEventListener("pointerdown", (e) => {
      if (e.button !== 0) return;
      e.preventDefault();
      dot.focus({ preventScroll: true });
      let value = now().emotion ?? 0;
      let moved = false;
      // What is drawn may be drawn anew meanwhile: curve and point are looked up each time.
      const follow = (/** @type {PointerEvent} */ p) => {
        const svg = board.querySelector(".jw-curve");
        if (!svg) return;
        moved = true;
        const raw = (-(p.clientY - svg.getBoundingClientRect().top - FEEL / 2) / (FEEL / 2 - 14)) * 2;
        value = Math.round(Math.min(2, Math.max(-2, raw)) * 10) / 10;
        board.querySelector(`[data-key="${CSS.escape(`emotion:${t.id}`)}"]`)?.setAttribute("cy", String(y(value)));
      };
      gesture(follow, (kept) => { if (moved && kept) set(value); else { board.querySelector(".jw-curve")?.remove(); paint(); } });
    }, { signal });
    return dot;
  }

  /** Follow the pointer until it is released, or the gesture is taken back (Escape, or by the system). @param {(e: PointerEvent) => void} follow @param {(kept: boolean, e: Event) => void} end */
  function gesture(follow, end) {
    const over = new AbortController();
    const stop = (/** @type {boolean} */ kept, /** @type {Event} */ e) => { over.abort(); end(kept, e); };
    signal.addEventListener("abort", () => over.abort(), { signal: over.signal });
    window.addEventListener("pointermove", follow, { signal: over.signal });
    window.addEventListener("pointerup", (e) => stop(true, e), { signal: over.signal });
    window.addEventListener("pointercancel", (e) => stop(false, e), { signal: over.signal });
    window.addEventListener("keydown", (e) => { if (e.key === "Escape") { e.stopPropagation(); stop(false, e); } }, { signal: over.signal, capture: true });
  }

  // --- moving cards -----------------------------------------------------------------------

  /** The edits that bring a card to a stage and lane, before another card or at the stage's end. @param {Touchpoint} t @param {string} stage @param {string} lane @param {string | null} before */
  function moving(t, stage, lane, before) {
    /** @type {Edit[]} */
    const edits = [];
    if (stage !== t.stage) edits.push({ op: "set", list: "touchpoints", id: t.id, field: "stage", value: stage });
    if (lane !== (t.lane ?? "")) edits.push({ op: "set", list: "touchpoints", id: t.id, field: "lane", value: lane || null });
    if (stage === t.stage) {
      const own = inOrder().filter((o) => o.stage === stage);
      const follower = own[own.findIndex((o) => o.id === t.id) + 1]?.id ?? null;
      if (follower === before) return edits; // among those that are seen it stays where it is
    }
    const others = touchpoints().filter((o) => o.id !== t.id);
    let target = before;
    if (target === null) {
      // After the last card of the stage, so that the order in the file follows the map.
      const last = others.map((o) => o.stage).lastIndexOf(stage);
      target = others[last + 1]?.id ?? null;
      if (last < 0) {
        const later = doc.stages.slice(doc.stages.findIndex((s) => s.id === stage) + 1).map((s) => s.id);
        target = others.find((o) => later.includes(o.stage))?.id ?? null;
      }
    }
    const all = touchpoints();
    const now = all[all.findIndex((o) => o.id === t.id) + 1]?.id ?? null;
    if (target !== now && target !== t.id) edits.push({ op: "move", list: "touchpoints", id: t.id, before: target });
    return edits;
  }

  /** @param {KeyboardEvent} e @param {Touchpoint} t */
  function cardKeys(e, t) {
    const order = inOrder();
    const at = order.findIndex((o) => o.id === t.id);
    if (e.altKey && !readOnly() && ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].includes(e.key)) {
      e.preventDefault();
      e.stopPropagation();
      if (e.key === "ArrowUp" || e.key === "ArrowDown") {
        const rows = lanes().map((l) => l.id);
        if (!rows.length) return;
        const here = rows.includes(t.lane ?? "") ? rows.indexOf(t.lane ?? "") : rows.length;
        const next = here + (e.key === "ArrowDown" ? 1 : -1);
        if (next >= 0 && next < rows.length) change(moving(t, t.stage, rows[next], order.slice(at + 1).find((o) => o.stage === t.stage)?.id ?? null), `${t.label} is now in lane ${lanes()[next].label}.`);
        return;
      }
      const stages = doc.stages.map((s) => s.id);
      const own = order.filter((o) => o.stage === t.stage);
      const place = own.findIndex((o) => o.id === t.id);
      const lane = t.lane ?? "";
      if (e.key === "ArrowRight") {
        if (place < own.length - 1) change(moving(t, t.stage, lane, own[place + 2]?.id ?? null));
        else {
          const next = stages[stages.indexOf(t.stage) + 1];
          if (next) change(moving(t, next, lane, order.find((o) => o.stage === next)?.id ?? null), `${t.label} is now in ${doc.stages.find((s) => s.id === next)?.label}.`);
        }
      } else if (place > 0) change(moving(t, t.stage, lane, own[place - 1].id));
      else {
        const next = stages[stages.indexOf(t.stage) - 1];
        if (next) change(moving(t, next, lane, null), `${t.label} is now in ${doc.stages.find((s) => s.id === next)?.label}.`);
      }
      return;
    }
    if (e.key === "ArrowRight" || e.key === "ArrowLeft") {
      e.preventDefault();
      focusCard(order[at + (e.key === "ArrowRight" ? 1 : -1)]?.id);
    } else if ((e.key === "Delete" || e.key === "Backspace") && !readOnly()) {
      e.preventDefault();
      remove(t);
    } else if (e.key === "F2" && !readOnly()) {
      e.preventDefault();
      choose("touchpoints", t.id);
      /** @type {HTMLInputElement | null} */ (panel.querySelector("input"))?.select();
    }
  }

  /** @param {string | undefined} id */
  function focusCard(id) {
    const card = id && /** @type {HTMLElement | null} */ (board.querySelector(`[data-key="${CSS.escape(`touchpoints:${id}`)}"]`));
    if (card) card.focus();
    else /** @type {HTMLElement | null} */ (tools.querySelector("button"))?.focus();
  }

  /** @param {PointerEvent} e @param {Touchpoint} t */
  function drag(e, t) {
    if (e.button !== 0) return;
    const startX = e.clientX;
    const startY = e.clientY;
    let moved = false;
    const bar = make("div", "", { class: "jw-drop" });
    /** @type {Edit[]} */
    let edits = [];
    const follow = (/** @type {PointerEvent} */ p) => {
      const dx = p.clientX - startX;
      const dy = p.clientY - startY;
      if (!moved && Math.hypot(dx, dy) < 6) return;
      moved = true;
      const button = /** @type {HTMLElement | null} */ (board.querySelector(`[data-key="${CSS.escape(`touchpoints:${t.id}`)}"]`));
      button?.classList.add("jw-dragged");
      if (button) button.style.transform = `translate(${dx}px, ${dy}px)`;
      const area = board.getBoundingClientRect();
      const x = p.clientX - area.left - HEAD;
      const row = Math.floor((p.clientY - area.top - TOP + 6) / (CARD + 12));
      const { column, spans, rows } = plan();
      const lane = rows[Math.min(Math.max(row, 0), rows.length - 1)].id;
      const span = spans.find((s) => x < s.to * COLUMN) ?? spans[spans.length - 1];
      const own = inOrder().filter((o) => o.stage === span.stage.id && o.id !== t.id);
      const before = own.find((o) => x < (column.get(o.id) ?? 0) * COLUMN + COLUMN / 2)?.id ?? null;
      edits = moving(t, span.stage.id, lane, before);
      const edge = before === null ? (own.length ? (column.get(own[own.length - 1].id) ?? 0) + 1 : span.from) : column.get(before) ?? 0;
      place(bar, HEAD + edge * COLUMN - 2, TOP, 3, rows.length * (CARD + 12));
      if (!bar.isConnected) board.append(bar);
      if (frame.scrollWidth > frame.clientWidth) {
        const view = frame.getBoundingClientRect();
        if (p.clientX > view.right - 40) frame.scrollLeft += 18;
        if (p.clientX < view.left + 40) frame.scrollLeft -= 18;
      }
    };
    gesture(follow, (kept) => {
      if (!moved) return;
      // The click that ends a drag chooses nothing.
      const ignore = (/** @type {Event} */ c) => c.stopPropagation();
      board.addEventListener("click", ignore, { capture: true, once: true });
      setTimeout(() => board.removeEventListener("click", ignore, { capture: true }));
      bar.remove();
      if (kept && edits.length) change(edits); else paint();
    });
  }

  // --- the side panel ---------------------------------------------------------------------

  frame.addEventListener("scroll", () => board.style.setProperty("--jw-scroll", `${frame.scrollLeft}px`), { signal });

  /** @param {string} list @param {string} id */
  function choose(list, id) {
    chosen = { list, id };
    board.querySelectorAll(".jw-card").forEach((node) => node.setAttribute("aria-pressed", String(list === "touchpoints" && /** @type {HTMLElement} */ (node).dataset.id === id)));
    paintPanel();
    // The panel has taken room: what was chosen stays in sight.
    const node = /** @type {HTMLElement | null} */ (board.querySelector(`[data-key="${CSS.escape(`${list}:${id}`)}"]`));
    if (node && list === "touchpoints") {
      const right = node.offsetLeft + node.offsetWidth + 12;
      if (right > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = right - frame.clientWidth;
    }
  }

  /** What the panel was built for, and how each of its controls is brought up to the document. */
  let built = "";
  let building = false;
  /** @type {(() => void)[]} */
  let refresh = [];

  /** Bring a control up to the document, but for the one that is being typed in. @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} control @param {() => string} read */
  function follow(control, read) {
    let last = read();
    control.value = last;
    const update = () => {
      // What was typed and not sent yet stays; what was only shown follows the document.
      const typed = control === document.activeElement && !(control instanceof HTMLSelectElement) && control.value !== last;
      last = read();
      if (!typed) control.value = last;
    };
    refresh.push(update);
    control.addEventListener("blur", () => setTimeout(update), { signal });
  }

  /** @param {string} label @param {HTMLElement} control */
  function field(label, control) {
    const box = make("label", "", { class: "jw-field" });
    box.append(make("span", label), control);
    control.ariaLabel = label;
    /** @type {HTMLInputElement} */ (control).disabled = readOnly();
    return box;
  }

  /** @param {() => string} read @param {(value: string) => void} take @param {Record<string, string>} [attributes] */
  function entry(read, take, attributes = {}) {
    const input = make("input", "", { type: "text", maxlength: "3000", ...attributes });
    follow(input, read);
    const commit = () => { if (input.value !== read()) take(plain(input.value, true)); };
    // A date is whole when its field is left; each of its parts is a change of its own.
    input.addEventListener(attributes.type === "date" ? "blur" : "change", commit, { signal });
    return input;
  }

  /** @param {() => string} read @param {(value: string) => void} take */
  function area(read, take) {
    const input = make("textarea", "", { rows: "2", maxlength: "100000" });
    follow(input, read);
    input.addEventListener("change", () => take(plain(input.value, false)), { signal });
    return input;
  }

  /** @param {[string, string][] | (() => [string, string][])} options @param {() => string} read @param {(value: string) => void} take */
  function pick(options, read, take) {
    const select = make("select");
    let offered = "";
    const offer = () => {
      const wanted = typeof options === "function" ? options() : options;
      if (JSON.stringify(wanted) === offered) return;
      offered = JSON.stringify(wanted);
      select.replaceChildren(...wanted.map(([key, label]) => new Option(label, key)));
    };
    offer();
    refresh.push(offer);
    follow(select, read);
    select.addEventListener("change", () => take(select.value), { signal });
    return select;
  }

  /** The chosen part as it is now. @param {string} list @param {string} id @returns {any} */
  const partOf = (list, id) => (/** @type {any} */ (doc)[list] ?? []).find((/** @type {any} */ p) => p.id === id);

  /** Build the panel anew where other things are in it; otherwise only bring its values up to date. */
  function paintPanel() {
    if (building) return;
    const part = chosen && partOf(chosen.list, chosen.id);
    panel.hidden = !part;
    if (!part || !chosen) { built = ""; return; }
    const wanted = JSON.stringify([chosen, readOnly(), (doc.evidence ?? []).map((e) => e.id), notesOf(chosen.list, chosen.id).map((i) => i.id)]);
    if (wanted === built) { refresh.forEach((act) => act()); return; }
    const active = document.activeElement;
    if (active instanceof HTMLElement && panel.contains(active)) {
      building = true; // what was typed is sent before its field goes
      active.blur();
      building = false;
      doc = shown();
    }
    built = wanted;
    refresh = [];
    const { list, id } = chosen;
    const set = (/** @type {string} */ name, /** @type {any} */ value) => change([{ op: "set", list, id, field: name, value: value === "" ? null : value }]);
    const read = (/** @type {string} */ name) => () => String(partOf(list, id)?.[name] ?? "");
    const close = make("button", "×", { type: "button", class: "jw-close", "aria-label": "Close details" });
    close.addEventListener("click", () => { chosen = null; paintPanel(); focusCard(id); }, { signal });
    const top = make("div", "", { class: "jw-panel-head" });
    top.append(make("strong", { touchpoints: "Touchpoint", stages: "Stage", lanes: "Lane" }[list] ?? ""), close);
    panel.replaceChildren(top, field("Name", entry(read("label"), (v) => set("label", v))));
    if (list === "stages") {
      const words = { goal: "What the customer wants", focus: "What we look after", content: "Typical content" };
      panel.append(...Object.entries(words).map(([name, label]) => field(label, area(read(name), (v) => set(name, v)))));
    }
    if (list === "lanes") {
      panel.append(field("Kind", pick([["front_stage", "customers see it"], ["backstage", "behind the scenes"], ["partner", "done by partners"]], () => partOf(list, id)?.kind ?? "front_stage", (v) => set("kind", v))));
    }
    if (list === "touchpoints") buildTouchpoint(id, set, read);
    if (list === "stages") panel.append(...notes(list, id));
    if (list !== "touchpoints" && !readOnly() && /** @type {any} */ (doc)[list].length > 1) {
      const gone = make("button", `Delete this ${list === "lanes" ? "lane" : "stage"}`, { type: "button" });
      const allow = () => {
        gone.disabled = touchpoints().some((t) => (list === "lanes" ? t.lane : t.stage) === id);
        gone.title = gone.disabled ? "Move its touchpoints first" : "";
      };
      allow();
      refresh.push(allow);
      gone.addEventListener("click", () => { chosen = null; change([{ op: "remove", list, id }]); paintPanel(); focusCard(undefined); }, { signal });
      panel.append(gone);
    }
  }

  /** What was noted at a touchpoint, or at a stage as a whole. @param {string} list @param {string} id */
  const notesOf = (list, id) => (doc.items ?? []).filter((i) => (list === "stages" ? i.stage : list === "touchpoints" ? i.touchpoint : undefined) === id);

  /** @param {string} list @param {string} id @returns {HTMLElement[]} */
  function notes(list, id) {
    const parts = [make("strong", "Noted here"), ...notesOf(list, id).map((item) => itemForm(item.id))];
    if (readOnly()) return parts;
    const add = make("button", "Note something", { type: "button", class: "jw-add-note" });
    add.addEventListener("click", () => {
      const place = list === "stages" ? { stage: id } : { touchpoint: id };
      change([{ op: "add", list: "items", part: { id: fresh("note"), kind: "pain_point", label: "New note", ...place }, before: null }]);
      /** @type {HTMLInputElement | undefined} */ ([...panel.querySelectorAll(".jw-item")].at(-1)?.querySelector("input") ?? undefined)?.select();
    }, { signal });
    return [...parts, add];
  }

  /** @param {string} id @param {(name: string, value: any) => void} set @param {(name: string) => () => string} read */
  function buildTouchpoint(id, set, read) {
    const now = () => /** @type {Touchpoint} */ (partOf("touchpoints", id) ?? { id, label: "", stage: "" });
    const laneOptions = () => /** @type {[string, string][]} */ ([["", "in no lane"], ...(doc.lanes ?? []).map((l) => [l.id, l.label])]);
    const stageOptions = () => /** @type {[string, string][]} */ (doc.stages.map((s) => [s.id, s.label]));
    const feeling = entry(read("emotion"), (v) => set("emotion", v === "" ? "" : Number(v)), { type: "number", min: "-2", max: "2", step: "0.5" });
    panel.append(
      field("Stage", pick(stageOptions, read("stage"), (v) => change(moving(now(), v, now().lane ?? "", null)))),
      field("Lane", pick(laneOptions, read("lane"), (v) => set("lane", v))),
      field("Channel", entry(read("channel"), (v) => set("channel", v))),
      field("Where", pick([["", "–"], ["true", "online"], ["false", "offline"]], read("online"), (v) => set("online", v === "" ? "" : v === "true"))),
      field("Who acts", pick([["", "–"], ["customer", "customer"], ["company", "company"], ["partner", "partner"]], read("actor"), (v) => set("actor", v))),
      field("How it feels (-2 to 2)", feeling),
      field("Note", area(read("note"), (v) => set("note", v))),
      field("Reviewed on", entry(read("reviewed_on"), (v) => set("reviewed_on", v), { type: "date" })),
      field("What the review looked at", area(read("review_note"), (v) => set("review_note", v))),
    );
    const grade = make("p", "", { class: "jw-help" });
    const graded = () => {
      const found = model.get("grades")[`emotion:${id}`];
      grade.textContent = found ? `The judgement is ${found}.` : "";
    };
    graded();
    refresh.push(graded);
    panel.append(
      grade,
      proofs(() => now().evidence ?? [], (ids) => set("evidence", ids.length ? ids : ""), () => "Evidence for how it feels"),
      ...notes("touchpoints", id),
    );
    if (readOnly()) return;
    const gone = make("button", "Delete this touchpoint", { type: "button" });
    gone.addEventListener("click", () => remove(now()), { signal });
    panel.append(gone);
  }

  /** @param {string} id */
  function itemForm(id) {
    const box = make("fieldset", "", { class: "jw-item" });
    const set = (/** @type {string} */ name, /** @type {any} */ value) => change([{ op: "set", list: "items", id, field: name, value: value === "" ? null : value }]);
    const read = (/** @type {string} */ name, otherwise = "") => () => String(partOf("items", id)?.[name] ?? otherwise);
    const kinds = /** @type {[string, string][]} */ (Object.entries(model.get("known").items));
    box.append(
      field("Kind", pick(kinds, read("kind"), (v) => set("kind", v))),
      field("What", entry(read("label"), (v) => set("label", v))),
      field("Severity", pick([["low", "low"], ["medium", "medium"], ["high", "high"]], read("severity", "medium"), (v) => set("severity", v))),
      field("Owner", entry(read("owner"), (v) => set("owner", v))),
      field("State", pick([["open", "open"], ["done", "done"], ["dropped", "dropped"]], read("state", "open"), (v) => set("state", v))),
      proofs(() => partOf("items", id)?.evidence ?? [], (ids) => set("evidence", ids.length ? ids : ""), () => `Evidence (${model.get("grades")[`item:${id}`] ?? "assumed"})`),
    );
    if (!readOnly()) {
      const gone = make("button", "Delete this note", { type: "button" });
      gone.ariaLabel = `Delete the note ${partOf("items", id)?.label ?? ""}`;
      gone.addEventListener("click", () => {
        change([{ op: "remove", list: "items", id }]);
        /** @type {HTMLElement | null} */ (panel.querySelector(".jw-add-note"))?.focus();
      }, { signal });
      box.append(gone);
    }
    return box;
  }

  /** @param {() => string[]} linked @param {(ids: string[]) => void} take @param {() => string} words */
  function proofs(linked, take, words) {
    const box = make("details", "", { class: "jw-proofs" });
    const summary = make("summary");
    box.append(summary);
    /** @type {[HTMLInputElement, string][]} */
    const checks = [];
    for (const e of doc.evidence ?? []) {
      const label = make("label");
      const check = make("input", "", { type: "checkbox" });
      check.disabled = readOnly();
      check.addEventListener("change", () => take(check.checked ? [...linked(), e.id] : linked().filter((l) => l !== e.id)), { signal });
      label.append(check, make("span", `${model.get("known").methods[e.method] ?? e.method}: ${e.source}`));
      checks.push([check, e.id]);
      box.append(label);
    }
    if (!(doc.evidence ?? []).length) box.append(make("p", "The document lists no evidence yet.", { class: "jw-help" }));
    const update = () => {
      summary.textContent = `${words()}: ${linked().length}`;
      for (const [check, id] of checks) check.checked = linked().includes(id);
    };
    update();
    refresh.push(update);
    return box;
  }

  // --- changing ---------------------------------------------------------------------------

  /** @param {Touchpoint} t */
  function remove(t) {
    const order = inOrder();
    const at = order.findIndex((o) => o.id === t.id);
    const next = (order[at + 1] ?? order[at - 1])?.id;
    if (chosen?.id === t.id) chosen = null;
    change([{ op: "remove", list: "touchpoints", id: t.id }], `${t.label} was deleted, with its notes. Undo brings it back.`);
    paintPanel();
    focusCard(next);
  }

  /** Do edits as one step that can be undone. @param {Edit[]} edits @param {string} [words] */
  function change(edits, words = "") {
    if (readOnly() || !edits.length) return;
    doc = shown(); // another view may have edited meanwhile
    /** @type {Edit[]} */
    const back = [];
    let state = doc;
    for (const edit of edits) {
      back.unshift(...reversed(state, edit));
      state = applied(state, edit);
    }
    past.push({ edits, back });
    future.length = 0;
    tell(words);
    send(edits);
  }

  /** @param {typeof past} from @param {typeof past} to @param {"edits" | "back"} which */
  function again(from, to, which) {
    const step = from.pop();
    if (!step || readOnly()) return;
    to.push(step);
    tell("");
    send(step[which]);
  }

  /**
   * Send edits with everything that was not acknowledged before; each has its number, so none counts twice.
   * @param {Edit[]} edits @param {boolean} [save]
   */
  function send(edits, save = false) {
    let seq = Math.max(model.get("done"), model.get("edit").seq, ...waiting.sent.map((e) => e.seq ?? 0));
    const step = seq + 1; // edits of one step are taken all or none
    for (const edit of edits) waiting.sent.push({ ...structuredClone(edit), seq: (seq += 1), step });
    if (!edits.length) seq += 1;
    if (save) waiting.save = seq;
    paint();
    paintPanel();
    model.set("edit", { seq, edits: [...waiting.sent], save: waiting.save });
    model.save_changes();
    setTimeout(() => {
      if (!signal.aborted && model.get("done") < seq) tell("No answer yet: what you did last is not kept.", "lost");
    }, PATIENCE);
  }

  function acknowledge() {
    const done = model.get("done");
    waiting.sent = waiting.sent.filter((e) => (e.seq ?? 0) > done);
    if (waiting.save <= done) waiting.save = 0;
    if (!waiting.sent.length && !waiting.save && notice.dataset.state === "lost") tell("");
    paint();
    paintPanel();
    paintClashes();
  }

  /** @param {string} text @param {string} [state] */
  function tell(text, state = "") {
    notice.textContent = text;
    notice.dataset.state = state;
  }

  function addTouchpoint() {
    doc = shown();
    const base = chosen?.list === "touchpoints" ? touchpoints().find((t) => t.id === chosen?.id) : undefined;
    const wanted = base?.stage ?? (chosen?.list === "stages" ? chosen.id : "");
    const stage = (doc.stages.find((s) => s.id === wanted) ?? doc.stages[0]).id;
    const lane = base?.lane ?? lanes()[0]?.id;
    const id = fresh("touchpoint");
    const all = touchpoints();
    const at = base ? all.findIndex((t) => t.id === base.id) : all.map((t) => t.stage).lastIndexOf(stage);
    const later = doc.stages.slice(doc.stages.findIndex((s) => s.id === stage) + 1).map((s) => s.id);
    const before = at >= 0 ? all[at + 1]?.id ?? null : all.find((t) => later.includes(t.stage))?.id ?? null;
    change([{ op: "add", list: "touchpoints", part: { id, label: "New touchpoint", stage, ...(lane ? { lane } : {}) }, before }]);
    choose("touchpoints", id);
    /** @type {HTMLInputElement | null} */ (panel.querySelector("input"))?.select();
  }

  /** @param {string} list @param {string} label */
  function addPart(list, label) {
    const id = fresh(list.slice(0, -1));
    change([{ op: "add", list, part: { id, label }, before: null }]);
    choose(list, id);
    /** @type {HTMLInputElement | null} */ (panel.querySelector("input"))?.select();
  }

  function buildTools() {
    /** @param {string} text @param {string} hint @param {() => void} act */
    const tool = (text, hint, act) => {
      const button = make("button", text, { type: "button", title: hint });
      button.addEventListener("click", act, { signal });
      return button;
    };
    const save = tool("Save", "Save as a new revision", () => send([], true));
    save.classList.add("jw-save");
    tools.append(
      tool("Add touchpoint", "After the chosen one, or at the end of the chosen stage", addTouchpoint),
      tool("Add stage", "At the end", () => addPart("stages", "New stage")),
      tool("Add lane", "Below the others", () => addPart("lanes", "New lane")),
      tool("Undo", "Undo (Ctrl+Z)", () => again(past, future, "back")),
      tool("Redo", "Redo (Ctrl+Y)", () => again(future, past, "edits")),
      save,
    );
    help.textContent = "Drag a card, or move it with Alt and the arrows; F2 renames, Delete deletes, Undo brings back. Drag a point of the curve, or use the arrows on it.";
  }

  function paintTools() {
    tools.hidden = readOnly();
    help.hidden = readOnly();
    /** @type {HTMLElement} */ (tools.querySelector(".jw-save")).hidden = !model.get("can_save");
    const [, , , undo, redo] = /** @type {HTMLButtonElement[]} */ ([...tools.querySelectorAll("button")]);
    undo.disabled = !past.length;
    redo.disabled = !future.length;
  }

  function paintStatus() {
    const { state, text } = model.get("status");
    saved.textContent = text;
    saved.dataset.state = state;
  }

  function paintFindings() {
    list.replaceChildren(...model.get("findings").map((f) => {
      const item = make("li", "", { class: `jw-finding jw-${f.severity}` });
      item.append(make("strong", f.severity === "error" ? "Error: " : "Warning: "), make("span", `${f.message} `), make("span", f.fix, { class: "jw-advice" }));
      if (f.touchpoint && touchpoints().some((t) => t.id === f.touchpoint)) {
        const go = make("button", "Show", { type: "button", class: "jw-go" });
        go.ariaLabel = `Show ${touchpoints().find((t) => t.id === f.touchpoint)?.label}`;
        go.addEventListener("click", () => { choose("touchpoints", f.touchpoint); focusCard(f.touchpoint); }, { signal });
        item.append(go);
      }
      if (f.remedy.length && !readOnly()) {
        const mend = make("button", "Remove it", { type: "button", class: "jw-go" });
        mend.ariaLabel = `Remove it: ${f.message}`;
        mend.addEventListener("click", () => { change(f.remedy); focusCard(undefined); }, { signal });
        item.append(mend);
      }
      return item;
    }));
  }

  /** Places that somebody else saved meanwhile: both texts, and a way to take theirs. */
  function paintClashes() {
    const clashes = model.get("clashes").filter((c) => !settled.has(c.words));
    disputed.hidden = !clashes.length;
    disputed.replaceChildren(...clashes.map((c) => {
      const item = make("li", "", { class: "jw-finding jw-warn" });
      item.append(make("span", c.words));
      if (c.edits.length) {
        const take = make("button", "Take theirs", { type: "button", class: "jw-go" });
        take.ariaLabel = `Take theirs: ${c.words}`;
        take.addEventListener("click", () => { settled.add(c.words); change(c.edits); paintClashes(); focusCard(c.edits[0].id); }, { signal });
        item.append(take);
      }
      return item;
    }));
  }

  el.addEventListener("keydown", (e) => {
    if (!(e.ctrlKey || e.metaKey) || readOnly() || e.target instanceof HTMLInputElement || e.target instanceof HTMLTextAreaElement) return;
    const key = e.key.toLowerCase();
    if (key === "z" && !e.shiftKey) again(past, future, "back");
    else if (key === "y" || (key === "z" && e.shiftKey)) again(future, past, "edits");
    else return;
    e.preventDefault();
    e.stopPropagation();
  }, { signal });

  // Keys typed here are for the map, not for the notebook around it.
  el.dataset.lmSuppressShortcuts = "true";
  for (const type of ["keydown", "keypress", "keyup"]) {
    el.addEventListener(type, (e) => { if (!/** @type {KeyboardEvent} */ (e).ctrlKey && !/** @type {KeyboardEvent} */ (e).metaKey) e.stopPropagation(); }, { signal });
  }

  buildTools();
  /** @type {[string, () => void][]} */
  const watched = [
    ["change:document", () => { if (Object.keys(model.get("document")).length) { paint(); paintPanel(); } }], ["change:done", acknowledge],
    ["change:status", paintStatus], ["change:findings", () => { paintFindings(); paint(); }], ["change:clashes", () => { settled.clear(); paintClashes(); }],
    ["change:grades", paintPanel], ["change:edit", () => { paint(); paintPanel(); }],
    ["change:read_only", () => {
      if (readOnly()) { waiting.sent = []; waiting.save = 0; past.length = 0; future.length = 0; }
      board.replaceChildren();
      paint();
      paintPanel();
    }], ["change:can_save", paintTools],
    ["change:measured", paint], ["change:owners", paint],
  ];
  for (const [name, act] of watched) model.on(/** @type {any} */ (name), act);
  signal.addEventListener("abort", () => {
    for (const [name, act] of watched) model.off(/** @type {any} */ (name), act);
  });
  paint();
  paintPanel();
  paintStatus();
  paintFindings();
  paintClashes();
}

export default () => {
  /** @type {Waiting} */
  const waiting = { sent: [], save: 0 };
  return { render: (/** @type {RenderProps<State>} */ props) => render(props, waiting) };
};
