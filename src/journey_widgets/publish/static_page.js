// @ts-check
/* Charts of the static edition: each is a picture at first, and is drawn anew when it is seen, so that it answers to the mouse. */

/** @type {Promise<{ vegaEmbed: (el: HTMLElement, spec: object, options: object) => Promise<unknown> }> | undefined} */
let vega;

function loadVega() {
  const code = document.getElementById("jw-vega")?.textContent ?? "";
  vega ??= import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  return vega;
}

/** @param {HTMLElement} figure */
async function draw(figure) {
  const picture = figure.querySelector("svg");
  const spec = JSON.parse(figure.querySelector("script.jw-spec")?.textContent ?? "null");
  if (!picture || !spec) return;
  const box = document.createElement("div");
  try {
    const { vegaEmbed } = await loadVega();
    await vegaEmbed(box, spec, { mode: "vega-lite", renderer: "svg", actions: false, tooltip: { theme: "custom" } });
    box.querySelector("svg")?.setAttribute("aria-hidden", "true");
    picture.replaceWith(box);
    /** @type {any} */ (figure).journeySpec = spec;
  } catch {
    // The picture stays: it says the same.
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    void draw(/** @type {HTMLElement} */ (target));
  }
}, { rootMargin: "300px" });
document.querySelectorAll("figure.jw-figure:has(script.jw-spec)").forEach((figure) => seen.observe(figure));

document.querySelectorAll(".jw-nav a").forEach((a) => {
  if (a instanceof HTMLAnchorElement && a.pathname === location.pathname) a.setAttribute("aria-current", "page");
});
