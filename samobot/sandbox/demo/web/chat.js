// The chat page: shows what the event stream says, sends what the person does. No state of its own that matters:
// every (re)connection begins with a snapshot.

import { richText } from "./richtext.js";

const $ = (id) => document.getElementById(id);
const log = $("log");
const field = $("field");

const state = {
  me: 0,
  bot: { id: 0, name: "samobot", username: "" },
  messages: new Map(), // number -> message as it is now
  commands: [],
  guide: null,
  guideClosed: false,
  context: null, // {kind: "reply" | "edit", id}
  waiting: new Map(), // callback data being answered -> timer
  unread: 0,
  live: false, // whether the snapshot has been shown: what comes later is news
};

// ---------------------------------------------------------------- small helpers

function make(tag, className = "", text = "") {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

function makeButton(className, text, act) {
  const button = make("button", className, text);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

function makeIcon(path, className = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  const shape = document.createElementNS("http://www.w3.org/2000/svg", "path");
  shape.setAttribute("d", path);
  svg.append(shape);
  return svg;
}

const BELL_OFF = "M12 3a6 6 0 0 0-6 6v4.5L4.5 16v1h15v-1L18 13.5V9a6 6 0 0 0-6-6zM4 3l17 17-1.2 1.2-17-17z";
const FILE = "M6 2h8l5 5v15H6zM14 2v5h5";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const calendar = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long" });

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1024 * 1024 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

let toastTimer = 0;
function toast(text) {
  const box = $("toast");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => (box.hidden = true), 3500);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser did not let this page copy");
  }
}

/** Asks the server to do something as the person; says so where it refuses. */
async function act(action, order) {
  try {
    const answer = await fetch(action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(order),
    });
    const body = await answer.json();
    if (!body.ok) toast(body.description);
    return body.ok;
  } catch {
    toast("Not sent: the demo does not answer");
    return false;
  }
}

// ---------------------------------------------------------------- messages

const textOf = (message) => message.text ?? message.caption ?? "";
const entitiesOf = (message) => message.entities ?? message.caption_entities ?? [];
const isMine = (message) => message.from?.id === state.me;
const nodeOf = (id) => document.getElementById(`m${id}`);
const nameOf = (message) => (isMine(message) ? "You" : (message.from?.first_name ?? state.bot.name));

function excerpt(message, length = 90) {
  const text = textOf(message) || (message.photo ? "Photo" : (message.document?.file_name ?? ""));
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > length ? `${line.slice(0, length - 1)}…` : line;
}

const parts = {
  command: (text) => act("say", { text }),
  copied: copy,
};

/** Puts a message into the log, or replaces it where it is. */
function show(message, isNews) {
  const known = nodeOf(message.message_id);
  const atEnd = isAtEnd();
  const focused = known?.contains(document.activeElement) ? document.activeElement : null;
  state.messages.set(message.message_id, message);
  const node = known ?? make("article");
  node.id = `m${message.message_id}`;
  node.className = classes(message);
  node.setAttribute("aria-label", label(message));
  // A card that is edited every few seconds must not talk over everything else.
  if (message.silent) node.setAttribute("aria-live", "off");
  node.replaceChildren(...content(message));
  if (!known) {
    addDay(message);
    log.append(node);
  }
  if (focused) refocus(node, focused.textContent);
  if (isNews && !known) arrived(message, node, atEnd);
  else if (atEnd) toEnd();
  markSuggestion();
}

function classes(message) {
  if (isService(message)) return "message service";
  const names = ["message", isMine(message) ? "mine" : "theirs"];
  if (message.reply_markup) names.push("has-keys");
  if (message.document) names.push("has-file");
  if (message.photo) names.push("has-photo");
  if (!message.silent && !isMine(message)) names.push("loud");
  return names.join(" ");
}

function label(message) {
  const how = isMine(message) ? "" : message.silent ? ", silent" : ", with sound";
  return `${nameOf(message)}${how}, ${clock.format(new Date(message.date * 1000))}`;
}

function isService(message) {
  return !textOf(message) && !message.photo && !message.document;
}

function content(message) {
  if (isService(message)) return [make("p", "service-words", serviceText(message))];
  const bubble = make("div", "bubble");
  if (message.forward_origin) bubble.append(make("p", "forwarded", "Forwarded message"));
  if (message.reply_to_message) bubble.append(quoted(message));
  if (message.photo) bubble.append(photo(message));
  if (message.document) bubble.append(documentLink(message.document));
  const text = textOf(message);
  const body = make("div", "body");
  if (text) {
    const words = make("div", "text");
    words.dir = "auto";
    words.append(richText(text, entitiesOf(message), parts));
    body.append(words);
  }
  body.append(meta(message));
  bubble.append(body);
  const found = reactions(message);
  if (found) bubble.append(found);
  const result = [bubble];
  const rows = message.reply_markup?.inline_keyboard;
  if (rows) result.push(keyboard(message, rows));
  result.push(actionsButton(message));
  return result;
}

function serviceText(message) {
  if (message.pinned_message) return `${nameOf(message)} pinned “${excerpt(message.pinned_message, 40)}”`;
  return "Something happened in this chat";
}

function meta(message) {
  const box = make("p", "meta");
  if (message.silent && !isMine(message)) {
    box.append(makeIcon(BELL_OFF, "bell"), make("span", "hidden", "silent "));
  }
  if (message.edited) box.append(make("span", "", "edited "));
  const when = new Date(message.date * 1000);
  const time = make("time", "", clock.format(when));
  time.dateTime = when.toISOString();
  box.append(time);
  return box;
}

function quoted(message) {
  const source = message.reply_to_message;
  const box = makeButton("quoted", "", () => jump(source.message_id));
  box.append(make("span", "quoted-name", nameOf(source)));
  box.append(make("span", "quoted-text", message.quote?.text ?? excerpt(source)));
  return box;
}

function photo(message) {
  const picture = message.photo.at(-1);
  const open = makeButton("photo", "", () => {
    $("viewer-picture").src = image.src;
    $("viewer-picture").alt = image.alt;
    $("viewer").showModal();
  });
  const image = make("img");
  image.src = `file/${encodeURIComponent(picture.file_id)}`;
  image.alt = `Picture${textOf(message) ? `: ${excerpt(message)}` : ""}`;
  image.width = picture.width;
  image.height = picture.height;
  open.append(image);
  return open;
}

function documentLink(file) {
  const link = make("a", "file");
  link.href = `file/${encodeURIComponent(file.file_id)}`;
  link.download = file.file_name;
  const badge = make("span", "file-icon");
  badge.append(makeIcon(FILE));
  const words = make("span", "file-words");
  words.append(make("span", "file-name", file.file_name), make("span", "file-size", size(file.file_size)));
  link.append(badge, words);
  link.setAttribute("aria-label", `Download ${file.file_name}, ${size(file.file_size)}`);
  return link;
}

function reactions(message) {
  const who = Object.entries(message.reactions ?? {});
  if (!who.length) return null;
  const list = make("p", "reactions");
  for (const [user, emoji] of who) {
    for (const one of emoji) {
      const mine = Number(user) === state.me;
      const pill = make("span", mine ? "reaction own" : "reaction", one);
      pill.setAttribute("role", "img");
      pill.setAttribute("aria-label", `${mine ? "You" : state.bot.name} reacted with ${one}`);
      list.append(pill);
    }
  }
  return list;
}

function keyboard(message, rows) {
  const box = make("div", "keys");
  for (const row of rows) {
    const line = make("div", "keys-row");
    for (const key of row) line.append(keyButton(message, key));
    box.append(line);
  }
  return box;
}

function keyButton(message, key) {
  const style = key.style ? ` ${key.style}` : "";
  if (key.url) {
    const link = make("a", `key${style}`, `${key.text} ↗`);
    link.href = /^(https?|tg):/i.test(key.url) ? key.url : "#";
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
    return link;
  }
  if (key.copy_text) return makeButton(`key${style}`, key.text, () => copy(key.copy_text.text));
  const button = makeButton(`key${style}`, key.text, () => tap(message.message_id, key.callback_data));
  button.dataset.label = key.text;
  const waits = state.waiting.has(`${message.message_id} ${key.callback_data}`);
  button.classList.toggle("busy", waits);
  if (waits) button.setAttribute("aria-busy", "true");
  return button;
}

function tap(id, data) {
  const key = `${id} ${data}`;
  if (state.waiting.has(key)) return;
  const stopWaiting = () => {
    clearTimeout(state.waiting.get(key));
    state.waiting.delete(key);
    redraw(id);
  };
  state.waiting.set(key, setTimeout(stopWaiting, 15000));
  redraw(id);
  act("tap", { message: id, data }).then((ok) => ok || stopWaiting());
}

function tapAnswered(id, detail) {
  for (const [key, timer] of state.waiting) {
    if (key.startsWith(`${id} `)) {
      clearTimeout(timer);
      state.waiting.delete(key);
    }
  }
  redraw(id);
  if (!detail.text) return;
  if (!detail.show_alert) return toast(detail.text);
  $("alert-text").textContent = detail.text;
  $("alert").showModal();
}

function redraw(id) {
  const message = state.messages.get(id);
  if (message) show(message, false);
}

/** Keeps the keyboard's place when a message with the focus is drawn again. */
function refocus(node, text) {
  const buttons = [...node.querySelectorAll("button, a")];
  const target = buttons.find((one) => one.textContent === text);
  if (target) return target.focus({ preventScroll: true });
  node.tabIndex = -1;
  node.focus({ preventScroll: true });
}

function addDay(message) {
  const day = new Date(message.date * 1000);
  const name = day.toDateString();
  if (log.dataset.day === name) return;
  log.dataset.day = name;
  const today = name === new Date().toDateString();
  log.append(make("p", "day", today ? "Today" : calendar.format(day)));
}

function remove(id) {
  state.messages.delete(id);
  nodeOf(id)?.remove();
  if (state.context?.id === id) leaveContext();
}

// ---------------------------------------------------------------- where the reader is

function isAtEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function isInView(node) {
  const [box, view] = [node.getBoundingClientRect(), log.getBoundingClientRect()];
  return node.isConnected && box.bottom > view.top && box.top < view.bottom;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
  seen();
}

function seen() {
  state.unread = 0;
  $("unread").hidden = true;
  $("to-end").hidden = isAtEnd();
  document.title = state.bot.name;
}

function jump(id) {
  const node = nodeOf(id);
  if (!node) return toast("That message is gone");
  node.scrollIntoView({ block: "center" });
  flash(node);
}

function flash(node) {
  node.classList.remove("flash");
  void node.offsetWidth; // starts the animation again
  node.classList.add("flash");
}

function arrived(message, node, atEnd) {
  if (isMine(message)) return toEnd();
  if (atEnd) {
    toEnd();
    // A message taller than the screen is read from its beginning.
    if (node.offsetHeight > log.clientHeight - 40) node.scrollIntoView({ block: "start" });
  } else {
    state.unread += 1;
    $("unread").textContent = String(state.unread);
    $("unread").hidden = false;
    $("to-end").hidden = false;
  }
  setPresence("");
  if (!message.silent) {
    flash(node);
    ping();
    if (document.hidden) document.title = `● ${excerpt(message, 40)}`;
  }
  if (message.asks_reply) enterContext("reply", message);
}

log.addEventListener("scroll", () => isAtEnd() && seen(), { passive: true });
$("to-end").addEventListener("click", () => toEnd());
document.addEventListener("visibilitychange", () => document.hidden || (document.title = state.bot.name));
// The log shrinks when the guide grows or a keyboard opens: who was at the end stays there.
let wasAtEnd = true;
log.addEventListener("scroll", () => (wasAtEnd = isAtEnd()), { passive: true });
new ResizeObserver(() => wasAtEnd && toEnd()).observe(log);

// ---------------------------------------------------------------- sound: only where a person is needed

let audio = null;
let soundOn = remembered("sound") !== "off";

function ping() {
  if (!soundOn || !navigator.userActivation?.hasBeenActive) return;
  audio ??= new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 740;
  volume.gain.setValueAtTime(0.06, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + 0.35);
  tone.connect(volume).connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.36);
}

$("sound").addEventListener("click", () => {
  soundOn = !soundOn;
  remember("sound", soundOn ? "on" : "off");
  showSound();
});

function showSound() {
  $("sound").setAttribute("aria-pressed", String(soundOn));
}

function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // A browser that keeps nothing: the choice lasts as long as the page.
  }
}

// ---------------------------------------------------------------- dark and light

const dark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
}

if (remembered("theme")) document.documentElement.dataset.theme = remembered("theme");
$("theme").addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  remember("theme", next);
});

// ---------------------------------------------------------------- what can be done with a message

function actionsButton(message) {
  const button = makeButton("more", "⋯", () => openActions(message, button));
  button.setAttribute("aria-label", "What to do with this message");
  button.setAttribute("aria-haspopup", "menu");
  button.setAttribute("aria-expanded", "false");
  return button;
}

let opener = null;

function openActions(message, button) {
  const menu = $("actions");
  if (opener === button) return closeActions();
  closeActions();
  opener = button;
  const id = message.message_id;
  const own = isMine(message);
  const liked = message.reactions?.[state.me]?.includes("👍");
  const items = [
    ["Reply", () => enterContext("reply", message)],
    [liked ? "Take 👍 back" : "👍 React", () => act("react", { message: id, emoji: liked ? [] : ["👍"] })],
    ["Copy text", () => copy(textOf(message))],
  ];
  if (own && message.text) items.push(["Edit", () => enterContext("edit", message)]);
  if (own) items.push(["Delete", () => act("delete", { message: id })]);
  menu.replaceChildren(
    ...items.map(([words, go]) => {
      const item = makeButton("", words, () => {
        closeActions(true);
        go();
      });
      item.setAttribute("role", "menuitem");
      item.tabIndex = -1;
      return item;
    }),
  );
  menu.hidden = false;
  placeActions();
  button.setAttribute("aria-expanded", "true");
  menu.firstElementChild.focus();
}

function placeActions() {
  const menu = $("actions");
  const place = opener.getBoundingClientRect();
  const left = Math.min(place.left, innerWidth - menu.offsetWidth - 8);
  const below = place.bottom + 4;
  const top = below + menu.offsetHeight > innerHeight ? place.top - menu.offsetHeight - 4 : below;
  menu.style.setProperty("--left", `${Math.max(8, left)}px`);
  menu.style.setProperty("--top", `${Math.max(8, top)}px`);
}

function closeActions(giveBack = false) {
  $("actions").hidden = true;
  opener?.setAttribute("aria-expanded", "false");
  if (giveBack) opener?.focus();
  opener = null;
}

$("actions").addEventListener("keydown", (event) => {
  const items = [...$("actions").children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Escape" || event.key === "Tab") closeActions(true);
  else if (to !== undefined) items.at(to % items.length).focus();
  else return;
  event.preventDefault();
});
document.addEventListener("pointerdown", (event) => {
  if (opener && !$("actions").contains(event.target) && event.target !== opener) closeActions();
});
// The event of a scroll that brought the button into view can come after the menu has opened: it must not close it.
log.addEventListener("scroll", () => opener && (isInView(opener) ? placeActions() : closeActions()), { passive: true });
log.addEventListener("contextmenu", (event) => {
  const node = event.target.closest("article");
  const message = node && state.messages.get(Number(node.id.slice(1)));
  if (!message || isService(message) || getSelection()?.toString()) return;
  event.preventDefault();
  openActions(message, node.querySelector(".more"));
});

// ---------------------------------------------------------------- replying and editing

function enterContext(kind, message) {
  state.context = { kind, id: message.message_id };
  $("context-title").textContent = kind === "edit" ? "Edit message" : `Reply to ${nameOf(message)}`;
  $("context-text").textContent = excerpt(message);
  $("context-close").setAttribute("aria-label", kind === "edit" ? "Leave the edit" : "Do not reply");
  $("context").hidden = false;
  if (kind === "edit") field.value = textOf(message);
  field.placeholder = message.placeholder || "Message";
  resize();
  field.focus();
}

function leaveContext() {
  if (state.context?.kind === "edit") field.value = "";
  state.context = null;
  $("context").hidden = true;
  field.placeholder = "Message";
  resize();
}

$("context-close").addEventListener("click", () => {
  leaveContext();
  field.focus();
});

// ---------------------------------------------------------------- writing

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});

async function send() {
  const text = field.value.trim();
  if (!text) return;
  const context = state.context;
  const order = { text };
  if (context?.kind === "reply") order.reply_to = context.id;
  if (context?.kind === "edit") order.message = context.id;
  field.value = "";
  leaveContext();
  showCommands();
  const ok = await act(context?.kind === "edit" ? "edit" : "say", order);
  if (!ok && !field.value) field.value = text;
  resize();
}

function resize() {
  field.style.setProperty("height", "auto");
  field.style.setProperty("height", `${Math.min(field.scrollHeight, 160)}px`);
  $("send").classList.toggle("ready", Boolean(field.value.trim()));
}

field.addEventListener("input", () => {
  resize();
  showCommands();
});

field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (!$("commands").hidden && listKey(event)) return event.preventDefault();
  if (event.key === "Escape" && state.context) leaveContext();
  else if (event.key === "ArrowUp" && !field.value) editLast();
  else if (event.key === "Enter" && !event.shiftKey) send();
  else return;
  event.preventDefault();
});

function editLast() {
  const mine = [...state.messages.values()].filter((message) => isMine(message) && message.text).at(-1);
  if (mine) enterContext("edit", mine);
}

$("file").addEventListener("change", async () => {
  const file = $("file").files[0];
  if (!file) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  let binary = "";
  for (let i = 0; i < bytes.length; i += 32768) binary += String.fromCharCode(...bytes.subarray(i, i + 32768));
  await act("send_file", { name: file.name, file: btoa(binary), text: field.value.trim() });
  $("file").value = "";
  field.value = "";
  resize();
});

// ---------------------------------------------------------------- the command menu

let chosen = 0;
let wholeMenu = false;

function matching() {
  if (wholeMenu) return state.commands;
  const typed = /^\/(\w*)$/.exec(field.value);
  return typed ? state.commands.filter((one) => one.command.startsWith(typed[1].toLowerCase())) : [];
}

function showCommands(whole = false) {
  wholeMenu = whole;
  chosen = 0;
  const found = matching();
  const list = $("commands");
  list.hidden = !found.length;
  $("menu").setAttribute("aria-expanded", String(!list.hidden));
  list.replaceChildren(
    ...found.map((one, index) => {
      const item = make("div", "command-item");
      item.id = `command-${index}`;
      item.setAttribute("role", "option");
      item.append(make("span", "command-name", `/${one.command}`), make("span", "command-about", one.description));
      item.addEventListener("click", () => pick(one));
      return item;
    }),
  );
  markChosen();
}

function markChosen() {
  const items = [...$("commands").children];
  items.forEach((item, index) => item.setAttribute("aria-selected", String(index === chosen)));
  if (items.length) {
    field.setAttribute("aria-activedescendant", `command-${chosen}`);
    items[chosen].scrollIntoView({ block: "nearest" });
  } else field.removeAttribute("aria-activedescendant");
}

function listKey(event) {
  const found = matching();
  switch (event.key) {
    case "ArrowDown":
    case "ArrowUp":
      chosen = (chosen + (event.key === "ArrowDown" ? 1 : found.length - 1)) % found.length;
      markChosen();
      return true;
    case "Tab":
      field.value = `/${found[chosen].command} `;
      showCommands();
      return true;
    case "Enter":
      if (event.shiftKey) return false;
      pick(found[chosen]);
      return true;
    case "Escape":
      closeCommands();
      return true;
    default:
      return false;
  }
}

function closeCommands() {
  wholeMenu = false;
  $("commands").hidden = true;
  $("menu").setAttribute("aria-expanded", "false");
  field.removeAttribute("aria-activedescendant");
}

function pick(command) {
  field.value = "";
  closeCommands();
  resize();
  act("say", { text: `/${command.command}` });
  field.focus();
}

$("menu").addEventListener("click", () => {
  if ($("commands").hidden) showCommands(true);
  else closeCommands();
  field.focus();
});

// ---------------------------------------------------------------- the guide

function showGuide() {
  const guide = state.guide;
  const box = $("guide");
  box.hidden = !guide || state.guideClosed;
  if (!guide) return;
  box.dataset.stop = guide.stop;
  $("guide-step").textContent = `${guide.step}/${guide.steps}`;
  $("guide-title").textContent = guide.title;
  $("guide-text").textContent = guide.text;
  const button = $("guide-act");
  button.hidden = !guide.say && !guide.message;
  button.classList.toggle("look", !guide.say);
  button.textContent = guide.say ? `Send “${guide.say}”` : "Show me";
  box.style.setProperty("--done", String(guide.step / guide.steps));
  markSuggestion();
}

/** Puts a ring around the button that the guide talks about. */
function markSuggestion() {
  for (const old of log.querySelectorAll(".suggested")) old.classList.remove("suggested");
  const guide = state.guide;
  if (!guide?.button || state.guideClosed) return;
  const keys = [...(nodeOf(guide.message)?.querySelectorAll(".key") ?? [])];
  keys.find((key) => key.dataset.label === guide.button)?.classList.add("suggested");
}

/** Brings the button that the guide talks about into view, unless the person is busy writing. */
function bringSuggestion() {
  if (!state.guide?.button || state.guideClosed || field.value) return;
  nodeOf(state.guide.message)?.scrollIntoView({ block: "nearest" });
}

$("guide-act").addEventListener("click", () => {
  const guide = state.guide;
  if (guide.say) act("say", { text: guide.say });
  else jump(guide.message);
});
$("guide-close").addEventListener("click", () => {
  state.guideClosed = true;
  showGuide();
  markSuggestion();
  field.focus();
});

// ---------------------------------------------------------------- the stream

let presenceTimer = 0;
function setPresence(text, seconds = 0) {
  clearTimeout(presenceTimer);
  $("presence").textContent = text || "bot";
  if (seconds) presenceTimer = setTimeout(() => setPresence(""), seconds * 1000);
}

function showSnapshot(given) {
  state.me = given.me;
  state.bot = given.bot;
  state.commands = given.commands;
  state.guide = given.guide;
  $("name").textContent = given.bot.name;
  document.title = given.bot.name;
  $("short-simulated").textContent = given.about.short_simulated;
  $("short-real").textContent = given.about.short_real;
  $("about-simulated").textContent = given.about.simulated;
  $("about-real").textContent = given.about.real;
  $("about-cost").textContent = given.about.cost;
  showNotice(given.notice);
  const here = new Set(given.messages.map((message) => message.message_id));
  for (const id of [...state.messages.keys()]) if (!here.has(id)) remove(id);
  for (const message of given.messages) show(message, state.live && !state.messages.has(message.message_id));
  showPinned(given.pinned);
  showGuide();
  if (!state.live) toEnd();
  state.live = true;
  setPresence("");
  document.body.dataset.connected = "yes";
}

function showPinned(id) {
  const message = state.messages.get(id);
  $("pinned").hidden = !message;
  if (!message) return;
  $("pinned-text").textContent = excerpt(message);
  $("pinned").onclick = () => jump(id);
}

function showNotice(text) {
  $("notice").textContent = text;
  $("notice").hidden = !text;
}

function showDraft(detail) {
  $("draft")?.remove();
  if (!detail.text) return;
  const draft = make("article", "message theirs draft");
  draft.id = "draft";
  draft.setAttribute("aria-live", "off");
  const bubble = make("div", "bubble");
  bubble.append(make("div", "text", detail.text));
  draft.append(bubble);
  log.append(draft);
  setTimeout(() => draft.remove(), 30000);
}

function onChange(change) {
  switch (change.kind) {
    case "snapshot":
      return showSnapshot(change);
    case "message":
      $("draft")?.remove();
      return show(change.message, true);
    case "edited":
    case "reaction":
      return show(change.message, false);
    case "deleted":
      return remove(change.message.message_id);
    case "pinned":
      return showPinned(change.pinned);
    case "tap_answered":
      return tapAnswered(change.message.message_id, change.detail);
    case "action":
      return setPresence(`${String(change.detail.action).replace(/_/g, " ")}…`, 5);
    case "draft":
      return showDraft(change.detail);
    case "commands":
      state.commands = change.commands;
      return undefined;
    case "guide":
      state.guide = change.guide;
      showGuide();
      return bringSuggestion();
    case "notice":
      return showNotice(change.text);
    default:
      return undefined;
  }
}

function connect() {
  const stream = new EventSource("events");
  stream.onmessage = (event) => onChange(JSON.parse(event.data));
  stream.onerror = () => {
    delete document.body.dataset.connected;
    if (stream.readyState === EventSource.CLOSED) {
      // The browser gives up where it got an answer that is no stream; we do not.
      setTimeout(connect, 2000);
    }
    setPresence("connecting…");
  };
}

showSound();
resize();
connect();
