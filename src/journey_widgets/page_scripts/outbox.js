// @ts-check
/** @typedef {{ seq?: number, op: string } & Record<string, any>} Step */
/** @typedef {{ sent: Step[], save: number }} Waiting what was sent and not acknowledged, shared by all views of a widget */

const PATIENCE = 6000;

/**
 * Sends numbered steps to Python and keeps each until it is acknowledged.
 * @param {{
 *   model: { get: (name: any) => any, set: (name: any, value: any) => void, save_changes: () => void }, waiting: Waiting, signal: AbortSignal,
 *   typing: () => boolean, busy: () => boolean, tell: (text: string, state?: string) => void, said: () => string, taken: () => void,
 * }} given `typing`: somebody writes in the page; `busy`: or has something open; `taken`: draw what Python holds now
 */
export function outbox({ model, waiting, signal, typing, busy, tell, said, taken }) {
  /** Steps that are worked out from what is shown wait until everything before them was answered. @type {(() => void)[]} */
  const queue = [];
  /** What to do once Python has taken a step. @type {{ seq: number, act: () => void, anyway: boolean }[]} */
  let acts = [];
  let patience = 0;

  /**
   * Send steps, with everything that was not acknowledged before: whatever of it gets lost or overtaken on
   * the way, the last message holds all.
   * @param {Step[]} steps @param {boolean} [save]
   */
  function send(steps, save = false) {
    if (model.get("read_only")) return;
    tell("");
    const begin = Math.max(model.get("done"), model.get("edit").seq, waiting.sent.at(-1)?.seq ?? 0);
    steps.forEach((step, i) => waiting.sent.push({ ...step, seq: begin + 1 + i }));
    const seq = begin + Math.max(steps.length, 1);
    if (save) waiting.save = seq;
    hand(seq, PATIENCE);
  }

  /** Hand over all that waits; where no answer comes, say so and try again, each time after twice as long. @param {number} seq @param {number} wait */
  function hand(seq, wait) {
    model.set("edit", { seq, steps: structuredClone(waiting.sent), save: waiting.save });
    model.save_changes();
    clearTimeout(patience);
    patience = setTimeout(() => {
      if (signal.aborted || model.get("done") >= seq) return;
      tell("No answer yet: what you did last is not kept.", "lost");
      hand(Math.max(seq, model.get("edit").seq) + 1, wait * 2);
    }, wait);
  }

  /**
   * Keys of the whole page: Ctrl+S saves, Ctrl+Z and Ctrl+Y go back and forth; a notebook around it acts on no other key.
   * @param {HTMLElement} el
   */
  function listenToKeys(el) {
    el.addEventListener("keydown", (e) => {
      const far = e.ctrlKey || e.metaKey;
      const lower = e.key.toLowerCase();
      const target = /** @type {HTMLElement} */ (e.target);
      const writes = target instanceof HTMLInputElement && !["range", "checkbox"].includes(target.type);
      if (far && lower === "s") {
        if (!model.get("can_save") || model.get("read_only")) return; // a notebook may save itself
        if (writes) { target.blur(); target.focus(); } // what is written there is taken along
        save();
        e.preventDefault();
      } else if (far && (lower === "z" || lower === "y") && !writes && !model.get("read_only")) {
        afterwards(() => send([{ op: lower === "y" || e.shiftKey ? "redo" : "undo" }]));
        e.preventDefault();
      }
      e.stopPropagation();
    }, { signal });
  }

  /** @param {() => void} act */
  function afterwards(act) {
    if (waiting.sent.length || queue.length || typing()) queue.push(act); else act();
  }

  /** Do what waits, as long as nothing else is on its way. */
  function drain() {
    while (!waiting.sent.length && !typing() && queue.length) queue.shift()?.();
  }

  function save() {
    if (!model.get("can_save") || model.get("read_only")) return;
    if (queue.length) queue.push(() => send([], true)); else send([], true);
  }

  /** Python has taken what was sent up to `done`. */
  function acknowledge() {
    const done = model.get("done");
    waiting.sent = waiting.sent.filter((s) => (s.seq ?? 0) > done);
    if (waiting.save <= done) waiting.save = 0;
    if (!waiting.sent.length && !waiting.save && said() === "lost") tell("");
    taken();
    drain();
  }

  /** @param {() => void} act @param {boolean} [anyway] also while somebody is typing elsewhere */
  function whenDone(act, anyway = false) {
    acts.push({ seq: model.get("edit").seq, act, anyway });
  }

  function actWhenDone() {
    const done = model.get("done");
    const ready = acts.filter((w) => w.seq <= done);
    acts = acts.filter((w) => w.seq > done);
    // Whoever is typing elsewhere meanwhile is not taken away from it.
    for (const { act, anyway } of ready) if (anyway || !busy()) act();
  }

  window.addEventListener("beforeunload", (e) => {
    const { state } = model.get("status");
    if (model.get("can_save") && (["changed", "conflict", "error", "draft"].includes(state) || waiting.sent.length || queue.length)) e.preventDefault();
  }, { signal });

  return { send, afterwards, drain, save, acknowledge, whenDone, actWhenDone, listenToKeys, queue };
}

/**
 * Listen to traits. Several come in one message: what they say together is painted once.
 * @param {{ on: (name: any, act: () => void) => void, off: (name: any, act?: any) => void }} model @param {AbortSignal} signal
 * @param {[string, () => void][]} heard @param {Set<() => void>} together @param {() => void} paint
 */
export function listen(model, signal, heard, together, paint) {
  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; if (!signal.aborted) paint(); });
  };
  for (const [trait, act] of heard) {
    const listener = together.has(act) ? later : act;
    model.on(`change:${trait}`, listener);
    signal.addEventListener("abort", () => model.off(`change:${trait}`, listener));
  }
}
