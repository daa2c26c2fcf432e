// Elements from values. Text is always text: nothing that comes from a server is ever read as markup.

// h("td", {class: "number"}, "12"); an `on…` property is a listener, null and false children are left out.
export function h(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked" || key === "disabled") element[key] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...flat(children));
  return element;
}

export function show(place, ...children) {
  place.replaceChildren(...flat(children));
}

// A picture that head office drew, as elements. `word` says what a word of ours is in the language of the screen.
export function picture(svg, word) {
  const parsed = new DOMParser().parseFromString(svg, "image/svg+xml").documentElement;
  const element = document.importNode(parsed, true);
  for (const text of element.querySelectorAll("[data-word]")) text.textContent = word(text.dataset.word);
  return element;
}

const flat = (children) => children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);
