/** Creates an element: `on…` properties are listeners; `data-…`, `aria-…` and the like are attributes. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

const shown = new WeakMap();

/**
 * Fills a container, but only if its value has changed: a page that is redrawn every second would lose focus and
 * selection. The focus returns to the element with the same `data-key`.
 */
export function show(container, value, draw) {
  const now = JSON.stringify(value);
  if (shown.get(container) === now) return false;
  shown.set(container, now);
  const focused = container.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  container.replaceChildren(...[draw(value)].flat());
  if (focused !== undefined) container.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  return true;
}
