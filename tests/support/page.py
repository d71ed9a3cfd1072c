"""Showing a widget on an empty page, tied to the real Python object, without a kernel."""

import json

from support.frontend import package

AXE = """([part, rules]) => axe.run(part ?? document, { rules }).then((found) => found.violations.map(
  (v) => [v.id, ...v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + n.failureSummary)]))"""
RENDER = """
async (state) => {
  const listeners = new Map();
  let unsaved = {};
  window.saved = Promise.resolve();
  window.model = {
    get: (name) => state[name],
    set(name, value) {
      if (JSON.stringify(state[name]) === JSON.stringify(value)) return;
      unsaved[name] = state[name] = value;
      (listeners.get(`change:${name}`) ?? []).forEach((listener) => listener());
    },
    save_changes() {
      const changes = unsaved;
      unsaved = {};
      window.sent = JSON.stringify(changes).length;
      window.saved = window.saved.then(() => window.kernel(changes)).then((news) => window.take(news));
    },
    on: (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]),
    off: (name, listener) =>
      listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== listener)),
    listenerCount: () => [...listeners.values()].flat().length,
  };
  window.take = (news) => {
    const changed = Object.keys(news).filter((name) => JSON.stringify(state[name]) !== JSON.stringify(news[name]));
    for (const name of changed) state[name] = news[name];
    for (const name of changed) (listeners.get(`change:${name}`) ?? []).forEach((listener) => listener());
  };
  document.head.append(Object.assign(document.createElement("style"), { textContent: state._css }));
  const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  window.view = new AbortController();
  let { default: widget } = await import(url);
  if (typeof widget === "function") widget = await widget();
  window.render = (el) => widget.render({ model: window.model, el, signal: window.view.signal });
  await window.render(document.body);
}
"""


class Kernel:
    """Stands between page and widget: passes edits on, and back what Python would send."""

    def __init__(self, widget):
        self.widget, self.news, self.alive = widget, {}, True
        widget.observe(self._note, names=[k for k in widget.keys if not k.startswith("_")])

    def _note(self, change):
        self.news[change["name"]] = change["new"]

    def set_state(self, changes):
        """What happens when the page saves. A dead kernel takes nothing and answers nothing."""
        if not self.alive:
            return {}
        self.widget.set_state(changes)
        return self.flush()

    def flush(self):
        """What Python has to tell the page."""
        news, self.news = self.news, {}
        return json.loads(json.dumps(news))


def violations(page, part=None):
    """Return what axe finds wrong on a page, or in one part of it, whose landmarks are the page's."""
    page.evaluate((package("axe-core") / "axe.min.js").read_text("utf-8"))
    rules = {"region": {"enabled": part is None}}
    return page.evaluate(AXE, [part, rules])
