// Scans of a shipment go one after the other in the background: none is lost while the page would load. What is refused
// stays on the page until somebody has read it. Without this file each scan loads the page anew.
"use strict";

let scans = [], shipping, pressed;
const shipment = () => document.querySelector("form[data-scans]");
const typed = () => shipment().elements.code;

document.addEventListener("submit", (event) => {
  if (event.target !== shipment()) return;
  const code = typed().value.trim();
  const adds = event.submitter?.value === "add" && code && !shipment().querySelector("[name=code_id]:checked");
  if (!adds && !shipping) return; // an ordinary form
  event.preventDefault();
  event.stopPropagation();
  if (!adds) return (pressed = event.submitter?.value); // after the scans that came before it
  scans.push({ code, pieces: shipment().elements.pieces.value });
  typed().value = shipment().elements.pieces.value = "";
  typed().focus();
  shipping ??= run();
});

async function run() {
  for (let wait = 500; scans.length; ) {
    const body = new URLSearchParams([...new FormData(shipment()), ...Object.entries(scans[0]), ["do", "add"]]);
    const asked = { method: "POST", body, headers: { Accept: "text/html" } };
    const answer = await fetch(shipment().action, asked).catch(() => null);
    const page = answer && new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
    if (page?.querySelector("form[data-scans]")) taken(page, scans.shift(), answer.ok);
    else if (answer?.redirected) return signIn(answer.url);
    else if (page && answer.status < 500) return show(page); // a right that is missing, say
    else await new Promise((go) => setTimeout(go, (wait = Math.min(2 * wait, 15_000)))); // the same scan again, later
  }
  shipping = undefined;
  if (pressed) shipment().querySelector(`button[value="${CSS.escape(pressed)}"]`)?.click();
  pressed = undefined;
}

function taken(page, scan, ok) {
  if (page.querySelector("[name=code_id]")) return show(page); // which of them?
  document.getElementById("lines").replaceWith(page.getElementById("lines"));
  if (ok) return;
  navigator.vibrate?.([80, 60, 80]);
  const told = [...page.querySelectorAll(".errors li")].map((one) => one.textContent).join(" ") || scan.code;
  document.getElementById("refused").hidden = false;
  document.querySelector("#refused ul").append(Object.assign(document.createElement("li"), { textContent: told }));
}

function signIn(door) {
  typed().value = scans[0].code;
  keepForm(shipment()); // refill.js
  location.assign(door);
}

function show(page) {
  document.querySelector("main").replaceChildren(...page.querySelector("main").children);
}
