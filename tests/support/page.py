"""Showing a widget on an empty page, tied to the real Python object, without a kernel."""

import json

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
    send(content) {
      window.saved = window.saved.then(() => window.message(content)).then((news) => window.take(news));
    },
    on: (name, listener) => listeners.set(name, [...(listeners.get(name) ?? []), listener]),
    off: (name, listener) =>
      listeners.set(name, (listeners.get(name) ?? []).filter((other) => other !== listener)),
    listenerCount: () => [...listeners.values()].flat().length,
  };
  window.take = (news) => {
    for (const [name, value] of Object.entries(news)) {
      if (JSON.stringify(state[name]) === JSON.stringify(value)) continue;
      state[name] = value;
      (listeners.get(`change:${name}`) ?? []).forEach((listener) => listener());
    }
  };
  document.head.append(Object.assign(document.createElement("style"), { textContent: state._css }));
  const url = URL.createObjectURL(new Blob([state._esm], { type: "text/javascript" }));
  window.view = new AbortController();
  const { default: widget } = await import(url);
  await widget.render({ model: window.model, el: document.body, signal: window.view.signal });
}
"""


class Kernel:
    """Stands between page and widget: passes edits on, and back what Python would send."""

    def __init__(self, widget):
        self.widget, self.news = widget, {}
        sync = widget.keys
        widget.observe(self._note, names=[k for k in sync if not k.startswith("_")])

    def _note(self, change):
        if self.widget._should_send_property(change["name"], change["new"]):
            self.news[change["name"]] = change["new"]

    def _flush(self):
        news, self.news = self.news, {}
        return json.loads(json.dumps(news))

    def set_state(self, changes):
        """What happens when the page saves: only `edit` matters, the rest is the page's own copy."""
        self.widget.set_state({k: v for k, v in changes.items() if k != "cells"})
        return self._flush()

    def message(self, content):
        """What happens when the page sends a message."""
        self.widget._handle_custom_msg(content, [])
        return self._flush()
