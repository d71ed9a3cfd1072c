// @ts-check
/** @typedef {{ row: number, col: number }} Place row -1 is the line of column names, column -1 the names of rows */

/**
 * Choosing cells of a grid: one place that has the focus, a block from an anchor to it, and keys that move it.
 * @param {{
 *   rows: () => number, columns: () => number, open: () => number[],
 *   nodeAt: (place: Place) => HTMLElement | undefined, cellAt: (row: number, col: number) => HTMLElement | undefined, moved: () => void,
 * }} given `open`: rows that can be seen, in order; `moved`: what depends on the choice is painted
 */
export function choosing({ rows, columns, open, nodeAt, cellAt, moved }) {
  /** @type {Set<HTMLElement>} */
  let painted = new Set();
  const chosen = {
    at: /** @type {Place} */ ({ row: 0, col: 0 }),
    anchor: /** @type {Place} */ ({ row: 0, col: 0 }),
    /** Whether a cell was ever chosen: until then the tools have nothing to act on. */
    touched: false,
    forget,
    refocus,
    paint,
    move,
    step,
    cells,
    key,
    stay,
  };
  chosen.anchor = chosen.at;

  /** The nodes are others now. */
  function forget() { painted = new Set(); }

  function refocus() { nodeAt(chosen.at)?.focus(); }

  /** Go to a place that is there. */
  function stay() {
    const { at } = chosen;
    if (nodeAt(at)) return;
    chosen.at = rows() ? { row: Math.max(at.row, 0), col: -1 } : { row: -1, col: columns() ? Math.max(at.col, 0) : -1 };
    chosen.anchor = chosen.at;
  }

  function paint() {
    const wanted = new Set(cells().map(([r, c]) => /** @type {HTMLElement} */ (cellAt(r, c))));
    for (const node of painted) if (!wanted.has(node)) { node.removeAttribute("aria-selected"); node.tabIndex = -1; }
    for (const node of wanted) node.setAttribute("aria-selected", "true");
    const here = nodeAt(chosen.at);
    painted = new Set(wanted);
    if (here) { for (const node of painted) node.tabIndex = -1; here.tabIndex = 0; painted.add(here); }
  }

  /** @param {number} row @param {number} col @param {boolean} [extend] */
  function move(row, col, extend = false) {
    if (!rows() && !columns()) return;
    const old = nodeAt(chosen.at);
    if (old) old.tabIndex = -1;
    const least = extend ? 0 : -1;
    let at = { row: Math.min(Math.max(row, columns() ? least : 0), rows() - 1), col: Math.min(Math.max(col, rows() ? least : 0), columns() - 1) };
    if (at.row < 0 && at.col < 0) at = { row: at.row, col: 0 };
    if (!nodeAt(at)) at = rows() ? { row: Math.max(at.row, 0), col: -1 } : { row: -1, col: Math.max(at.col, 0) };
    chosen.at = at;
    if (!extend) chosen.anchor = at;
    chosen.touched = true;
    paint();
    nodeAt(at)?.focus(); // whoever was writing elsewhere is done with it before the choice moves on
    moved();
  }

  /** Move by a number of rows that can be seen. @param {number} by @param {boolean} extend */
  function step(by, extend) {
    const { at } = chosen;
    const seen = open();
    if (at.row < 0) { if (by > 0 && seen.length) move(seen[Math.min(by - 1, seen.length - 1)], at.col, false); return; }
    const place = seen.indexOf(at.row) + by;
    if (place < 0 && !extend && at.col >= 0 && by === -1) move(-1, at.col);
    else move(seen[Math.min(Math.max(place, 0), seen.length - 1)] ?? at.row, at.col, extend);
  }

  /** @returns {[number, number][]} the chosen cells that can be seen, row by row */
  function cells() {
    const { at, anchor } = chosen;
    if (at.row < 0 || at.col < 0 || anchor.row < 0 || anchor.col < 0) return [];
    const [top, bottom] = [anchor.row, at.row].sort((a, b) => a - b);
    const [left, right] = [anchor.col, at.col].sort((a, b) => a - b);
    const seen = new Set(open());
    /** @type {[number, number][]} */
    const places = [];
    for (let r = top; r <= bottom; r += 1) {
      if (!seen.has(r)) continue;
      for (let c = left; c <= right; c += 1) if (cellAt(r, c)) places.push([r, c]);
    }
    return places;
  }

  /** @type {Record<string, (extend: boolean, far: boolean) => void>} */
  const MOVES = {
    ArrowRight: (extend) => move(chosen.at.row, chosen.at.col + 1, extend),
    ArrowLeft: (extend) => move(chosen.at.row, chosen.at.col - 1, extend),
    ArrowDown: (extend) => step(1, extend),
    ArrowUp: (extend) => step(-1, extend),
    Home: (extend, far) => move(far ? open()[0] ?? 0 : chosen.at.row, 0, extend),
    End: (extend, far) => move(far ? open().at(-1) ?? 0 : chosen.at.row, columns() - 1, extend),
    PageDown: (extend) => step(10, extend),
    PageUp: (extend) => {
      if (chosen.at.row < 0) return;
      const seen = open();
      move(seen[Math.max(seen.indexOf(chosen.at.row) - 10, 0)] ?? 0, chosen.at.col, extend);
    },
  };

  /** Act on a key that moves. @param {KeyboardEvent} event @returns {"moved" | "left" | ""} left: Tab goes out of the grid */
  function key(event) {
    const far = event.ctrlKey || event.metaKey;
    if (event.key === "Tab") {
      // Through the cells of a row, and out of the grid at its end.
      const to = chosen.at.col + (event.shiftKey ? -1 : 1);
      if (chosen.at.row < 0 || to < 0 || to >= columns()) return "left";
      move(chosen.at.row, to);
    } else if (far && event.key.toLowerCase() === "a") {
      chosen.anchor = { row: open()[0] ?? 0, col: 0 };
      move(open().at(-1) ?? 0, columns() - 1, true);
    } else if (MOVES[event.key] && !event.altKey) MOVES[event.key](event.shiftKey, far);
    else return "";
    return "moved";
  }

  return chosen;
}
