// @ts-check
import { make } from "../page_scripts/parts.js";
/** @typedef {{ factor: string, active: number, passive: number, given: number, given_low: number, given_high: number, received: number, received_low: number, received_high: number, role: string, role_share: number }} Point */
/** @typedef {{ factor: string, share: number, rank: number, low: number, high: number, leads: number, role: string, role_share: number }} Ranked */
/** @typedef {{ preview: number, words: string, about?: string, cut?: Record<string, number>, points: Point[], ranking: Ranked[], safe?: number }} Answer */

const SIZE = { width: 520, height: 400, left: 46, right: 16, top: 14, bottom: 40 };
const SAFE_ROLE = 0.8;
const NAMES = 14; // factors up to which points carry their names, else their numbers

/** @param {string} name @param {Record<string, string | number>} attributes @param {string} [text] */
function shape(name, attributes, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, typeof value === "number" ? String(Math.round(value * 10) / 10) : value);
  if (text) element.textContent = text;
  return element;
}

/**
 * Draw who gives and who receives: the place by total influence with its interval, and the way there from direct sums.
 * @param {Answer} answer @param {Record<string, string>} labels @param {Record<string, number>} order
 * @param {(id: string) => void} choose @param {AbortSignal} signal
 */
export function influenceMap(answer, labels, order, choose, signal) {
  const { points, cut } = answer;
  if (!points.length || !cut) return [make("p", answer.words, { class: "jw-advice" })];
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scale(points.flatMap((p) => [p.received_low, p.received_high, p.passive, p.received]), left, width - right);
  const y = scale(points.flatMap((p) => [p.given_low, p.given_high, p.active, p.given]), height - bottom, top);
  const words = `Influence map. ${points.map((p) => `${labels[p.factor]}: ${p.role}, gives ${Math.round(p.given * 100)} % and receives ${Math.round(p.received * 100)} %`).join("; ")}.`;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "jw-map" });
  svg.setAttribute("aria-label", words);
  svg.append(shape("rect", { x: left, y: top, width: width - left - right, height: height - top - bottom, class: "jw-area" }));
  svg.append(shape("line", { x1: x(cut.received), x2: x(cut.received), y1: top, y2: height - bottom, class: "jw-cut" }));
  svg.append(shape("line", { x1: left, x2: width - right, y1: y(cut.given), y2: y(cut.given), class: "jw-cut" }));
  /** @type {[number, number, string, string][]} */
  const corners = [[left + 6, top + 14, "start", "active: pushes"], [width - right - 6, top + 14, "end", "critical: pushes and is pushed"],
    [left + 6, height - bottom - 6, "start", "buffering"], [width - right - 6, height - bottom - 6, "end", "reactive: is pushed"]];
  for (const [cx, cy, anchor, text] of corners) svg.append(shape("text", { x: cx, y: cy, "text-anchor": anchor, class: "jw-corner" }, text));
  svg.append(shape("text", { x: (left + width - right) / 2, y: height - 10, "text-anchor": "middle", class: "jw-axis" }, "receives: share of all influence →"));
  svg.append(shape("text", { x: 14, y: (top + height - bottom) / 2, "text-anchor": "middle", class: "jw-axis", transform: `rotate(-90 14 ${(top + height - bottom) / 2})` }, "gives →"));
  /** @type {{ left: number, right: number, top: number, bottom: number }[]} */
  const taken = points.map((p) => ({ left: x(p.received) - 5, right: x(p.received) + 5, top: y(p.given) - 5, bottom: y(p.given) + 5 }));
  for (const p of points) {
    const group = shape("g", { class: "jw-point" });
    /** @type {SVGElement} */ (group).dataset.factor = p.factor;
    const [rx, ry] = [(x(p.received_high) - x(p.received_low)) / 2, (y(p.given_low) - y(p.given_high)) / 2];
    group.append(shape("ellipse", { cx: x((p.received_low + p.received_high) / 2), cy: y((p.given_low + p.given_high) / 2), rx: Math.max(rx, 0.5), ry: Math.max(ry, 0.5), class: "jw-unsure" }));
    if (Math.hypot(x(p.received) - x(p.passive), y(p.given) - y(p.active)) > 3) group.append(shape("line", { x1: x(p.passive), y1: y(p.active), x2: x(p.received), y2: y(p.given), class: "jw-way" }));
    group.append(shape("circle", { cx: x(p.passive), cy: y(p.active), r: 1.8, class: "jw-direct" }));
    const dot = shape("circle", { cx: x(p.received), cy: y(p.given), r: 5, class: p.role_share >= SAFE_ROLE ? "jw-dot" : "jw-dot jw-hollow" });
    dot.append(shape("title", {}, `${labels[p.factor]}: ${p.role} in ${Math.round(p.role_share * 100)} % of draws`));
    group.append(dot);
    group.addEventListener("click", () => choose(p.factor), { signal });
    svg.append(group);
  }
  for (const p of [...points].sort((a, b) => b.given + b.received - a.given - a.received)) label(svg, taken, x(p.received), y(p.given), points.length <= NAMES ? cutText(labels[p.factor]) : String(order[p.factor]), p.factor);
  const note = make("p", `${answer.about ?? ""} The dot is total influence, the line to it begins at the direct sums; the shade is where 95 % of draws lie. A hollow dot changes its role in more than ${Math.round((1 - SAFE_ROLE) * 100)} % of draws.`, { class: "jw-advice" });
  return [svg, note];
}

/** Spread values over a length, with a margin. @param {number[]} values @param {number} from @param {number} to @returns {(v: number) => number} */
function scale(values, from, to) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (most - least) * 0.08 || 0.01;
  return (v) => from + ((v - least + room) / (most - least + 2 * room)) * (to - from);
}

/** @param {string} text */
const cutText = (text) => (text.length > 20 ? `${text.slice(0, 19)}…` : text);

/** Write a name where it covers nothing, if there is such a place. @param {Element} svg @param {{ left: number, right: number, top: number, bottom: number }[]} taken @param {number} cx @param {number} cy @param {string} text @param {string} factor */
function label(svg, taken, cx, cy, text, factor) {
  const wide = text.length * 6 + 4;
  /** @type {[number, number, string][]} */
  const places = [[cx + 8, cy + 4, "start"], [cx - 8, cy + 4, "end"], [cx, cy - 9, "middle"], [cx, cy + 17, "middle"], [cx + 8, cy - 8, "start"], [cx + 8, cy + 16, "start"], [cx - 8, cy - 8, "end"], [cx - 8, cy + 16, "end"]];
  for (const [px, py, anchor] of places) {
    const from = anchor === "start" ? px : anchor === "end" ? px - wide : px - wide / 2;
    const box = { left: from, right: from + wide, top: py - 10, bottom: py + 3 };
    if (box.left < SIZE.left || box.right > SIZE.width - 2 || box.top < 2 || box.bottom > SIZE.height - SIZE.bottom) continue;
    if (taken.some((t) => t.left < box.right && t.right > box.left && t.top < box.bottom && t.bottom > box.top)) continue;
    taken.push(box);
    const words = shape("text", { x: px, y: py, "text-anchor": anchor, class: "jw-point-name" }, text);
    /** @type {SVGElement} */ (words).dataset.factor = factor;
    svg.append(words);
    return;
  }
}

/** The ranking, with how sure each place is. @param {Answer} answer @param {{ id: string, label: string }[]} factors */
export function rankingTable(answer, factors) {
  if (!answer.ranking.length) return [];
  const number = new Map(factors.map((f, i) => [f.label, i + 1]));
  const table = make("table", "", { class: "jw-moves" });
  table.append(make("caption", "Ranking, and how sure it is"));
  const line = table.createTHead().insertRow();
  for (const text of ["Rank", "Touchpoint", "Influence", "Leads in", "Rank, 95 %", "Role"]) line.append(make("th", text, { scope: "col" }));
  const body = table.createTBody();
  for (const r of answer.ranking) {
    const tr = body.insertRow();
    const bar = make("span", "", { class: "jw-bar jw-whole" });
    const fill = make("span", "", { class: "jw-better" });
    fill.style.width = `${Math.round(r.share * 100)}%`;
    bar.append(fill);
    const cell = make("td", "", { "aria-hidden": "true" });
    cell.append(bar);
    const many = factors.length > NAMES ? `${number.get(r.factor) ?? ""} ` : "";
    tr.append(make("td", `${r.rank}`), make("th", `${many}${r.factor}`, { scope: "row" }), cell, make("td", `${Math.round(r.leads * 100)} %`),
      make("td", r.low === r.high ? `${r.low}` : `${r.low}–${r.high}`), make("td", `${r.role} ${Math.round(r.role_share * 100)} %`));
  }
  return [table];
}
