// The kiosk's own token, which survives a restart. It is all that a kiosk keeps: nothing of a member is ever stored.

const KEY = "counterfoil.kiosk.device";
let spare = null; // a browser that forbids storage works until it is closed

export function recallDevice() {
  try {
    return localStorage.getItem(KEY) ?? spare;
  } catch {
    return spare;
  }
}

export function keepDevice(token) {
  spare = token;
  try {
    if (token === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, token);
  } catch {
    // kept in memory above
  }
}
