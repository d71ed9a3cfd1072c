// @ts-check
/* What readers do with a page: explain a number, and take numbers and pictures along. Works on what is there, without a kernel. */

/** @typedef {{ part?: string, row?: number, name?: string, figure?: string, value?: number, low?: number, high?: number, n?: number, shown?: string, about?: string }} Line */
/** @typedef {string | number | null} Cell */

const FORMULA = /^(?:[\t\r\n\0']|[\s\u0000-\u001f\u007f\u200b-\u200f\u2060\ufeff]*[=+\-@＝＋－＠])/;

/** A text that no spreadsheet takes for a formula. @param {string} text */
const safeText = (text) => (FORMULA.test(text) ? `'${text}` : text);

/** @param {Cell} cell */
function csvCell(cell) {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  const text = safeText(cell);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {Cell[][]} rows */
export const toCsv = (rows) => rows.map((row) => row.map(csvCell).join(",") + "\n").join("");

const CRC = Array.from({ length: 256 }, (_none, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
  let c = 0xffffffff;
  for (const b of bytes) c = CRC[(c ^ b) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** A ZIP archive of uncompressed files: all that a small workbook needs. @param {Record<string, string>} files */
function zip(files) {
  const text = new TextEncoder();
  /** @type {Uint8Array[]} */
  const parts = [];
  /** @type {Uint8Array[]} */
  const central = [];
  let at = 0;
  for (const [name, body] of Object.entries(files)) {
    const label = text.encode(name);
    const data = text.encode(body);
    const head = new DataView(new ArrayBuffer(26));
    [20, 0x800, 0, 0, 0x21].forEach((v, i) => head.setUint16(2 * i, v, true)); // version, UTF-8, stored, 1 January 1980
    head.setUint32(10, crc32(data), true);
    head.setUint32(14, data.length, true);
    head.setUint32(18, data.length, true);
    head.setUint16(22, label.length, true);
    const same = new Uint8Array(head.buffer);
    parts.push(Uint8Array.of(0x50, 0x4b, 3, 4), same, label, data);
    const tail = new DataView(new ArrayBuffer(14));
    tail.setUint32(10, at, true);
    central.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), same, new Uint8Array(tail.buffer), label);
    at += 4 + same.length + label.length + data.length;
  }
  const size = central.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, Object.keys(files).length, true);
  end.setUint16(10, Object.keys(files).length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return new Blob(/** @type {BlobPart[]} */ ([...parts, ...central, new Uint8Array(end.buffer)]), { type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" });
}

/** @param {string} text */
const xml = (text) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** A workbook of one sheet: texts are texts, whatever they begin with, and numbers are numbers. @param {Cell[][]} rows */
export function toXlsx(rows) {
  const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
  const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
  const RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships";
  const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
  const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";
  const cell = (/** @type {Cell} */ c) => (c === null ? "<c/>" : typeof c === "number" ? `<c><v>${c}</v></c>` : `<c t="inlineStr"><is><t xml:space="preserve">${xml(c)}</t></is></c>`);
  const sheet = rows.map((row) => `<row>${row.map(cell).join("")}</row>`).join("");
  return zip({
    "[Content_Types].xml": `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPE}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPE}.worksheet+xml"/></Types>`,
    "_rels/.rels": `${HEAD}<Relationships xmlns="${RELATIONS}"><Relationship Id="r1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
    "xl/workbook.xml": `${HEAD}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="Figures" sheetId="1" r:id="r1"/></sheets></workbook>`,
    "xl/_rels/workbook.xml.rels": `${HEAD}<Relationships xmlns="${RELATIONS}"><Relationship Id="r1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>`,
    "xl/worksheets/sheet1.xml": `${HEAD}<worksheet xmlns="${MAIN}"><sheetData>${sheet}</sheetData></worksheet>`,
  });
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string} text */
const slug = (text) => `${document.title} ${text}`.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 60) || "figures";

/** The figures that came along with a part of the page. @param {Element} part @returns {Line[]} */
function linesOf(part) {
  const held = part.closest(".jw-part")?.querySelector("script.jw-lines");
  return held ? JSON.parse(held.textContent ?? "[]") : [];
}

/** @param {Element | null | undefined} node */
const words = (node) => (node?.textContent ?? "").trim().replace(/\s+/g, " ");

/** The heading above a part of the page. @param {Element} part */
function sectionOf(part) {
  const heads = [...document.querySelectorAll("h1, h2, h3")].filter((h) => h.compareDocumentPosition(part) & Node.DOCUMENT_POSITION_FOLLOWING);
  return words(heads.at(-1)).replace(/\s*¶$/, "");
}

/** @param {HTMLTableElement} table */
function tableOf(table) {
  const caption = words(table.caption);
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])].map(words);
  const found = linesOf(table).filter((l) => (l.part ?? "") === caption);
  /** @param {number} row @param {number} column */
  const line = (row, column) => found.find((l) => l.row === row + 1 && l.figure === heads[column]);
  return { caption, heads, line };
}

/** All cells of a table: numbers in full where they came along, texts as they are read. @param {HTMLTableElement} table @returns {Cell[][]} */
export function rowsOf(table) {
  const { heads, line } = tableOf(table);
  const body = [...(table.tBodies[0]?.rows ?? [])].map((row, r) =>
    [...row.cells].map((cell, c) => {
      if (cell.querySelector(".jw-none")) return null;
      const known = line(r, c);
      return known?.value ?? known?.shown ?? (cell.querySelector("[title]")?.getAttribute("title") || words(cell));
    }),
  );
  return [heads, ...body];
}

/** @param {Element} tiles @returns {Cell[][]} */
function tilesOf(tiles) {
  const found = linesOf(tiles);
  const rows = [...tiles.querySelectorAll(".jw-tile")].map((tile) => {
    const label = words(tile.querySelector(".jw-label"));
    const known = found.find((l) => l.name === label && l.figure === "figure");
    return [label, known?.value ?? words(tile.querySelector(".jw-value")), known?.low ?? null, known?.high ?? null, known?.n ?? null, words(tile.querySelector(".jw-words"))];
  });
  return [["Figure", "Value", "At least", "At most", "n", "In words"], ...rows];
}

/** @param {any} spec @returns {Cell[][]} */
function chartRows(spec) {
  const sets = [...Object.values(spec.datasets ?? {}), spec.data?.values].filter(Array.isArray);
  const longest = sets.sort((a, b) => b.length - a.length)[0] ?? [];
  const names = [...new Set(longest.flatMap((/** @type {object} */ row) => Object.keys(row)))];
  const cell = (/** @type {any} */ v) => (v === null || v === undefined ? null : typeof v === "number" ? v : String(v));
  return [names, ...longest.map((/** @type {any} */ row) => names.map((n) => cell(row[n])))];
}

/** @param {SVGSVGElement} svg */
function pictureOf(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const { width, height } = svg.getBoundingClientRect();
  if (!copy.getAttribute("width")) copy.setAttribute("width", String(width));
  if (!copy.getAttribute("height")) copy.setAttribute("height", String(height));
  return { blob: new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }), width, height };
}

/** @param {SVGSVGElement} svg @param {string} name */
async function savePng(svg, name) {
  const { blob, width, height } = pictureOf(svg);
  const image = new Image();
  image.src = URL.createObjectURL(blob);
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  canvas.toBlob((made) => made && save(made, `${name}.png`), "image/png");
}

/** @param {string} label @param {Record<string, () => void>} ways */
function takeAlong(label, ways) {
  const box = document.createElement("details");
  box.className = "jw-take";
  const head = document.createElement("summary");
  head.textContent = "Download";
  head.setAttribute("aria-label", `Download: ${label}`);
  box.append(head);
  for (const [name, act] of Object.entries(ways)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = name;
    button.addEventListener("click", () => { act(); box.open = false; });
    box.append(button);
  }
  return box;
}

/** @param {() => Cell[][]} rows @param {() => string} name */
const numbers = (rows, name) => ({
  CSV: () => save(new Blob([toCsv(rows())], { type: "text/csv;charset=utf-8" }), `${name()}.csv`),
  XLSX: () => save(toXlsx(rows()), `${name()}.xlsx`),
});

/** @param {number | undefined} number */
const exact = (number) => (number === undefined ? "" : number.toLocaleString("en", { maximumSignificantDigits: 6 }));

/** Say what a number is: as it was worked out, how sure, of what, by what definition. @param {Element} place @param {string} label @param {Line | undefined} line */
function explain(place, label, line) {
  document.querySelector("dialog.jw-explain")?.remove();
  const dialog = document.createElement("dialog");
  dialog.className = "jw-explain";
  const title = document.createElement("h3");
  title.textContent = label;
  const list = document.createElement("dl");
  const part = place.closest(".jw-part") ?? place.parentElement;
  const scroll = place.closest(".jw-scroll");
  const counted = scroll?.nextElementSibling?.matches(".jw-counted") ? scroll.nextElementSibling : part?.querySelector(".jw-counted");
  const facts = [...document.querySelectorAll(".jw-facts > div")].map((d) => [words(d.querySelector("dt")), words(d.querySelector("dd"))]);
  const told = [
    ["Shown as", line?.shown ?? words(place)],
    ["Worked out as", exact(line?.value)],
    ["95 % interval", line?.low === undefined || line?.high === undefined ? "" : `${exact(line.low)} to ${exact(line.high)}`],
    ["Counted over (n)", exact(line?.n)],
    ["What it is", line?.about ?? ""],
    ["How it was counted", words(counted)],
    ["Part of the page", [sectionOf(place), words(place.closest("table")?.caption)].filter(Boolean).join(": ")],
    ...facts,
  ];
  for (const [name, value] of told) {
    if (!value) continue;
    const term = document.createElement("dt");
    term.textContent = name;
    const said = document.createElement("dd");
    said.textContent = value;
    list.append(term, said);
  }
  const shut = document.createElement("button");
  shut.type = "button";
  shut.textContent = "Close";
  shut.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    const nowhere = !document.activeElement || document.activeElement === document.body || dialog.contains(document.activeElement);
    dialog.remove();
    if (nowhere && place instanceof HTMLElement) place.focus(); // whoever went on meanwhile is not called back
  });
  dialog.append(title, list, shut);
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {HTMLTableElement} table */
function equipTable(table) {
  const { caption, heads, line } = tableOf(table);
  const body = table.tBodies[0];
  if (!body) return;
  const cells = [...body.rows].map((row) => [...row.cells]);
  const isNumber = (/** @type {Element | undefined} */ cell) => !!cell?.matches("td.jw-number") && !cell.querySelector(".jw-none");
  const first = cells.flat().find(isNumber);
  if (first) first.tabIndex = 0;
  const about = (/** @type {HTMLElement} */ cell) => {
    const r = cells.findIndex((row) => row.includes(/** @type {any} */ (cell)));
    const c = cells[r].indexOf(/** @type {any} */ (cell));
    explain(cell, `${words(cells[r][0])}: ${heads[c]}`, line(r, c));
  };
  for (const cell of cells.flat().filter(isNumber)) {
    cell.setAttribute("role", "button");
    cell.setAttribute("aria-haspopup", "dialog");
    cell.addEventListener("click", () => about(cell));
    cell.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); about(cell); return; }
      const [down, right] = { ArrowDown: [1, 0], ArrowUp: [-1, 0], ArrowRight: [0, 1], ArrowLeft: [0, -1] }[event.key] ?? [0, 0];
      if (!down && !right) return;
      let r = cells.findIndex((row) => row.includes(cell));
      let c = cells[r].indexOf(cell);
      do { r += down; c += right; } while (cells[r]?.[c] && !isNumber(cells[r][c]));
      const next = cells[r]?.[c];
      if (!next) return;
      event.preventDefault();
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
  if (cells.length) (table.closest(".jw-scroll") ?? table).after(takeAlong(caption || sectionOf(table), numbers(() => rowsOf(table), () => slug(caption || sectionOf(table)))));
}

/** @param {Element} tiles */
function equipTiles(tiles) {
  const found = linesOf(tiles);
  for (const value of tiles.querySelectorAll(".jw-value")) {
    const label = words(value.parentElement?.querySelector(".jw-label"));
    const line = found.find((l) => l.name === label && l.figure === "figure");
    if (!(value instanceof HTMLElement)) continue;
    value.tabIndex = 0;
    value.setAttribute("role", "button");
    value.setAttribute("aria-haspopup", "dialog");
    const told = { ...line, about: line?.about ?? words(value.parentElement?.querySelector(".jw-words")) };
    value.addEventListener("click", () => explain(value, label, told));
    value.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); explain(value, label, told); }
    });
  }
  tiles.after(takeAlong(sectionOf(tiles), numbers(() => tilesOf(tiles), () => slug(sectionOf(tiles)))));
}

/** @param {Element} chart */
function equipChart(chart) {
  const caption = () => words(chart.querySelector(".jw-caption, figcaption")) || sectionOf(chart);
  const svg = () => /** @type {SVGSVGElement} */ (chart.querySelector("svg"));
  const drawn = /** @type {any} */ (chart);
  const pictures = { SVG: () => save(pictureOf(svg()).blob, `${slug(caption())}.svg`), PNG: () => void savePng(svg(), slug(caption())) };
  const known = () => drawn.journeySpec ?? JSON.parse(chart.querySelector("script.jw-spec")?.textContent ?? "null");
  chart.after(takeAlong(caption(), { ...pictures, ...(known() ? numbers(() => chartRows(known()), () => slug(caption())) : {}) }));
}

/** Cards say of each figure what it is themselves; their numbers come along. @param {Element} cards */
function equipCards(cards) {
  const title = () => words(cards.previousElementSibling?.matches("h3") ? cards.previousElementSibling : null) || sectionOf(cards);
  const rows = () => {
    const own = [...cards.querySelectorAll("h4")].map(words);
    /** @type {Cell[][]} */
    const found = linesOf(cards).filter((l) => own.includes(l.name ?? "")).map((l) => [l.name ?? "", l.figure ?? "", l.value ?? null, l.low ?? null, l.high ?? null, l.n ?? null, l.shown ?? ""]);
    return [["KPI", "Figure", "Value", "At least", "At most", "n", "As shown"], ...found];
  };
  if (linesOf(cards).length) cards.after(takeAlong(title(), numbers(rows, () => slug(title()))));
}

/** @type {[string, (found: any) => void][]} */
const PARTS = [
  [".jw-kpis", equipCards],
  ["table.jw-table", equipTable],
  [".jw-tiles", equipTiles],
  [".jw-chart:has(svg), figure.jw-figure:has(svg)", equipChart],
];
const equipped = new WeakSet();
/** What is wider than its place is moved along with the arrow keys too. */
const sideways = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});

/** Give every part of the page that is there its tools. */
export function equip() {
  document.querySelectorAll(".jw-scroll, .jw-chart, figure.jw-figure").forEach((part) => sideways.observe(part));
  for (const [selector, give] of PARTS) {
    for (const part of document.querySelectorAll(selector)) {
      if (equipped.has(part)) continue;
      equipped.add(part);
      give(part);
    }
  }
}

let waiting = false;
new MutationObserver(() => {
  if (waiting) return;
  waiting = true;
  setTimeout(() => { waiting = false; equip(); }, 150);
}).observe(document.documentElement, { childList: true, subtree: true });
equip();
