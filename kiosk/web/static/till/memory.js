// What the till remembers. The shop's copy of a browser may be closed or lose power at any moment:
//   local    survives a restart: device token, basket, the command that waits for its answer, volume
//   session  ends with the window: the operator's token

const PREFIX = "counterfoil.till.";
const spare = new Map(); // a browser that forbids storage can still sell until it is closed

function read(area, name) {
  try {
    const text = area.getItem(PREFIX + name);
    return text === null ? (spare.get(name) ?? null) : JSON.parse(text);
  } catch {
    return spare.get(name) ?? null;
  }
}

function write(area, name, value) {
  if (value === null || value === undefined) spare.delete(name);
  try {
    if (value === null || value === undefined) area.removeItem(PREFIX + name);
    else area.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    spare.set(name, value);
  }
}

export const recall = (name) => read(localStorage, name);
export const keep = (name, value) => write(localStorage, name, value);
export const recallSession = (name) => read(sessionStorage, name);
export const keepSession = (name, value) => write(sessionStorage, name, value);

// Another window of the same till changed something: both must show the same basket, or one of them would sell it again.
export function onChangeElsewhere(listener) {
  addEventListener("storage", (event) => {
    if (event.key?.startsWith(PREFIX)) listener(event.key.slice(PREFIX.length));
  });
}
