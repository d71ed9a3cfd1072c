// @ts-check
import { make, revisionList, tool } from "./parts.js";
/** @typedef {{ send: (steps: any[]) => void, afterwards: (act: () => void) => void, save: () => void }} Sending */

/**
 * What every editor of a document has: undo and redo, saving, earlier revisions, and what is said of all that.
 * @param {{ model: { get: (name: any) => any }, waiting: { sent: any[] }, signal: AbortSignal, out: () => Sending }} given `out`: the outbox, once it is there
 */
export function editingTools({ model, waiting, signal, out }) {
  const past = make("div", "", { class: "jw-history", role: "region", "aria-label": "Revisions" });
  const disputed = make("div", "", { class: "jw-dispute", role: "group", "aria-label": "Changed by somebody else too" });
  const saved = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const notice = make("span", "", { class: "jw-saved", role: "status", "aria-live": "polite" });
  const undoing = tool("Undo", "Undo (Ctrl+Z)", () => out().afterwards(() => out().send([{ op: "undo" }])), signal);
  const redoing = tool("Redo", "Redo (Ctrl+Y)", () => out().afterwards(() => out().send([{ op: "redo" }])), signal);
  const saving = tool("Save", "Save as a new revision (Ctrl+S)", () => out().save(), signal, "jw-save");
  const history = tool("History", "Earlier revisions", () => { past.hidden = !past.hidden; paintHistory(); }, signal);
  past.hidden = true;

  /** @param {string} text @param {string} [state] */
  function tell(text, state = "") {
    notice.textContent = text;
    notice.dataset.state = state;
  }

  /** Show what can be done now. */
  function paint() {
    const editing = !model.get("read_only");
    undoing.hidden = redoing.hidden = !editing;
    saving.hidden = !editing || !model.get("can_save");
    history.hidden = !model.get("revisions").length;
    undoing.disabled = !model.get("steps").undo && !waiting.sent.length;
    redoing.disabled = !model.get("steps").redo;
    history.setAttribute("aria-expanded", String(!past.hidden));
  }

  function paintStatus() {
    const { state, text } = model.get("status");
    saved.textContent = text;
    saved.dataset.state = state;
  }

  function paintHistory() {
    history.setAttribute("aria-expanded", String(!past.hidden));
    if (past.hidden) return;
    const restore = model.get("can_restore") ? (/** @type {number} */ rev) => out().send([{ op: "restore", rev }]) : null;
    past.replaceChildren(...revisionList(model.get("revisions"), restore, signal));
  }

  /** Tell in words what somebody else saved at the same places. */
  function paintDisputes() {
    const words = model.get("disputes");
    disputed.hidden = !words.length;
    const ul = make("ul");
    ul.append(...words.map((/** @type {string} */ w) => make("li", w)));
    const said = "Somebody else saved changes at the same places. What you see is yours; saving again keeps it.";
    disputed.replaceChildren(...(words.length ? [make("strong", said), ul] : []));
  }

  return { past, disputed, saved, notice, undoing, redoing, saving, history, tell, said: () => notice.dataset.state ?? "", paint, paintStatus, paintHistory, paintDisputes };
}
