// @ts-check
/** @import { RenderProps } from "@anywidget/types" */
/** @typedef {{ spec: object | null, library: string, label: string, note: string, wide: boolean }} State */
/** @typedef {(el: HTMLElement, spec: object, options: object) => Promise<{ finalize: () => void }>} Embed */

/** The Vega code is sent once a page by a model of its own, and loaded once. @param {any} model @returns {Promise<{ vegaEmbed: Embed }>} */
function loadVega(model) {
  const page = /** @type {any} */ (globalThis);
  page.journeyVega ??= (async () => {
    const owner = await model.widget_manager.get_model(model.get("library").replace("IPY_MODEL_", ""));
    const url = URL.createObjectURL(new Blob([owner.get("code")], { type: "text/javascript" }));
    return import(url);
  })();
  return page.journeyVega;
}

/** @param {RenderProps<State>} props */
async function render({ model, el, signal }) {
  el.classList.add("jw-chart");
  el.classList.toggle("jw-wide", model.get("wide"));
  if (model.get("wide")) el.tabIndex = 0; // the arrow keys move along it
  const caption = document.createElement("div");
  caption.className = "jw-caption";
  const note = document.createElement("div");
  note.className = "jw-counted";
  /** @type {{ finalize: () => void } | undefined} */
  let view;
  let turn = 0;

  async function draw() {
    const mine = ++turn;
    const spec = model.get("spec");
    if (!spec) return;
    caption.textContent = model.get("label");
    note.textContent = model.get("note");
    const box = document.createElement("div");
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", model.get("label"));
    try {
      const { vegaEmbed } = await loadVega(model);
      const drawn = await vegaEmbed(box, structuredClone(spec), { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "custom" } });
      box.querySelector("svg")?.setAttribute("aria-hidden", "true"); // to whoever hears it the picture is one thing
      if (mine !== turn || signal.aborted) { drawn.finalize(); return; }
      view?.finalize();
      view = drawn;
    } catch (error) {
      box.textContent = `This chart cannot be drawn. ${error instanceof Error ? error.message : ""}`;
    }
    el.replaceChildren(caption, box, note);
    /** @type {any} */ (el).journeySpec = spec; // whoever takes the chart along takes its numbers too
  }

  model.on("change:spec", draw);
  signal.addEventListener("abort", () => {
    model.off("change:spec", draw);
    view?.finalize();
  });
  await draw();
}

export default { render };
