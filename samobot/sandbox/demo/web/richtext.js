// A message's text with its entities as DOM nodes. Text only ever becomes text nodes: what an agent wrote cannot
// become markup here. Offsets are UTF-16 units, as JavaScript's own strings have.

const SIMPLE = { bold: "strong", italic: "em", underline: "u", strikethrough: "s" };
const LINKS = /^(https?:|mailto:|tel:|tg:)/i;

/**
 * Builds the nodes of a text.
 * @param {string} text
 * @param {Array<{type: string, offset: number, length: number, url?: string, language?: string}>} entities
 * @param {{command: (text: string) => void, copied: (text: string) => void}} on what a tap on a part does
 */
export function richText(text, entities, on) {
  const root = document.createDocumentFragment();
  fill(root, text, 0, text.length, nested(entities, text.length), on);
  return root;
}

/** Cuts entities so that each lies wholly inside or wholly outside of any other. */
function nested(entities, end) {
  const queue = entities
    .map((one) => ({ ...one, end: Math.min(one.offset + one.length, end) }))
    .filter((one) => one.offset < one.end);
  const inOrder = (a, b) => a.offset - b.offset || b.end - a.end;
  queue.sort(inOrder);
  const open = [];
  const result = [];
  while (queue.length) {
    const one = queue.shift();
    while (open.length && open.at(-1).end <= one.offset) open.pop();
    const cut = Math.min(one.end, ...open.map((outer) => outer.end));
    if (cut < one.end) {
      queue.push({ ...one, offset: cut });
      queue.sort(inOrder);
    }
    const piece = { ...one, end: cut };
    open.push(piece);
    result.push(piece);
  }
  return result;
}

function fill(parent, text, start, end, entities, on) {
  let at = start;
  for (let i = 0; i < entities.length; ) {
    const one = entities[i];
    let next = i + 1;
    while (next < entities.length && entities[next].offset < one.end) next += 1;
    parent.append(text.slice(at, one.offset));
    parent.append(element(one, text, entities.slice(i + 1, next), on));
    at = one.end;
    // A block brings its own line break.
    if (isBlock(one) && text[at] === "\n") at += 1;
    i = next;
  }
  if (at < end) parent.append(text.slice(at, end));
}

function isBlock(entity) {
  return entity.type === "pre" || entity.type.endsWith("blockquote");
}

function element(entity, text, inner, on) {
  const words = text.slice(entity.offset, entity.end);
  const content = (node) => {
    fill(node, text, entity.offset, entity.end, inner, on);
    return node;
  };
  if (entity.type in SIMPLE) return content(document.createElement(SIMPLE[entity.type]));
  switch (entity.type) {
    case "code":
      return copyable(content(document.createElement("code")), words, on);
    case "pre":
      return codeBlock(content(document.createElement("code")), words, entity.language, on);
    case "blockquote":
      return content(document.createElement("blockquote"));
    case "expandable_blockquote":
      return expandable(content(document.createElement("blockquote")));
    case "spoiler":
      return spoiler(content(document.createElement("span")));
    case "text_link":
    case "url":
    case "email":
    case "phone_number":
      return link(content(document.createElement("a")), address(entity, words));
    case "bot_command": {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "command";
      button.addEventListener("click", () => on.command(words));
      return content(button);
    }
    default:
      return content(document.createElement("span"));
  }
}

function address(entity, words) {
  if (entity.url) return entity.url;
  if (entity.type === "email") return `mailto:${words}`;
  if (entity.type === "phone_number") return `tel:${words.replace(/[^+\d]/g, "")}`;
  return /^[a-z]+:/i.test(words) ? words : `https://${words}`;
}

function link(anchor, target) {
  if (LINKS.test(target)) {
    anchor.href = target;
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer nofollow";
  }
  return anchor;
}

function copyable(code, words, on) {
  code.title = "Tap to copy";
  code.addEventListener("click", () => on.copied(words));
  return code;
}

function codeBlock(code, words, language, on) {
  const block = document.createElement("div");
  block.className = "code";
  const head = document.createElement("div");
  head.className = "code-head";
  const name = document.createElement("span");
  name.textContent = language || "code";
  const copy = document.createElement("button");
  copy.type = "button";
  copy.textContent = "Copy";
  copy.setAttribute("aria-label", `Copy ${language || "code"}`);
  copy.addEventListener("click", () => on.copied(words));
  head.append(name, copy);
  const pre = document.createElement("pre");
  // A wide block scrolls by itself, so the keyboard must reach it.
  pre.tabIndex = 0;
  pre.setAttribute("role", "group");
  pre.setAttribute("aria-label", language ? `Code, ${language}` : "Code");
  if (language === "diff") paintDiff(code);
  pre.append(code);
  block.append(head, pre);
  return block;
}

/** Telegram's apps colour code; for a diff that is what makes it readable. */
function paintDiff(code) {
  const lines = code.textContent.split("\n");
  code.replaceChildren();
  lines.forEach((line, index) => {
    const span = document.createElement("span");
    if (/^\+(?!\+\+ )/.test(line)) span.className = "added";
    else if (/^-(?!-- )/.test(line)) span.className = "removed";
    else if (/^(@@|diff |index |--- |\+\+\+ )/.test(line)) span.className = "place";
    span.textContent = line + (index < lines.length - 1 ? "\n" : "");
    code.append(span);
  });
}

function expandable(quote) {
  const box = document.createElement("div");
  box.className = "expandable";
  quote.classList.add("collapsed");
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "expand";
  toggle.setAttribute("aria-expanded", "false");
  toggle.textContent = "Show all";
  toggle.addEventListener("click", () => {
    const shut = quote.classList.toggle("collapsed");
    toggle.setAttribute("aria-expanded", String(!shut));
    toggle.textContent = shut ? "Show all" : "Show less";
  });
  // There is nothing more to show of a short one; how tall it is, is known once it is laid out.
  new ResizeObserver(() => {
    if (quote.classList.contains("collapsed")) toggle.hidden = quote.scrollHeight <= quote.clientHeight + 1;
  }).observe(quote);
  box.append(quote, toggle);
  return box;
}

function spoiler(span) {
  span.className = "spoiler";
  span.tabIndex = 0;
  span.setAttribute("role", "button");
  span.setAttribute("aria-label", "Hidden text, press to show");
  const reveal = () => {
    span.className = "";
    for (const name of ["tabindex", "role", "aria-label"]) span.removeAttribute(name);
  };
  span.addEventListener("click", reveal);
  span.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") reveal();
  });
  return span;
}
