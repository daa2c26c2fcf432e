// A QR code as a drawing in the page: when the page forgets, it is gone. The service makes it; should it not answer just
// now, the digits below it are there already, and the drawing is asked for again.

import { html, useEffect, useState } from "../vendor/htm-preact-standalone.js";
import { call, Refused } from "../till/api.js";

const AGAIN_MS = 1500;

export function Code({ text, label }) {
  const [drawn, setDrawn] = useState(null);
  useEffect(() => {
    let timer = 0;
    let isShown = true;
    const draw = async () => {
      try {
        const picture = await call("POST", "/v1/qr-codes", { text });
        if (isShown) setDrawn(picture);
      } catch (error) {
        if (isShown && !(error instanceof Refused)) timer = setTimeout(draw, AGAIN_MS);
      }
    };
    draw();
    return () => {
      isShown = false;
      clearTimeout(timer);
    };
  }, [text]);
  if (!drawn) return html`<div class="code waiting" aria-hidden="true"></div>`;
  return html`<svg class="code" role="img" aria-label=${label} viewBox=${`0 0 ${drawn.size} ${drawn.size}`} shape-rendering="crispEdges">
    <path class="light" d=${`M0 0h${drawn.size}v${drawn.size}H0z`} /><path class="dark" d=${drawn.path} />
  </svg>`;
}
