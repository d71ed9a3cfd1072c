// @ts-check
import { make, oneLine } from "./parts.js";

/** A part of a page that can be unfolded. @param {string} title @param {string} words */
export function section(title, words) {
  const box = make("details", "", { class: "jw-section" });
  const top = make("summary");
  top.append(make("strong", title), make("span", ` ${words}`, { class: "jw-advice" }));
  const body = make("div", "", { class: "jw-body" });
  box.append(top, body);
  return { box, body };
}

/**
 * Cells of a plain table that are filled in: a field, a choice.
 * @param {{ model: { get: (name: any) => any }, signal: AbortSignal, tell: (text: string, state?: string) => void, longest: number }} given
 */
export function formCells({ model, signal, tell, longest }) {
  /** Whether somebody writes in a table: it is drawn anew when they have left. @param {HTMLElement} body */
  function written(body) {
    const active = document.activeElement;
    const stale = active instanceof HTMLInputElement && body.contains(active) && (active.value !== active.dataset.kept || active.validity.badInput);
    body.toggleAttribute("data-stale", stale);
    return stale;
  }

  /** @param {string} type @param {any} value @param {string} label @param {(value: any) => void} act @param {string[]} [known] */
  function field(type, value, label, act, known = []) {
    const td = make("td");
    if (model.get("read_only")) { td.textContent = value === null ? "–" : String(value); return td; }
    const input = make("input", "", { type, "aria-label": label, ...(type === "text" ? { maxlength: String(longest) } : type === "number" ? { step: "any" } : {}) });
    input.value = value === null ? "" : String(value);
    if (known.length) {
      const id = `jw-known-${Math.random().toString(36).slice(2)}`;
      const data = make("datalist", "", { id });
      data.append(...known.map((k) => make("option", "", { value: k })));
      input.setAttribute("list", id);
      td.append(data);
    }
    if (type === "date") { input.min = "1990-01-01"; input.max = "2100-12-31"; }
    input.dataset.kept = input.value;
    // A date changes with every digit of its year: it is taken when somebody is done with it.
    input.addEventListener("blur", () => {
      if (signal.aborted || (input.value === input.dataset.kept && !input.validity.badInput)) return;
      const text = oneLine(input.value);
      const wrong = input.validity.badInput || (type === "number" && !Number.isFinite(Number(text))) || (type === "date" && !input.validity.valid);
      if (wrong) {
        tell(`${label}: ${type === "date" ? "a day from 1990 to 2100" : "a number"} was needed; nothing was changed.`, "error");
        input.value = input.dataset.kept ?? "";
        return;
      }
      input.dataset.kept = input.value;
      act(text === "" ? null : type === "number" ? Number(text) : text);
    }, { signal });
    input.addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); input.blur(); input.focus(); } }, { signal });
    td.append(input);
    return td;
  }

  /** @param {string | null} now @param {[string, string][]} all @param {string} label @param {(value: any) => void} act */
  function options(now, all, label, act) {
    const td = make("td");
    if (model.get("read_only")) { td.textContent = all.find(([id]) => id === (now ?? ""))?.[1] ?? now ?? "–"; return td; }
    const select = make("select", "", { "aria-label": label });
    const known = now && !all.some(([id]) => id === now) ? [...all, /** @type {[string, string]} */ ([now, now])] : all;
    select.append(...known.map(([id, text]) => make("option", text, { value: id, ...(id === (now ?? "") ? { selected: "" } : {}) })));
    select.addEventListener("change", () => act(select.value || null), { signal });
    td.append(select);
    return td;
  }

  return { written, field, options };
}
