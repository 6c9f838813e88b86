// The handset: keys in, screens out, and beside it what the gateway tells of this caller.

import { Call, keysBehind, post } from "./call.js";
import { Diagram } from "./diagram.js";

const at = (id) => document.getElementById(id);
const desk = document.querySelector(".desk").dataset;
const diagram = new Diagram(at("diagram"), desk.flows);
const LAO = /[\u0E80-\u0EFF]/;
const TAGS = { lo_Latn: "lo-Latn" }; // BCP 47, where it differs from the catalogue's name
const TITLES = { sms: "Messages", chat: "Chat" };
const ASKS = {
  call: "Type a code or an answer; Enter sends, Escape hangs up",
  thread: "Write a text; Enter sends, Escape leaves",
};

let call = new Call(desk.hook, at("number").value);
let caller = { language: null, page: 1, pages: 1, texts: { sms: [], chat: [] } };
let known = ""; // all of that as it came
let written = { sms: [], chat: [] }; // by this phone: `{text, after}`, after so many that arrived
let screen = null; // of the call, also while texts are read
let thread = ""; // the texts that are read: sms, chat, or none

/** The clock where the gateway is, not where the browser is. */
const clock = (parts) => new Date().toLocaleString("en-GB", { timeZone: desk.timezone, ...parts });

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function paragraphs(text) {
  const own = TAGS[caller.language] ?? caller.language ?? "lo-Latn";
  const latin = own === "lo" ? "en" : own;
  return text.split("\n").map((line) => element("p", line, { lang: LAO.test(line) ? "lo" : latin }));
}

function list(id, rows) {
  const lines = rows.length ? rows : [["–", "nothing yet"]];
  at(id).replaceChildren(
    ...lines.map(([name, value]) => {
      const row = document.createElement("div");
      row.append(element("dt", name), element("dd", value));
      return row;
    }),
  );
}

// The screen

function draw(kind, title, parts) {
  at("screen").className = `screen ${kind}`;
  at("screen").replaceChildren(...parts);
  at("screen").scrollTop = thread ? at("screen").scrollHeight : 0;
  at("title").textContent = title;
  at("asks").textContent = ASKS[thread ? "thread" : "call"];
  at("answer").inputMode = thread ? "text" : "tel";
  for (const button of document.querySelectorAll("[data-thread]")) {
    const label = button.dataset.thread === thread ? "Back" : TITLES[button.dataset.thread];
    button.setAttribute("aria-label", label);
    at(button.dataset.label).textContent = label;
  }
}

function drawIdle() {
  const time = element("p", clock({ hour: "2-digit", minute: "2-digit" }), { class: "time" });
  const day = element("p", clock({ weekday: "short", day: "numeric", month: "short" }));
  draw("idle", "LSSO test", [time, day]);
  offer(desk.code);
}

function drawCall() {
  if (!screen) return drawIdle();
  const ended = screen.ends ? [element("p", "Call ended", { class: "ended" })] : [];
  draw("dialogue", "USSD", [...paragraphs(screen.text), ...ended]);
  offer(screen.ends ? desk.code : "");
}

function drawThread() {
  const letter = (text, own, cost = []) => {
    const made = element("article", "", { class: own ? "own" : "theirs" });
    made.append(...paragraphs(text), ...cost);
    return made;
  };
  const parts = [];
  const own = [...written[thread]];
  caller.texts[thread].forEach(({ text, alphabet, units, parts: sms }, count) => {
    while (own[0]?.after <= count) parts.push(letter(own.shift().text, true));
    const cost = thread === "sms" ? [element("p", `${units} ${alphabet}, ${sms} SMS`, { class: "cost" })] : [];
    parts.push(letter(text, false, cost));
  });
  parts.push(...own.map(({ text }) => letter(text, true)));
  at("envelope").hidden = true;
  draw(`thread ${thread}`, TITLES[thread], parts.length ? parts : [element("p", "No texts yet: write one")]);
  offer("");
}

function redraw() {
  return thread ? drawThread() : drawCall();
}

/** Have her type on from here; whoever is busy beside the phone is left there. */
function offer(text) {
  at("answer").value = text;
  if (!document.activeElement.closest(".panels")) at("answer").focus({ preventScroll: true });
}

// Beside it

function measure() {
  const said = thread ? caller.texts[thread].at(-1) : screen;
  const counts = said?.limit && thread !== "chat";
  at("units").max = counts ? said.limit : 1;
  at("units").value = counts ? said.units : 0;
  if (!said) return list("measures", []);
  if (thread === "chat") return list("measures", [["Characters", String([...said.text].length)], ["Cost", "1 message"]]);
  if (!counts) return list("measures", [["Units", "none: the network said this"]]);
  const units = ["Units", `${said.units} of ${said.limit}, ${said.alphabet}`];
  if (thread) return list("measures", [units, ["Cost", `${said.parts} SMS`]]);
  const hops = call.hops === 1 ? "1 hop in this call" : `${call.hops} hops in this call`;
  return list("measures", [units, ["Page", `${caller.page} of ${caller.pages}`], ["Cost", hops]]);
}

const busy = () => at("screen").hasAttribute("aria-busy");
const arrived = () => caller.texts.sms.length + caller.texts.chat.length;

/** Look at what is kept of this caller, unless that is overtaken; a gateway that is away leaves what was known. */
async function ask(overtaken = () => false) {
  const answer = await post(desk.caller, { phone: at("number").value, by: thread || "ussd" }).catch(() => null);
  const told = answer?.ok ? await answer.text() : known;
  if (told === known || overtaken()) return;
  const before = arrived();
  caller = JSON.parse(told);
  caller.texts = { sms: [], chat: [], ...caller.texts };
  known = told;
  if (arrived() > before) at("envelope").hidden = false;
  at("place").textContent = caller.place || "nowhere";
  at("side").href = `${desk.screens}#${caller.place}`;
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.name === caller.language));
  }
  list("kept", caller.held);
  list("audit", caller.audit);
  list("sent", caller.sent);
  await diagram.show(caller.place, caller.history);
}

/** Do what goes to the gateway, see what it left behind, and only then show: language and page are known by then. */
async function take(event) {
  at("screen").setAttribute("aria-busy", "true");
  const answer = await event;
  if (answer?.text !== undefined) screen = answer;
  await ask();
  redraw();
  measure();
  at("screen").removeAttribute("aria-busy");
}

/** Texts come by themselves, too. */
async function listen() {
  if (busy() || document.hidden) return;
  const before = arrived();
  await ask(busy);
  if (thread && arrived() > before && !busy()) {
    const draft = at("answer").value;
    redraw();
    at("answer").value = draft;
    measure();
  }
}

// Keys

function send() {
  const typed = at("answer").value.trim();
  if (busy() || !typed) return;
  if (thread) return write(typed);
  if (!call.over) return take(call.press(typed));
  const keys = keysBehind(desk.code, typed);
  if (keys === null) {
    screen = { text: `${typed} is not in service here. Dial ${desk.code}`, ends: true };
    return drawCall();
  }
  call = new Call(`${desk.hook}ussd`, at("number").value);
  return take(call.dial(keys));
}

function write(text) {
  written[thread].push({ text, after: caller.texts[thread].length });
  const event = post(desk.hook + thread, { id: crypto.randomUUID(), phone: at("number").value, text });
  return take(event.then(() => undefined, () => undefined));
}

function hangUp() {
  if (!thread) {
    call.hangUp();
    screen = null;
  }
  thread = "";
  redraw();
}

function read(name) {
  thread = thread === name ? "" : name;
  redraw();
  return take();
}

async function speak(number) {
  thread = "";
  at("answer").focus({ preventScroll: true });
  await ask(); // of her calls, whatever was read before
  call = new Call(`${desk.hook}ussd`, at("number").value);
  const keys = caller.language ? [desk.toLanguages, number].filter(Boolean).join("*") : "";
  const dialled = call.dial(keys);
  if (caller.language) return take(dialled);
  await dialled;
  return take(call.press(number));
}

function changePhone() {
  const people = [...(at("person")?.options ?? [])];
  const found = people.find((one) => one.value === at("number").value) ?? people.at(-1);
  if (found && at("person").value !== at("number").value) found.selected = true; // two members share one phone
  const known = at("person")?.selectedOptions[0].dataset ?? {};
  const rows = known.number ? [["Her number", known.number], ["Her birth date", known.born]] : [];
  list("card", known.sees ? [...rows, ["Should read", known.sees]] : [["–", "on no record that we made"]]);
  call.hangUp();
  [screen, thread, written] = [null, "", { sms: [], chat: [] }];
  redraw();
  return take().then(() => (at("envelope").hidden = true));
}

const DOES = {
  send,
  hang: hangUp,
  clear: () => offer(at("answer").value.slice(0, -1)),
  up: () => at("screen").scrollBy(0, -40),
  down: () => at("screen").scrollBy(0, 40),
};

at("line").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
document.querySelector(".keys").addEventListener("click", ({ target }) => {
  const { key, do: action, thread: name } = target.closest("button")?.dataset ?? {};
  if (key) offer(call.over && at("answer").value === desk.code ? key : at("answer").value + key);
  if (action) DOES[action]();
  if (name) read(name);
});
document.querySelector(".handset").addEventListener("keydown", (event) => {
  if (event.key === "Escape") hangUp();
});
document.querySelector(".switch").addEventListener("click", ({ target }) => {
  if (target.dataset.language) speak(target.dataset.language);
});
at("person")?.addEventListener("change", () => {
  if (at("person").value) at("number").value = at("person").value;
  changePhone();
});
at("number").addEventListener("change", changePhone);

const tick = () => (at("clock").textContent = clock({ hour: "2-digit", minute: "2-digit" }));
setInterval(tick, 10_000);
setInterval(listen, 2_000);
tick();
changePhone();
