// @ts-check
import { count, gesture, make, oneLine, openMenu, parseBlock, redraw, tool, typeOver } from "../page_scripts/parts.js";
import { editingTools } from "../page_scripts/editing.js";
import { listen, outbox } from "../page_scripts/outbox.js";
import { choosing } from "../page_scripts/choosing.js";
import { formCells, section } from "../page_scripts/form_cells.js";
import { influenceMap, rankingTable } from "./picture.js";
/** @import { RenderProps } from "@anywidget/types" */
/** @import { Waiting } from "../page_scripts/outbox.js" */
/** @import { Place } from "../page_scripts/choosing.js" */
/** @import { Answer } from "./picture.js" */
/** @typedef {{ id: string, label: string, kind: string }} Column */
/** @typedef {number | string | null} Value a number from -3 to 3, "?" for do not know, "P" for may come, null for blank */
/** @typedef {{ id: string, label: string, handed_in: boolean, judged: number }} RaterState */
/** @typedef {{ id: string, label: string, changes: Record<string, number>, owner: string | null, kpi: string | null, effort: number | null, expected_effect: number | null, starts: string | null, ends: string | null, status: string, ready: boolean }} Plan */
/** @typedef {{ code: string, severity: string, message: string, advice: string, source: string, target: string }} Finding */
/** @typedef {{ words: string, rows: { id: string, direction: string, share: number, rank: number | null }[] }} Moved */
/** @typedef {{ label: string, columns: Column[], n_factors: number, raters: RaterState[], rater: string, rater_label: string, fixed: boolean, blind: boolean, cells: Value[][], together: Value[][], notes: Record<string, string[]>, agreed: Value[][], agreed_notes: Record<string, string[]>, spread: Record<string, number[]>, evidence: Record<string, [string, string, boolean]>, outcome: string, cut: string, preview: any, answer: Answer, discuss: { source: string, target: string, in_words: string }[], changes: Record<string, number>, moved: Moved, interventions: Plan[], stakes: (number | null)[][], roles: { id: string, label: string }[], kpis: string[], missing: { id: string, label: string }[], findings: Finding[], found: Record<string, number>, status: { state: string, text: string }, disputes: string[], revisions: any[], steps: { undo: number, redo: number }, edit: any, done: number, read_only: boolean, can_save: boolean, can_restore: boolean }} State */

const STRENGTH = /** @type {Record<string, string>} */ ({
  3: "helps strongly", 2: "helps", 1: "helps a little", 0: "nothing", "-1": "harms a little", "-2": "harms", "-3": "harms strongly",
  "?": "do not know", P: "may come",
});
const EFFECT = /** @type {Record<string, string>} */ ({
  3: "gets much better", 2: "gets better", 1: "gets a little better", 0: "stays as it is", "-1": "gets a little worse", "-2": "gets worse", "-3": "gets much worse",
});
const LAYERS = /** @type {Record<string, string>} */ ({ together: "Together", mine: "Mine", agreed: "Agreed", spread: "Spread", data: "Data" });
const CUTS = /** @type {Record<string, string>} */ ({ mean: "mean", median: "median", half_maximum: "half of the largest" });
const DATA_MARKS = /** @type {Record<string, string>} */ ({
  "sign conflict": "⇅", "experts high, data none": "E", "data high, experts none": "D", "experts disagree": "≠", "weaker in the data": "↓",
  "more in the data": "↑", agree: "=", "related, direction open": "~", "agree: little there": "∅", "data cannot tell": "·", "not judged": "○",
});
const STATUSES = ["planned", "running", "done", "dropped"];
const LONGEST = 300;
const WIDE = 12; // columns up to which a cell says its word too
const LATE = 1000; // ms
const LARGE = 18; // columns from which on the picture stands below the matrix

/** @param {Value} value */
const step = (value) => {
  if (typeof value !== "number") return value ?? "";
  const size = Math.abs(value);
  const near = size < 0.25 ? 0 : size < 1.5 ? 1 : size < 2.5 ? 2 : 3;
  return String(value < 0 ? -near : near);
};
/** @param {Value} value */
const word = (value) => (value === null ? "blank" : STRENGTH[step(value)]);
/** @param {Value} value */
const shown = (value) => (typeof value === "number" ? (value > 0 ? `+${value}` : String(value)) : value ?? "");

/** What somebody wrote for a judgement; undefined for what is none. @param {string} text @returns {Value | undefined} */
function read(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  if (["", "-", "–", "—", "x", "\\"].includes(plain.toLowerCase())) return null;
  if (plain === "?" || plain.toUpperCase() === "P") return plain.toUpperCase();
  const number = Number(plain);
  return Number.isFinite(number) && Math.abs(number) <= 3 && (number * 2) % 1 === 0 ? number : undefined;
}

/** @param {RenderProps<State>} props @param {Waiting} waiting */
function render({ model, el, signal }, waiting) {
  /** @type {Column[]} */ let columns = [];
  let n = 0;
  /** @type {Value[][]} */ let cells = [];
  /** @type {HTMLTableCellElement[][]} */ let grid = [];
  /** @type {HTMLTableCellElement[]} */ let rowHeads = [];
  /** @type {HTMLTableCellElement[]} */ let heads = [];
  let layer = model.get("fixed") && !model.get("read_only") ? "mine" : "together";
  let drawn = "";
  /** @type {((keep: boolean) => void) | null} */ let typing = null;
  /** What a slider on its way asks to see, and whether an answer is awaited. */
  let previewed = { asked: 0, at: 0, wanted: /** @type {Value | undefined} */ (undefined) };
  /** Where the slider is being moved, and to what. @type {{ row: number, col: number, value: number } | null} */
  let sliding = null;

  el.classList.add("jw-grid", "jw-impact-sliders");
  const head = make("div", "", { class: "jw-head" });
  const summary = make("div", "", { class: "jw-summary", role: "status", "aria-live": "polite" });
  const tools = make("div", "", { class: "jw-tools", role: "toolbar", "aria-label": "Edit the matrix" });
  const views = make("div", "", { class: "jw-tools", role: "group", "aria-label": "What is shown" });
  const work = make("div", "", { class: "jw-work" });
  const left = make("div", "", { class: "jw-left" });
  const frame = make("div", "", { class: "jw-frame" });
  const table = make("table", "", { role: "grid" });
  const legend = make("div", "", { class: "jw-scale" });
  const help = make("p", "", { class: "jw-help" });
  const side = make("section", "", { class: "jw-side", "aria-label": "The chosen relation" });
  const right = make("div", "", { class: "jw-right" });
  const picture = make("div", "", { class: "jw-picture" });
  const ranking = make("div", "", { class: "jw-ranking", tabindex: "0", role: "group", "aria-label": "Ranking" });
  const talk = make("div", "", { class: "jw-talk" });
  const whatIf = section("What if", "How much better or worse is each touchpoint?");
  const plans = section("Interventions", "What will be done, who answers for it, and how it is seen to work");
  const atStake = section("What is at stake", "For satisfaction, retention and advocacy, from 0 (nothing) to 5 (everything)");
  const round = section("Rating round", "Everybody judges alone first; then differences are talked about");
  const list = make("ol", "", { class: "jw-findings", "aria-label": "Findings" });
  const edits = editingTools({ model, waiting, signal, out: () => out });
  const { tell, undoing, paintHistory } = edits;
  const { field, options, written } = formCells({ model, signal, tell, longest: LONGEST });
  head.append(summary, tools);
  frame.append(table);
  left.append(views, frame, legend, help, side);
  right.append(picture, ranking, talk);
  work.append(left, right);
  el.append(head, edits.past, edits.disputed, work, whatIf.box, plans.box, atStake.box, round.box, list);

  const readOnly = () => model.get("read_only");
  const rowsCount = () => n;
  const at = (/** @type {string} */ id) => columns.findIndex((c) => c.id === id);
  const place = (/** @type {number} */ r, /** @type {number} */ c) => `${columns[r].id} ${columns[c].id}`;
  const named = (/** @type {number} */ r, /** @type {number} */ c) => `${columns[r].label} on ${columns[c].label}`;
  /** Who is written for: the rater, or what was agreed. */
  const whose = () => (layer === "agreed" ? "consensus" : model.get("rater"));
  const nobody = () => model.get("blind") && !model.get("fixed");
  const writes = () => !readOnly() && !nobody() && (layer === "mine" || (layer === "agreed" && !model.get("blind")));
  const notes = () => model.get(layer === "agreed" ? "agreed_notes" : "notes");
  /** @param {Place} p */
  const nodeAt = (p) => (p.row < 0 ? heads[p.col] : p.col < 0 ? rowHeads[p.row] : grid[p.row]?.[p.col]);

  const pick = choosing({
    rows: rowsCount, columns: () => columns.length, open: () => Array.from({ length: n }, (_x, i) => i), nodeAt,
    cellAt: (r, c) => grid[r]?.[c], moved: () => { paintTools(); paintSide(); markPoints(); },
  });
  const { move, refocus } = pick;
  const out = outbox({
    model, waiting, signal, tell, typing: () => typing !== null, said: edits.said,
    busy: () => typing !== null || el.querySelector(".jw-new, .jw-menu") !== null, taken: paint,
  });
  const { send, afterwards, drain, save, whenDone } = out;

  // --- the matrix -----------------------------------------------------------------------------------

  /** What Python holds, with what it has not acknowledged yet on top. */
  function values() {
    const state = structuredClone(model.get(layer === "agreed" ? "agreed" : layer === "mine" ? "cells" : "together"));
    if (!["mine", "agreed"].includes(layer)) return state;
    const done = model.get("done");
    for (const sent of waiting.sent) {
      if ((sent.seq ?? 0) <= done || sent.op !== "cells" || sent.rater !== whose()) continue;
      for (const [source, row] of Object.entries(sent.cells)) {
        for (const [target, judgement] of Object.entries(/** @type {Record<string, any>} */ (row))) {
          const [r, c] = [at(source), at(target)];
          if (r >= 0 && r < n && c >= 0) state[r][c] = judgement ? judgement.value : null;
        }
      }
    }
    return state;
  }

  function paint() {
    const wanted = JSON.stringify([model.get("columns"), readOnly(), model.get("blind")]);
    if (wanted !== drawn) {
      if (typing) return; // what is being typed in stays; it is drawn anew when that is done
      const ids = [pick.at, pick.anchor].map((p) => [columns[p.row]?.id, columns[p.col]?.id]);
      columns = model.get("columns");
      n = model.get("n_factors");
      [pick.at, pick.anchor] = [pick.at, pick.anchor].map((p, i) => ({
        row: p.row < 0 ? -1 : Math.min(Math.max(ids[i][0] === undefined ? p.row : at(ids[i][0]), 0), n - 1),
        col: p.col < 0 ? -1 : Math.min(Math.max(ids[i][1] === undefined ? p.col : at(ids[i][1]), 0), columns.length - 1),
      }));
      if (pick.anchor.row === pick.at.row && pick.anchor.col === pick.at.col) pick.anchor = pick.at;
      drawn = wanted;
      if (model.get("blind")) layer = "mine";
      buildTable();
      buildViews();
    }
    cells = values();
    if (sliding && cells[sliding.row]) cells[sliding.row][sliding.col] = sliding.value;
    grid.forEach((line, r) => line.forEach((td, c) => paintCell(td, r, c)));
    paintTools();
    paintSide();
  }

  function buildTable() {
    const within = document.activeElement instanceof HTMLElement && table.contains(document.activeElement);
    table.replaceChildren();
    table.classList.toggle("jw-words-too", columns.length <= WIDE);
    el.classList.toggle("jw-large", columns.length > LARGE);
    table.setAttribute("aria-label", `${model.get("label")}: the row acts on the column`);
    table.setAttribute("aria-multiselectable", "true");
    table.setAttribute("aria-readonly", String(readOnly()));
    const line = table.createTHead().insertRow();
    line.append(make("th", "acts on →", { role: "columnheader", scope: "col" }));
    heads = columns.map((column, c) => {
      const th = make("th", "", { role: "columnheader", scope: "col", tabindex: "-1", ...(column.kind === "outcome" ? { class: "jw-outcome" } : {}) });
      th.append(make("span", column.label, { class: "jw-name" }));
      th.title = column.kind === "outcome" ? `${column.label}: an outcome` : column.label;
      th.dataset.row = "-1";
      th.dataset.col = String(c);
      line.append(th);
      return th;
    });
    const body = table.createTBody();
    rowHeads = [];
    grid = columns.slice(0, n).map((row, r) => {
      const tr = body.insertRow();
      const th = make("th", "", { role: "rowheader", scope: "row", tabindex: "-1" });
      th.append(make("span", row.label, { class: "jw-name" }));
      th.title = row.label;
      th.dataset.row = String(r);
      th.dataset.col = "-1";
      rowHeads.push(th);
      tr.append(th);
      return columns.map((column, c) => {
        const td = tr.insertCell();
        td.setAttribute("role", "gridcell");
        td.dataset.row = String(r);
        td.dataset.col = String(c);
        td.tabIndex = -1;
        if (r === c) { td.className = "jw-diagonal"; td.setAttribute("aria-disabled", "true"); }
        else if (column.kind === "outcome") td.className = "jw-outcome";
        return td;
      });
    });
    [...table.rows].forEach((tr) => tr.setAttribute("role", "row"));
    pick.forget();
    pick.stay();
    if (!pick.touched && n && columns.length > 1) { pick.at = { row: 0, col: 1 }; pick.anchor = pick.at; }
    pick.paint();
    if (within) (nodeAt(pick.at) ?? undoing).focus({ preventScroll: true });
  }

  /** @param {HTMLTableCellElement} td @param {number} r @param {number} c */
  function paintCell(td, r, c) {
    if (r === c) { td.ariaLabel = `${named(r, c)}: the diagonal stays empty`; return; }
    const value = cells[r][c];
    const { text, look, said } = layer === "spread" ? spreadOf(r, c) : layer === "data" ? dataOf(r, c, value) : { text: shown(value), look: step(value), said: word(value) };
    const [confidence, reason] = layer === "mine" || layer === "agreed" ? notes()[place(r, c)] ?? ["", ""] : ["", ""];
    const wanted = JSON.stringify([text, look, said, confidence, reason]);
    if (td.dataset.drawn === wanted) return;
    td.dataset.drawn = wanted;
    td.dataset.step = look;
    const plain = layer !== "spread" && layer !== "data"; // those say too much for a cell; it is read out, and stands below
    td.replaceChildren(make("span", text, { class: "jw-value" }), " ", make("span", text && plain ? said : "", { class: "jw-word" }));
    if (reason) td.append(make("span", "✎", { class: "jw-note", "aria-hidden": "true" }));
    const more = [confidence ? `${confidence} confidence` : "", reason].filter(Boolean).join(": ");
    td.ariaLabel = `${named(r, c)}: ${text ? `${text} ` : ""}${said}${more ? `. ${more}` : ""}`;
    td.title = [said, more].filter(Boolean).join("\n");
  }

  /** @param {number} r @param {number} c */
  function spreadOf(r, c) {
    const said = model.get("spread")[place(r, c)];
    if (!said) return { text: "", look: "", said: "judged by nobody" };
    const [low, high, , many, unknown] = said;
    const apart = high - low;
    return {
      text: low === high ? shown(low) : `${shown(low)}…${shown(high)}`, look: apart >= 2 ? "apart" : apart > 0 ? "near" : "alike",
      said: `${low === high ? `all ${many} say ${shown(low)}` : `from ${shown(low)} to ${shown(high)}, ${many} raters`}${unknown ? `, ${unknown} do not know` : ""}`,
    };
  }

  /** @param {number} r @param {number} c @param {Value} value */
  function dataOf(r, c, value) {
    const found = model.get("evidence")[place(r, c)];
    if (!found) return { text: value === null ? "" : shown(value), look: "none", said: `${word(value)}; no data` };
    const [verdict, words] = found;
    const conflict = ["sign conflict", "experts high, data none", "data high, experts none"].includes(verdict);
    return { text: `${shown(value)} ${DATA_MARKS[verdict] ?? ""}`.trim(), look: conflict ? "apart" : verdict.startsWith("agree") ? "alike" : "near", said: `${word(value)}; ${verdict}: ${words}` };
  }

  function buildViews() {
    const several = model.get("raters").length > 1;
    const shows = { together: !model.get("blind"), mine: !readOnly() && !nobody(), agreed: !model.get("blind"), spread: several && !model.get("blind"), data: Object.keys(model.get("evidence")).length > 0 };
    const buttons = Object.entries(LAYERS).filter(([id]) => shows[/** @type {keyof typeof shows} */ (id)]).map(([id, label]) => {
      const button = tool(id === "mine" ? model.get("rater_label") || label : label, `Show ${label.toLowerCase()}`, () => { layer = id; buildViews(); paint(); }, signal);
      button.setAttribute("aria-pressed", String(layer === id));
      return button;
    });
    /** @type {HTMLElement[]} */
    const parts = [...buttons];
    if (!model.get("fixed") && !model.get("blind") && !readOnly() && model.get("raters").length > 1) {
      parts.push(choice("Judging", model.get("raters").map((r) => [r.id, r.label]), model.get("rater"), (id) => { model.set("rater", id); model.save_changes(); }));
    }
    const named_ = columns.map((c) => /** @type {[string, string]} */ ([c.id, c.label])).filter(([id]) => columns[at(id)].kind === "outcome");
    parts.push(choice("Rank by push on", [["", "all touchpoints"], ...named_], model.get("outcome"), (id) => { model.set("outcome", id); model.save_changes(); }));
    parts.push(choice("“Much” begins at", Object.entries(CUTS), model.get("cut"), (id) => { model.set("cut", id); model.save_changes(); }));
    redraw(views, ...parts);
    buildLegend();
  }

  /** @param {string} label @param {[string, string][]} options @param {string} now @param {(id: string) => void} act */
  function choice(label, options, now, act) {
    const box = make("label", `${label} `, { class: "jw-choice" });
    const select = make("select", "", { "aria-label": label });
    select.append(...options.map(([id, text]) => make("option", text, { value: id, ...(id === now ? { selected: "" } : {}) })));
    select.addEventListener("change", () => act(select.value), { signal });
    box.append(select);
    return box;
  }

  function buildLegend() {
    const pair = (/** @type {string} */ look, /** @type {string} */ mark, /** @type {string} */ words) => {
      const span = make("span");
      const swatch = make("span", mark, { class: "jw-swatch" });
      swatch.dataset.step = look;
      span.append(swatch, words);
      return span;
    };
    if (layer === "spread") legend.replaceChildren(pair("alike", "", "all alike"), pair("near", "", "up to 1.5 apart"), pair("apart", "", "2 or more apart: talk about it"));
    else if (layer === "data") {
      legend.replaceChildren(pair("alike", "=", "judgement and data agree"), pair("apart", "⇅", "opposite signs"), pair("apart", "E", "experts high, data none"), pair("apart", "D", "data high, experts none"),
        pair("near", "~", "related, direction open"), pair("near", "·", "data cannot tell"), make("span", "Judgement and data are never averaged."));
    } else legend.replaceChildren(...["-3", "-2", "-1", "0", "1", "2", "3", "?", "P"].map((s) => pair(s, Number(s) > 0 ? `+${s}` : s, STRENGTH[s])));
  }

  // --- the chosen relation ----------------------------------------------------------------------------

  const sentence = make("p", "", { class: "jw-sentence", "aria-live": "polite" });
  const slider = make("input", "", { type: "range", min: "-3", max: "3", step: "1", "aria-label": "Strength" });
  const ticks = make("div", "", { class: "jw-ticks", "aria-hidden": "true" });
  ticks.append(...["-3", "-2", "-1", "0", "+1", "+2", "+3"].map((s) => make("span", s)));
  const nothing = tool("0 Nothing", "It does not act on it (0)", () => judge(0), signal);
  const unknown = tool("? Do not know", "Looked at and not known (space)", () => judge("?"), signal);
  const coming = tool("P May come", "Nothing today; it may come (P)", () => judge("P"), signal);
  const blank = tool("Blank", "Not judged (Delete)", () => judge(null), signal);
  const confidence = make("select", "", { "aria-label": "Confidence" });
  confidence.append(...[["", "not said"], ["low", "low"], ["medium", "medium"], ["high", "high"]].map(([v, text]) => make("option", text, { value: v })));
  const reason = make("input", "", { type: "text", maxlength: String(LONGEST), placeholder: "Why?", "aria-label": "Reason" });
  const beside = make("p", "", { class: "jw-advice" });
  const sure = make("label", "Confidence ", { class: "jw-choice" });
  sure.append(confidence);
  const slid = make("div", "", { class: "jw-slider" });
  slid.append(slider, ticks);
  const judging = make("div", "", { class: "jw-judging" });
  judging.append(slid, nothing, unknown, coming, blank, sure, reason);
  side.append(sentence, judging, beside);

  /** The one cell the slider is about. @returns {[number, number] | null} */
  function here() {
    const { row, col } = pick.at;
    return row >= 0 && col >= 0 && row !== col && grid[row]?.[col] ? [row, col] : null;
  }

  function paintSide() {
    const cell = here();
    side.hidden = !cell;
    if (!cell) return;
    const [r, c] = cell;
    const value = cells[r][c];
    sentence.textContent = phrase(r, c, value);
    slider.step = layer === "agreed" ? "0.5" : "1";
    if (!sliding) slider.value = String(typeof value === "number" ? value : 0);
    slider.classList.toggle("jw-unset", typeof value !== "number");
    slider.setAttribute("aria-valuetext", phrase(r, c, value));
    const [sureness, why] = layer === "mine" || layer === "agreed" ? notes()[place(r, c)] ?? ["", ""] : ["", ""];
    if (document.activeElement !== confidence) confidence.value = sureness;
    if (document.activeElement !== reason) reason.value = why;
    for (const input of [slider, confidence, reason, nothing, unknown, coming, blank]) input.disabled = !writes();
    confidence.disabled = reason.disabled = !writes() || value === null;
    judging.hidden = readOnly();
    const said = model.get("blind") ? undefined : model.get("spread")[place(r, c)];
    const data = model.get("evidence")[place(r, c)];
    const agreed = model.get("blind") ? null : model.get("agreed")[r]?.[c] ?? null;
    const chosen = model.get("rater_label") || LAYERS.mine;
    beside.textContent = [
      !readOnly() && !nobody() && !writes() ? `To judge, choose ${chosen}${model.get("blind") ? "" : ` or ${LAYERS.agreed}`} above.` : "",
      said ? `Raters: ${spreadOf(r, c).said}; mean ${shown(said[2])}.` : "",
      agreed !== null && layer !== "agreed" ? `Agreed: ${shown(agreed)}, ${word(agreed)}.` : "",
      data ? `Data: ${data[0]}; ${data[1]}.` : "",
    ].filter(Boolean).join(" ");
  }

  /** @param {number} r @param {number} c @param {Value} value */
  function phrase(r, c, value) {
    const [one, other] = [columns[r].label, columns[c].label];
    if (value === null) return `If ${one} gets better, does ${other} get better or worse? Not judged.`;
    if (value === "?") return `If ${one} gets better, nobody here knows what ${other} does.`;
    if (value === "P") return `${one} does not act on ${other} today; it may.`;
    return `If ${one} gets better, ${other} ${EFFECT[step(value)]}.`;
  }

  slider.addEventListener("input", () => {
    const cell = here();
    if (!cell || !writes()) return;
    const value = Number(slider.value);
    sentence.textContent = phrase(cell[0], cell[1], value);
    slider.classList.remove("jw-unset");
    cells[cell[0]][cell[1]] = value;
    paintCell(grid[cell[0]][cell[1]], ...cell);
    previewed.wanted = value;
    sliding = { row: cell[0], col: cell[1], value };
    askPreview();
  }, { signal });
  slider.addEventListener("change", () => {
    previewed.wanted = undefined;
    const slid_ = sliding;
    sliding = null;
    if (slid_) write([[slid_.row, slid_.col, slid_.value]]); else judge(Number(slider.value));
  }, { signal });
  for (const input of [slider, confidence, reason]) input.addEventListener("keydown", (event) => {
    const e = /** @type {KeyboardEvent} */ (event);
    const far = e.ctrlKey || e.metaKey;
    if (far) return;
    e.stopPropagation();
    if (e.key === "Escape" || (e.key === "Enter" && input !== confidence)) { e.preventDefault(); input.blur(); refocus(); }
  }, { signal });
  /** What confidence and reason are about: the relation that was chosen when somebody went there. */
  let about = { source: "", target: "", whose: "", layer: "" };
  for (const input of [confidence, reason]) {
    input.addEventListener("focus", () => {
      const cell = here();
      about = cell ? { source: columns[cell[0]].id, target: columns[cell[1]].id, whose: whose(), layer } : { source: "", target: "", whose: "", layer: "" };
    }, { signal });
    input.addEventListener("change", () => note(), { signal });
  }

  /** Ask what a slider on its way comes to, one question at a time. */
  function askPreview() {
    const cell = here();
    if (!cell || previewed.wanted === undefined) return;
    const late = performance.now() - previewed.at > LATE; // an answer that got lost holds up nothing
    if (model.get("answer").preview !== previewed.asked && !late) return;
    const value = previewed.wanted;
    previewed.asked = Math.max(previewed.asked, model.get("answer").preview ?? 0) + 1;
    previewed.at = performance.now();
    model.set("preview", { seq: previewed.asked, rater: whose(), cells: { [columns[cell[0]].id]: { [columns[cell[1]].id]: { value } } } });
    model.save_changes();
    previewed.wanted = undefined;
  }

  // --- writing ------------------------------------------------------------------------------------------

  /** @param {[number, number, Value][]} changes */
  function write(changes) {
    if (!writes()) { if (nobody()) tell("The rating round is blind: judge on a page that knows who you are.", "error"); else if (!readOnly()) tell(`${LAYERS[layer]} is shown; choose ${model.get("rater_label")} or ${LAYERS.agreed} to judge.`, "error"); return; }
    /** @type {Record<string, Record<string, any>>} */
    const sent = {};
    let any = false;
    for (const [r, c, value] of changes) {
      if (r === c || r >= n) continue;
      const [sureness, why] = notes()[place(r, c)] ?? ["", ""];
      any = true;
      (sent[columns[r].id] ??= {})[columns[c].id] = value === null ? null : { value, ...(sureness ? { confidence: sureness } : {}), ...(why ? { reason: why } : {}) };
      cells[r][c] = value;
      paintCell(grid[r][c], r, c);
    }
    if (!any) return;
    const rater = whose();
    const act = () => send([{ op: "cells", rater, cells: sent }]);
    if (out.queue.length) out.queue.push(act); else act();
    paintSide();
  }

  /** Set the chosen cells. @param {Value} value */
  function set(value) {
    write(pick.cells().map(([r, c]) => [r, c, value]));
  }

  /** Set the one relation that is written about below the matrix. @param {Value} value */
  function judge(value) {
    const cell = here();
    if (cell) write([[...cell, value]]);
  }

  /** Keep confidence and reason of the relation they were written for. */
  function note() {
    const [r, c] = [at(about.source), at(about.target)];
    if (r < 0 || r >= n || c < 0 || !writes() || about.layer !== layer || about.whose !== whose()) return;
    const value = cells[r][c];
    if (value === null) return;
    const why = oneLine(reason.value);
    const judgement = { value, ...(confidence.value ? { confidence: confidence.value } : {}), ...(why ? { reason: why } : {}) };
    send([{ op: "cells", rater: about.whose, cells: { [about.source]: { [about.target]: judgement } } }]);
  }

  /** Raise or lower the chosen cells. @param {number} by */
  function raise(by) {
    write(pick.cells().map(([r, c]) => {
      const value = cells[r][c];
      return [r, c, Math.max(-3, Math.min(3, (typeof value === "number" ? value : 0) + by))];
    }));
  }

  /** Put a block where the selection begins; one value alone fills the selection. @param {string} text */
  function paste(text) {
    if (!text || !pick.cells().length) return;
    if (!writes()) { write([]); return; }
    const block = parseBlock(text).map((line) => line.map((cell) => ({ cell, value: read(cell) })));
    const strange = block.flat().find((b) => b.value === undefined);
    if (strange) { tell(`Nothing was pasted: “${strange.cell.slice(0, 40)}” is no number from -3 to 3, ? or P.`, "error"); return; }
    if (block.length === 1 && block[0].length === 1) { set(/** @type {Value} */ (block[0][0].value)); return; }
    const [top, first] = [Math.min(pick.at.row, pick.anchor.row), Math.min(pick.at.col, pick.anchor.col)];
    const [high, wide] = [block.length, Math.max(...block.map((line) => line.length))];
    if (top + high > n || first + wide > columns.length) {
      tell(`Nothing was pasted: the block has ${count(high, "row")} and ${count(wide, "column")}, and from here there is room for ${n - top} and ${columns.length - first}.`, "error");
      return;
    }
    const onDiagonal = block.some((line, i) => line.some((b, j) => top + i === first + j && b.value !== null && b.value !== 0));
    if (onDiagonal) { tell("Nothing was pasted: the block has a judgement on the diagonal, where a touchpoint would act on itself.", "error"); return; }
    write(block.flatMap((line, i) => line.map((b, j) => /** @type {[number, number, Value]} */ ([top + i, first + j, /** @type {Value} */ (b.value)]))));
  }

  function copied() {
    const places = pick.cells();
    const width = new Set(places.map(([, c]) => c)).size;
    const texts = places.map(([r, c]) => String(cells[r][c] ?? ""));
    const lines = [];
    for (let i = 0; i < texts.length; i += width) lines.push(texts.slice(i, i + width).join("\t"));
    return lines.join("\n");
  }

  // --- touchpoints and outcomes ---------------------------------------------------------------------------

  /** @param {Place} p */
  const columnOf = (p) => (p.row < 0 ? columns[p.col] : columns[p.row]);
  const listOf = (/** @type {Column} */ column) => (column.kind === "outcome" ? "outcomes" : "factors");

  /** Rename what a head names. @param {Place} p */
  function rename(p) {
    const node = nodeAt(p);
    const column = columnOf(p);
    if (!node || !column || readOnly() || typing) return;
    typing = typeOver(node, { value: column.label, label: `Name of ${column.label}`, longest: LONGEST, whole: true }, signal, (typed, how) => {
      typing = null;
      const text = oneLine(typed ?? "");
      if (text && text !== column.label) send([{ op: "set", list: listOf(column), id: column.id, field: "label", value: text }]);
      paint();
      drain();
      if (how === "save") save();
      if (how !== "leave") refocus();
    });
  }

  /** Ask what to add: a touchpoint of the map, or a new name. @param {"factors" | "outcomes"} what */
  function add(what) {
    el.querySelector(".jw-new")?.remove();
    const form = make("form", "", { class: "jw-new" });
    const words = what === "factors" ? "Touchpoint" : "Outcome";
    const id = `jw-known-${Math.random().toString(36).slice(2)}`;
    const input = make("input", "", { type: "text", required: "", maxlength: String(LONGEST), placeholder: words, "aria-label": words, list: id });
    const known = make("datalist", "", { id });
    const missing = what === "factors" ? model.get("missing") : [];
    known.append(...missing.map((m) => make("option", "", { value: m.label })));
    const no = make("button", "Cancel", { type: "button" });
    form.append(input, known, make("button", "Add", { type: "submit" }), no);
    const close = () => { form.remove(); refocus(); };
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const label = oneLine(input.value);
      form.remove();
      if (label) {
        afterwards(() => {
          send([{ op: "add", list: what, part: missing.find((m) => m.label === label) ?? { label }, before: null }]);
          whenDone(() => { const row = columns.findIndex((c) => c.label === label); if (row >= 0) move(row < n ? row : -1, row < n ? -1 : row); });
        });
      }
      refocus();
    }, { signal });
    no.addEventListener("click", close, { signal });
    form.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Escape") close(); }, { signal });
    tools.after(form);
    input.focus();
  }

  /** @param {Place} p */
  function remove(p) {
    const column = columnOf(p);
    if (column) send([{ op: "remove", list: listOf(column), id: column.id }]);
  }

  /** @param {Place} p @param {number} x @param {number} y */
  function menu(p, x, y) {
    if (readOnly()) return;
    if (p.row >= 0 && p.col >= 0) {
      if (p.row === p.col) return;
      const entries = ["3", "2", "1", "0", "-1", "-2", "-3", "?", "P"].map((s) => /** @type {[string, () => void]} */ ([`${Number(s) > 0 ? `+${s}` : s}: ${STRENGTH[s]}`, () => { set(s === "?" || s === "P" ? s : Number(s)); refocus(); }]));
      openMenu(el, signal, named(p.row, p.col), [...entries, ["Blank", () => { set(null); refocus(); }]], x, y, refocus);
      return;
    }
    const column = columnOf(p);
    openMenu(el, signal, column.label, [
      ["Rename", () => rename(p)], ["Add a touchpoint", () => add("factors")], ["Add an outcome", () => add("outcomes")], [`Remove ${column.label}`, () => remove(p)],
    ], x, y, refocus);
  }

  // --- tools ------------------------------------------------------------------------------------------------

  const addFactor = tool("Add touchpoint", "Add a touchpoint", () => add("factors"), signal);
  tools.append(undoing, edits.redoing, addFactor, edits.saving, edits.history, edits.saved, edits.notice);

  function paintTools() {
    edits.paint();
    addFactor.hidden = help.hidden = readOnly();
    help.textContent = "Arrows move; 0 to 3 set, + and − raise and lower, space is “do not know”, P “may come”, Delete empties. Enter goes to the slider. "
      + "A block from a spreadsheet can be pasted. On a name: Enter renames, Delete removes; right-click or Shift+F10 opens a menu.";
  }

  function paintStatus() {
    edits.paintStatus();
    edits.paintDisputes();
  }

  // --- what it comes to ---------------------------------------------------------------------------------------

  function paintAnswer() {
    const answer = model.get("answer");
    summary.textContent = model.get("blind") && nobody() ? "A blind rating round is open: nothing is shown here until it is closed." : answer.words ?? "";
    const top = answer.ranking?.[0];
    summary.dataset.severity = top && answer.safe !== undefined && Math.max(...answer.ranking.map((r) => r.leads)) < answer.safe ? "warn" : "none";
    const all = model.get("columns"); // the table may be drawn a moment later
    const labels = Object.fromEntries(all.map((c) => [c.id, c.label]));
    const order = Object.fromEntries(all.map((c, i) => [c.id, i + 1]));
    picture.replaceChildren(...influenceMap(answer, labels, order, (id) => { const row = at(id); if (row >= 0) move(row, -1); }, signal));
    ranking.replaceChildren(...rankingTable(answer, all.slice(0, model.get("n_factors"))));
    right.hidden = nobody(); // there is nothing to work out from
    markPoints();
    if (answer.preview === previewed.asked) askPreview();
  }

  /** Show the touchpoints of the chosen cell in the picture. */
  function markPoints() {
    const chosen = new Set([columns[pick.at.row]?.id, columns[pick.at.col]?.id]);
    for (const point of picture.querySelectorAll("[data-factor]")) point.toggleAttribute("data-chosen", pick.touched && chosen.has(/** @type {SVGElement} */ (point).dataset.factor ?? ""));
  }

  function paintTalk() {
    const found = model.get("discuss");
    talk.hidden = !found.length;
    const ol = make("ol");
    ol.append(...found.map((f) => {
      const item = make("li", `${f.in_words} `);
      item.append(shows(f.source, f.target));
      return item;
    }));
    talk.replaceChildren(make("h3", "Talk about these next"), ol);
  }

  /** @param {string} source @param {string} target */
  function shows(source, target) {
    const button = make("button", "Show", { type: "button", class: "jw-go" });
    const [r, c] = [at(source), at(target)];
    if (r < 0) button.hidden = true; else button.ariaLabel = `Show ${c >= 0 ? named(r, c) : columns[r].label}`;
    button.addEventListener("click", () => { const [row, col] = [at(source), at(target)]; if (row >= 0) move(row < n ? row : -1, row < n ? col : row); }, { signal });
    return button;
  }

  function paintFindings() {
    const words = /** @type {Record<string, string>} */ ({ error: "Error", warn: "Warning", info: "Note" });
    const marks = /** @type {Record<string, string>} */ ({ error: "●", warn: "▲", info: "■" });
    const found = model.get("findings");
    list.replaceChildren(...found.map((f) => {
      const item = make("li", "", { class: `jw-finding jw-${f.severity}` });
      item.append(make("span", marks[f.severity], { class: "jw-mark", "aria-hidden": "true" }), make("strong", `${words[f.severity]}: `), make("span", f.message),
        make("span", ` ${f.advice}`, { class: "jw-advice" }), make("span", f.code, { class: "jw-code" }));
      if (f.source) item.append(shows(f.source, f.target || f.source));
      return item;
    }));
    const left_ = Object.values(model.get("found")).reduce((a, b) => a + b, 0) - found.length;
    if (left_ > 0) list.append(make("li", `${count(left_, "more finding")}.`, { class: "jw-finding" }));
    list.hidden = !list.childElementCount;
  }

  // --- what if ----------------------------------------------------------------------------------------------------

  /** @type {Map<string, { input: HTMLInputElement, output: HTMLOutputElement }>} */
  let levers = new Map();

  function buildWhatIf() {
    const wanted = JSON.stringify([columns, n]);
    if (whatIf.body.dataset.drawn === wanted) return;
    whatIf.body.dataset.drawn = wanted;
    levers = new Map();
    const held = make("div", "", { class: "jw-levers", role: "group", "aria-label": "Changes" });
    for (const column of columns.slice(0, n)) {
      const row = make("label", "", { class: "jw-lever" });
      const input = make("input", "", { type: "range", min: "-100", max: "100", step: "5", value: "0" });
      input.ariaLabel = `Change of ${column.label}, per cent`;
      const output = make("output", "0 %");
      input.addEventListener("input", () => { output.textContent = per(Number(input.value)); ask(); }, { signal });
      row.append(make("span", column.label, { class: "jw-name" }), input, output);
      held.append(row);
      levers.set(column.id, { input, output });
    }
    const presets = make("div", "", { class: "jw-tools jw-presets" });
    const results = make("div", "", { class: "jw-moved" });
    whatIf.body.replaceChildren(presets, held, results);
    showChanges();
    paintMoved();
  }

  /** The changes of touchpoints that are still there. */
  const changesNow = () => Object.fromEntries(Object.entries(model.get("changes")).filter(([id]) => at(id) >= 0 && at(id) < n));

  const per = (/** @type {number} */ v) => `${v > 0 ? "+" : ""}${v} %`;
  let asking = 0;
  /** Ask what the changes come to, once a frame. */
  function ask() {
    if (asking) return;
    asking = requestAnimationFrame(() => {
      asking = 0;
      /** @type {Record<string, number>} */
      const changes = {};
      for (const [id, { input }] of levers) if (Number(input.value)) changes[id] = Number(input.value) / 100;
      model.set("changes", changes);
      model.save_changes();
    });
  }

  function showChanges() {
    const changes = model.get("changes");
    for (const [id, { input, output }] of levers) {
      if (document.activeElement === input) continue;
      input.value = String(Math.round((changes[id] ?? 0) * 100));
      output.textContent = per(Number(input.value));
    }
    paintPresets();
  }

  function paintPresets() {
    const presets = whatIf.body.querySelector(".jw-presets");
    if (!presets) return;
    const plans_ = model.get("interventions").filter((i) => Object.keys(i.changes).length && i.status !== "dropped");
    const some = Object.keys(changesNow()).length > 0;
    const load = (/** @type {Record<string, number>} */ changes) => { model.set("changes", changes); model.save_changes(); showChanges(); };
    const keep = tool("Save as intervention", "Keep these changes as an intervention", () => savePlan(), signal);
    keep.disabled = !some;
    const reset = tool("Reset", "All touchpoints as they are", () => load({}), signal);
    reset.disabled = !some;
    redraw(/** @type {HTMLElement} */ (presets), ...plans_.map((i) => tool(i.label, `Show what ${i.label} would change`, () => load(i.changes), signal)), reset, ...(readOnly() ? [] : [keep]));
  }

  function savePlan() {
    const changes = changesNow();
    const label = Object.keys(changes).map((id) => columns[at(id)]?.label ?? id).slice(0, 3).join(", ");
    plans.box.open = true;
    send([{ op: "add", list: "interventions", part: { label: `Improve ${label}`.slice(0, LONGEST), changes }, before: null }]);
  }

  function paintMoved() {
    const results = whatIf.body.querySelector(".jw-moved");
    if (!results) return;
    const { words, rows } = model.get("moved");
    const any = rows.some((r) => r.direction === "held");
    const table_ = make("table", "", { class: "jw-moves" });
    table_.append(make("caption", any ? "What moves, against the way it is now" : "Move a slider to see what moves"));
    const body = table_.createTBody();
    const outcomes = rows.filter((r) => columns[at(r.id)]?.kind === "outcome");
    const touched = rows.filter((r) => columns[at(r.id)]?.kind === "factor" && r.direction !== "held" && r.direction !== "no change");
    for (const row of any ? [...outcomes, ...touched.sort((a, b) => (a.rank ?? 99) - (b.rank ?? 99)).slice(0, 8)] : []) {
      const tr = body.insertRow();
      const bar = make("span", "", { class: "jw-bar" });
      const fill = make("span", "", { class: row.share < 0 ? "jw-worse" : "jw-better" });
      fill.style.width = `${Math.abs(row.share) * 50}%`;
      bar.append(fill);
      const cell = make("td", "", { "aria-hidden": "true" });
      cell.append(bar);
      tr.append(make("th", columns[at(row.id)]?.label ?? row.id, { scope: "row", class: columns[at(row.id)]?.kind === "outcome" ? "jw-outcome" : "" }),
        make("td", `${row.direction === "better" ? "▲ " : row.direction === "worse" ? "▼ " : ""}${row.direction}`), cell, make("td", row.rank ? `${row.rank}.` : ""));
    }
    results.replaceChildren(table_, make("p", words, { class: "jw-advice" }));
  }

  // --- interventions, stakes, round ------------------------------------------------------------------------------

  function paintPlans() {
    const all = model.get("interventions");
    if (written(plans.body)) return;
    const table_ = make("table", "", { class: "jw-plans" });
    const line = table_.createTHead().insertRow();
    for (const text of ["Ready", "What", "Touchpoints", "Owner", "KPI", "Days", "Expected", "From", "To", "Status"]) line.append(make("th", text, { scope: "col" }));
    line.append(make("td"));
    const body = table_.createTBody();
    for (const plan of all) {
      const tr = body.insertRow();
      const sends = (/** @type {string} */ field) => (/** @type {any} */ value) => send([{ op: "set", list: "interventions", id: plan.id, field, value }]);
      const ready = make("td", plan.ready ? "✓" : "▲", { title: plan.ready ? "Has an owner and a KPI" : "Needs an owner and a KPI", class: plan.ready ? "jw-ready" : "jw-open" });
      ready.ariaLabel = plan.ready ? "ready" : "needs an owner and a KPI";
      const changes = Object.entries(plan.changes).map(([id, c]) => `${columns[at(id)]?.label ?? id} ${per(Math.round(c * 100))}`).join(", ");
      tr.append(ready, field("text", plan.label, `What ${plan.label}`, (v) => v && sends("label")(v)), make("td", changes || "none"),
        options(plan.owner, [["", "–"], ...model.get("roles").map((r) => /** @type {[string, string]} */ ([r.id, r.label]))], `Owner of ${plan.label}`, sends("owner")),
        field("text", plan.kpi, `KPI of ${plan.label}`, sends("kpi"), model.get("kpis")), field("number", plan.effort, `Effort of ${plan.label} in days`, sends("effort")),
        field("number", plan.expected_effect, `Expected effect of ${plan.label}`, sends("expected_effect")), field("date", plan.starts, `Start of ${plan.label}`, sends("starts")),
        field("date", plan.ends, `End of ${plan.label}`, sends("ends")), options(plan.status, STATUSES.map((s) => /** @type {[string, string]} */ ([s, s])), `Status of ${plan.label}`, sends("status")));
      const last = tr.insertCell();
      if (!readOnly()) { const gone = tool("Remove", `Remove ${plan.label}`, () => send([{ op: "remove", list: "interventions", id: plan.id }]), signal, "jw-go"); gone.ariaLabel = `Remove ${plan.label}`; last.append(gone); }
    }
    const open = all.filter((i) => !i.ready && i.status !== "dropped").length;
    redraw(plans.body, ...(all.length ? [table_] : [make("p", "None yet. Set what-if sliders and save them as an intervention.")]),
      ...(open ? [make("p", `${count(open, "intervention")} without an owner or a KPI: the plan is not finished.`, { class: "jw-open" })] : []));
  }

  function paintStakes() {
    if (written(atStake.body)) return;
    const table_ = make("table", "", { class: "jw-plans" });
    const line = table_.createTHead().insertRow();
    for (const text of ["Touchpoint", "Satisfaction", "Retention", "Advocacy"]) line.append(make("th", text, { scope: "col" }));
    const body = table_.createTBody();
    model.get("stakes").forEach((stakes, r) => {
      if (!columns[r]) return;
      const tr = body.insertRow();
      tr.append(make("th", columns[r].label, { scope: "row" }));
      ["satisfaction", "retention", "advocacy"].forEach((name, i) => {
        const td = field("number", stakes[i], `${name} at stake at ${columns[r].label}`, (value) => send([{ op: "set", list: "factors", id: columns[r].id, field: name, value }]));
        const input = td.querySelector("input");
        if (input) { input.min = "0"; input.max = "5"; input.step = "1"; }
        tr.append(td);
      });
    });
    redraw(atStake.body, table_);
  }

  function paintRound() {
    const blind = model.get("blind");
    const all = model.get("raters");
    const own = all.find((r) => r.id === model.get("rater"));
    const ul = make("ul");
    ul.append(...all.map((r) => make("li", `${r.label}: ${count(r.judged, "relation")} judged${r.handed_in ? ", handed in ✓" : ""}`)));
    const words = blind && nobody()
      ? "A blind round is open. Nothing can be judged here: this page does not know who you are."
      : blind
      ? "A blind round is open: everybody sees only their own judgements. When it is closed, the spread is shown first, then the mean."
      : "No round is open: everybody's judgements can be seen.";
    const acts = [];
    if (!readOnly()) {
      if (blind && own && !nobody()) acts.push(tool(own.handed_in ? "Take back" : "Hand in mine", "Say that you have finished", () => send([{ op: "set", list: "raters", id: own.id, field: "handed_in", value: !own.handed_in }]), signal));
      if (!blind && !model.get("fixed")) acts.push(tool("Add rater", "Let somebody else judge too", () => addRater(), signal));
      acts.push(tool(blind ? "Close the round" : "Open a blind round", blind ? "Everybody's judgements are shown" : "Everybody sees only their own", () => {
        send([{ op: "round", open: !blind }]);
        if (blind) whenDone(() => { if (model.get("raters").length > 1) { layer = "spread"; buildViews(); paint(); } });
      }, signal));
    }
    acts.forEach((button, i) => { button.dataset.key = String(i); });
    if (round.body.querySelector("form")) return; // somebody writes a name: it stays
    redraw(round.body, make("p", words), ul, ...acts);
  }

  /** Ask who else judges. */
  function addRater() {
    round.body.querySelector("form")?.remove();
    const form = make("form", "", { class: "jw-new" });
    const input = make("input", "", { type: "text", required: "", maxlength: String(LONGEST), placeholder: "Name", "aria-label": "Name of the rater" });
    form.append(input, make("button", "Add", { type: "submit" }));
    form.addEventListener("submit", (e) => {
      e.preventDefault();
      const label = oneLine(input.value);
      form.remove();
      if (!label) return;
      send([{ op: "add", list: "raters", part: { label }, before: null }]);
      whenDone(() => {
        const id = model.get("raters").findLast((r) => r.label === label)?.id;
        if (id === undefined) return;
        layer = "mine";
        model.set("rater", id);
        model.save_changes();
      });
    }, { signal });
    form.addEventListener("keydown", (e) => { e.stopPropagation(); if (e.key === "Escape") form.remove(); }, { signal });
    round.body.append(form);
    input.focus();
  }

  // --- keys and pointer ---------------------------------------------------------------------------------------------

  /** @param {KeyboardEvent} event */
  function press(event) {
    const { key } = event;
    const far = event.ctrlKey || event.metaKey;
    const lower = key.toLowerCase();
    if (far && "szy".includes(lower)) return; // the whole page listens to these
    if (key === "Escape") { pick.anchor = pick.at; pick.paint(); return; }
    const isCell = pick.at.row >= 0 && pick.at.col >= 0;
    const went = pick.key(event);
    if (went === "left") return;
    if (went) { event.preventDefault(); return; }
    if (key === "ContextMenu" || (key === "F10" && event.shiftKey)) {
      const box = nodeAt(pick.at)?.getBoundingClientRect();
      if (box) menu(pick.at, box.left + 8, box.bottom);
    } else if (key === "Enter" || key === "F2") {
      if (isCell) { if (!side.hidden && writes()) slider.focus(); } else rename(pick.at);
    } else if (key === "Delete" || key === "Backspace") {
      if (isCell) set(null); else if (!readOnly()) remove(pick.at);
    } else if (isCell && !far && !event.altKey && /^[0-3]$/.test(key)) set(Number(key));
    else if (isCell && !far && (key === "+" || key === "-" || key === "−")) raise(key === "+" ? 1 : -1);
    else if (isCell && !far && key === " ") set("?");
    else if (isCell && !far && lower === "p") set("P");
    else return;
    event.preventDefault();
  }

  /** @param {Event} event @returns {{ node: HTMLTableCellElement, place: Place } | null} */
  function under(event) {
    const node = /** @type {HTMLTableCellElement | null} */ (/** @type {Element} */ (event.target).closest?.("[data-row][data-col]"));
    return node && table.contains(node) ? { node, place: { row: Number(node.dataset.row), col: Number(node.dataset.col) } } : null;
  }

  /** @param {PointerEvent} event */
  function point(event) {
    const hit = under(event);
    if (!hit || event.button || event.ctrlKey || event.metaKey || event.altKey) return;
    const { place: p } = hit;
    if (event.pointerType !== "touch") event.preventDefault();
    move(p.row, p.col, event.shiftKey);
    if (event.pointerType === "touch" || p.row < 0 || p.col < 0) return;
    gesture(signal, (e) => {
      const over = /** @type {HTMLElement | null} */ (document.elementFromPoint(e.clientX, e.clientY)?.closest("td[data-row]") ?? null);
      if (!over || !table.contains(over)) return;
      const [r, c] = [Number(over.dataset.row), Number(over.dataset.col)];
      if (r !== pick.at.row || c !== pick.at.col) move(r, c, true);
    }, () => {});
  }

  paint();
  paintStatus();
  buildWhatIf();
  paintAnswer();
  paintRest();

  function paintRest() {
    paintTalk();
    paintFindings();
    paintMoved();
    paintPlans();
    paintStakes();
    paintRound();
    paintPresets();
  }

  table.addEventListener("keydown", press, { signal });
  out.listenToKeys(el);
  table.addEventListener("pointerdown", point, { signal });
  table.addEventListener("dblclick", (e) => { const hit = under(e); if (hit && (hit.place.row < 0 || hit.place.col < 0)) { e.preventDefault(); rename(hit.place); } }, { signal });
  table.addEventListener("contextmenu", (e) => {
    const hit = under(e);
    if (!hit || readOnly()) return;
    e.preventDefault();
    if (!pick.cells().some(([r, c]) => r === hit.place.row && c === hit.place.col)) move(hit.place.row, hit.place.col);
    menu(hit.place, e.clientX, e.clientY);
  }, { signal });
  table.addEventListener("focusin", (e) => {
    const hit = under(e);
    if (hit && !typing && (hit.place.row !== pick.at.row || hit.place.col !== pick.at.col) && e.target === hit.node) {
      pick.at = hit.place; pick.anchor = pick.at; pick.touched = true; pick.paint(); paintTools(); paintSide();
    }
  }, { signal });
  for (const [box, act] of /** @type {[HTMLElement, () => void][]} */ ([[plans.body, paintPlans], [atStake.body, paintStakes]])) {
    box.addEventListener("focusout", () => setTimeout(() => { if (!signal.aborted && box.hasAttribute("data-stale")) act(); }), { signal });
  }
  table.addEventListener("paste", (e) => { if (readOnly()) return; e.preventDefault(); e.stopPropagation(); paste(e.clipboardData?.getData("text/plain") ?? ""); }, { signal });
  table.addEventListener("copy", (e) => { if (!pick.cells().length) return; e.preventDefault(); e.stopPropagation(); e.clipboardData?.setData("text/plain", copied()); }, { signal });

  const again = () => { paint(); buildViews(); };
  listen(model, signal, [
    ["done", () => { out.acknowledge(); out.actWhenDone(); }],
    ["columns", again], ["cells", again], ["together", again], ["agreed", again], ["notes", again], ["agreed_notes", again], ["blind", again], ["rater", again], ["read_only", again], ["steps", again],
    ["spread", again], ["evidence", again], ["raters", again], ["outcome", again], ["cut", again],
    ["answer", paintAnswer], ["status", () => { paintStatus(); if (model.get("status").state === "error") { paintPlans(); paintStakes(); } }], ["disputes", paintStatus], ["discuss", paintTalk], ["findings", paintFindings], ["moved", paintMoved],
    ["changes", showChanges], ["revisions", () => { paintTools(); paintHistory(); }],
    ["interventions", () => { paintPlans(); paintPresets(); }], ["stakes", paintStakes], ["missing", () => {}],
  ], new Set([again]), () => { paint(); buildViews(); buildWhatIf(); paintRound(); paintStakes(); });
}

export default () => {
  /** @type {Waiting} */
  const waiting = { sent: [], save: 0 };
  return { render: (/** @type {RenderProps<State>} */ props) => render(props, waiting) };
};
