// Keys, scans that hit no field, and live stock. Without this file every page works as well.
"use strict";

const box = document.querySelector("#q, #scan #code");
const HOME = "/office";

// `/` goes to the search, Esc back. What is typed outside a field, as a scanner does, goes into the search whole.
if (document.body.hasAttribute("data-keys")) addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.defaultPrevented) return;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox]), select, textarea");
  if (event.key === "Escape") {
    if (typing && event.target.type !== "search") return event.target.blur();
    if (typing && event.target.value) return; // the browser empties the box
    if (location.pathname !== HOME) history.length > 1 ? history.back() : location.assign(HOME);
  } else if (!typing && event.key === "/") {
    event.preventDefault();
    box ? box.select() : location.assign(HOME);
  } else if (!typing && box && event.key.length === 1 && event.key !== " ") {
    box.value = "";
    box.focus(); // the key that is being pressed lands in the box
  }
});

// A second press of the button is no second form; Back brings the button to life again.
addEventListener("submit", (event) => {
  if (event.target.dataset.sent) return event.preventDefault();
  if (event.target.method === "post") event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

// Live stock: whatever happened to the product, the part of the page is fetched anew, at most every 150 ms.
const live = document.querySelector("[data-events]")?.dataset.events;
let events, soon;
const refresh = () => {
  clearTimeout(soon);
  soon = setTimeout(() => htmx.trigger("#stock", "stock-moved"), 150);
};
const listen = () => {
  if (!live || events || document.hidden) return;
  events = new EventSource(live);
  events.addEventListener("open", refresh); // what happened between the page and its first event
  for (const name of ["movement", "movements", "reservation", "reset"]) events.addEventListener(name, refresh);
};
const hush = () => { events?.close(); events = undefined; };
addEventListener("load", listen);
addEventListener("pagehide", hush);
addEventListener("pageshow", (event) => event.persisted && listen());
document.addEventListener("visibilitychange", () => (document.hidden ? hush() : listen()));
