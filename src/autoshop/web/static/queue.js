// Counts that wait for the network: kept in this browser, each under a key of its own so that no other window overwrites
// it, and sent one by one, in order. One goes only when an answer names it; its id makes a second sending the same count.
"use strict";

const SHORT = 15_000, LONGEST_WAIT = 30_000;

class CountQueue {
  constructor(name, on) {
    this.prefix = `count/${name}/`;
    this.on = on; // changed(), taken(html), refused(entry), signedOut(yes)
    this.wait = 1_000;
    addEventListener("storage", (event) => event.key?.startsWith(this.prefix) && this.on.changed());
    addEventListener("online", () => this.send());
    document.addEventListener("visibilitychange", () => document.hidden || this.send());
  }

  // All that is kept, in the order of counting.
  entries() {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(this.prefix))
      .map((key) => JSON.parse(localStorage.getItem(key)))
      .sort((a, b) => a.number - b.number || (a.id < b.id ? -1 : 1));
  }

  // Throws where this browser keeps nothing: then the form is sent as it would be without scripts.
  add(path, fields, shown) {
    const number = Math.max(0, ...this.entries().map((entry) => entry.number)) + 1;
    const at = new Date().toISOString();
    const id = newId();
    this.keep({ id, number, at, path, shown, fields: { ...fields, client_id: id, counted_at: at } });
    this.send();
  }

  keep(entry) {
    localStorage.setItem(this.prefix + entry.id, JSON.stringify(entry));
    this.on.changed();
  }

  drop(entry) {
    localStorage.removeItem(this.prefix + entry.id);
    this.on.changed();
  }

  async send() {
    if (this.sending) return;
    this.sending = true;
    clearTimeout(this.later);
    try {
      for (let entry; (entry = this.entries().find((one) => !one.refused)); ) {
        this.stuck = !(await this.deliver(entry));
        if (this.stuck) return this.tryLater();
        this.wait = 1_000;
      }
    } finally {
      this.sending = false;
    }
  }

  tryLater() {
    this.on.changed();
    this.later = setTimeout(() => this.send(), this.wait);
    this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
  }

  // Whether the next one may be sent: this one was taken, or refused for good.
  async deliver(entry) {
    this.keep({ ...entry, tried: true }); // from now on the server may have it, whatever we hear
    let answer, told;
    try {
      answer = await fetch(entry.path, {
        method: "POST",
        headers: { Accept: "application/json", "HX-Request": "true" },
        body: new URLSearchParams({ ...entry.fields, sent_at: new Date().toISOString() }),
        signal: AbortSignal.timeout?.(SHORT),
      });
      told = await answer.text();
    } catch {
      return false;
    }
    this.on.signedOut(answer.status === 401);
    if (answer.status === 401 || answer.status === 408 || answer.status === 429 || answer.status >= 500) return false;
    if (answer.ok) return this.taken(entry, told);
    const why = read(told);
    this.keep({ ...entry, tried: false, refused: why.said ?? why.detail ?? String(answer.status), choices: why.choices });
    this.on.refused(entry);
    return true;
  }

  // An answer that does not name the count is somebody else's: a hotel's sign-in page, say.
  taken(entry, html) {
    if (!html.includes(`data-taken="${entry.id}"`)) return false;
    this.drop(entry);
    this.on.taken(html);
    return true;
  }
}

function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function read(json) {
  try {
    return JSON.parse(json);
  } catch {
    return {};
  }
}
