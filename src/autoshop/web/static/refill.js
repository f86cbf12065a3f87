// Whoever was signed out while he typed finds his form filled in when he is back. Hidden fields come anew from the page.
"use strict";

const TYPED = "typed";
const door = (address) => /^\/office\/sign-/.test(new URL(address, location).pathname);

addEventListener("submit", (event) => event.target.method === "post" && !door(event.target.action) && keepForm(event.target));

function keepForm(form) {
  const hidden = new Set(Array.from(form.querySelectorAll("input[type=hidden]"), (one) => one.name));
  const fields = [...new FormData(form)].filter(([name]) => !hidden.has(name));
  if (fields.length) sessionStorage.setItem(TYPED, JSON.stringify({ path: location.pathname, action: form.action, fields }));
}

const kept = JSON.parse(sessionStorage.getItem(TYPED) ?? "null");
if (kept && !door(location.href)) {
  sessionStorage.removeItem(TYPED);
  const form = [...document.forms].find((one) => one.action === kept.action && one.method === "post");
  if (form && kept.path === location.pathname && document.referrer && door(document.referrer)) refill(form, kept.fields);
}

function refill(form, fields) {
  let missing = false;
  for (const [name, value] of fields) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
      else field.value = value;
    }
    if (form.elements[name] || !name.startsWith("line-")) continue;
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    missing = true; // lines of a shipment, which the page draws when it is sent them
  }
  for (const one of form.querySelectorAll("details")) one.open ||= fields.some(([name, value]) => value && one.querySelector(`[name="${name}"]`));
  if (!missing) return;
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: "show" }));
  form.submit();
}
