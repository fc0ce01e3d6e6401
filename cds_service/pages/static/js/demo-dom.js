// Small helpers to build elements. Text from a chart or a response only ever becomes a text node.

/** Return an element: el("p", {className: "muted"}, "text", child). */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) {
      element[key] = value;
    } else {
      element.setAttribute(key, value);
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** Return the element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Show HTML that this service has made: rendered by a template that escapes, or cleaned of everything but text. */
export function showServerHtml(element, html) {
  element.innerHTML = html;
}

/** Show a message in an element that is hidden while there is none. */
export function showNotice(element, ...content) {
  element.replaceChildren(...content);
  element.hidden = content.length === 0;
}

let counted = 0;

/** Return an id that no other element has. */
export function freshId(prefix) {
  counted += 1;
  return `${prefix}-${counted}`;
}
