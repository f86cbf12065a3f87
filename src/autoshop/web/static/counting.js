// Counting on a phone: forms go through the queue, what waits is shown, and the box is ready for the next scan at once.
"use strict";

const counting = document.querySelector("[data-queue]");
const scan = document.getElementById("scan");
const unsent = document.getElementById("unsent");
const PATIENCE = 1_500;

if (scan) {
  const queue = new CountQueue(counting.dataset.queue, { changed: () => show(queue), taken, refused, signedOut });
  document.addEventListener("submit", (event) => submitted(queue, event));
  unsent.addEventListener("click", (event) => pressed(queue, event));
  show(queue);
  queue.send();
}

function submitted(queue, event) {
  const form = event.target;
  if (!("queued" in form.dataset)) return;
  const fields = Object.fromEntries(new FormData(form));
  if (form === scan && !fields.code.trim()) {
    event.preventDefault();
    event.stopPropagation();
    return scan.elements.code.focus(); // Enter after the number: now the product
  }
  const shown = { what: form.dataset.what ?? fields.code.trim(), pieces: form.dataset.pieces ?? `× ${fields.pieces || 1}` };
  try {
    queue.add(form.getAttribute("action"), { ...fields, device: device() }, shown);
  } catch {
    return; // nothing can be kept here: the form goes its ordinary way
  }
  event.preventDefault();
  event.stopPropagation();
  navigator.vibrate?.(20);
  say(`… ${shown.what} ${shown.pieces}`);
  if (form === scan) scan.reset(), (scan.elements.code.value = scan.elements.pieces.value = ""), scan.elements.code.focus();
  else if (form.classList.contains("recount")) form.closest("li").remove(), scan.elements.code.focus();
}

// What waits longer than an answer takes, and what was refused and why.
function show(queue) {
  const entries = queue.entries();
  const late = entries.filter((one) => one.refused || queue.stuck || Date.now() - Date.parse(one.at) > PATIENCE);
  unsent.hidden = !late.length;
  const refused = late.filter((one) => one.refused).length;
  for (const [name, number] of [["waiting", late.length - refused], ["refused", refused]]) {
    const badge = unsent.querySelector(`[data-${name}]`);
    [badge.textContent, badge.parentElement.hidden] = [number, !number];
  }
  unsent.querySelector("[data-entries]").replaceChildren(...late.map((entry) => item(entry)));
  clearTimeout(queue.soon);
  if (late.length < entries.length) queue.soon = setTimeout(() => show(queue), PATIENCE);
}

// For eyes and for screen readers: what was scanned, and what has come of it.
function say(text) {
  document.getElementById("echo").textContent = text;
}

function item(entry) {
  const made = unsent.querySelector("template").content.firstElementChild.cloneNode(true);
  const part = (name) => made.querySelector(`[data-${name}]`);
  made.dataset.id = entry.id;
  made.classList.toggle("refused", Boolean(entry.refused));
  part("what").textContent = entry.shown.what;
  part("pieces").textContent = entry.shown.pieces;
  part("when").textContent = new Date(entry.at).toLocaleTimeString(document.documentElement.lang).slice(0, 5);
  part("why").textContent = entry.refused ?? "";
  part("again").hidden = !entry.refused;
  for (const name of ["again", "drop"]) part(name).ariaLabel += `: ${entry.shown.what}`;
  for (const choice of entry.choices ?? []) {
    const button = document.createElement("button");
    [button.textContent, button.dataset.choice] = [choice.name, choice.id];
    part("choices").append(button);
  }
  return made;
}

function pressed(queue, event) {
  const button = event.target.closest("button");
  const entry = button && queue.entries().find((one) => one.id === button.closest("li").dataset.id);
  if (!entry) return;
  const { refused, choices, ...again } = entry;
  if ("drop" in button.dataset && entry.tried) {
    // The server may have it, though we did not hear: let it be taken back there, after it has come.
    const path = entry.path.replace(/[^/]*$/, "retractions");
    queue.add(path, { count: entry.id }, { ...entry.shown, pieces: "↶" });
  } else if ("drop" in button.dataset) queue.drop(entry);
  else {
    const fields = button.dataset.choice ? { ...again.fields, product: button.dataset.choice } : again.fields;
    queue.keep({ ...again, fields, shown: { ...again.shown, what: button.dataset.choice ? button.textContent : again.shown.what } });
    queue.send();
  }
  scan.elements.code.focus();
}

function taken(html) {
  const focused = document.activeElement?.id;
  const made = document.createElement("template");
  made.innerHTML = html;
  say(`✓ ${made.content.firstElementChild.dataset.said ?? ""}`);
  document.getElementById("counted").replaceWith(made.content);
  document.getElementById(focused)?.focus();
  const progress = document.getElementById("progress");
  if (!progress.contains(document.activeElement)) htmx.trigger(progress, "counted");
}

function refused(entry) {
  say(`✕ ${entry.shown.what} ${entry.shown.pieces}`);
  navigator.vibrate?.([80, 60, 80]);
  beep();
}

function signedOut(yes) {
  document.getElementById("signed-out").hidden = !yes;
}

function beep() {
  const sound = new AudioContext();
  const tone = new OscillatorNode(sound, { frequency: 220 });
  tone.connect(sound.destination);
  tone.start();
  tone.stop(sound.currentTime + 0.25);
  tone.onended = () => sound.close();
}

// This browser, so that two phones of one person are told apart.
function device() {
  const known = localStorage.getItem("device") ?? newId();
  localStorage.setItem("device", known);
  return known;
}
