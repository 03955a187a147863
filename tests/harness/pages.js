// What is wrong with the page that is shown, as far as a program sees it: a list of sentences.
const wrong = [];
const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
const named = (e) => (e.getAttribute("aria-label") || e.textContent || "").trim();

if (!document.documentElement.lang) wrong.push("the page has no language");
if (!/ · Aeolus$/.test(document.title)) wrong.push(`the title is ${JSON.stringify(document.title)}`);
if (document.querySelectorAll("h1").length !== 1) wrong.push("there is not one h1");
if (document.querySelectorAll("main").length !== 1) wrong.push("there is not one main");
let level = 0;
for (const heading of document.querySelectorAll("h1, h2, h3")) {
  const own = Number(heading.tagName[1]);
  if (own > level + 1) wrong.push(`a level is left out before ${named(heading)}`);
  level = own;
}
const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
if (new Set(ids).size !== ids.length) wrong.push(`an id is there twice: ${ids}`);
for (const field of document.querySelectorAll("input:not([type=hidden]), textarea, select")) {
  if (!field.labels.length && !field.getAttribute("aria-label")) wrong.push(`${field.name} has no label`);
  const described = field.getAttribute("aria-describedby");
  if (described && !document.getElementById(described)) wrong.push(`${field.name} is described by nothing`);
}
for (const e of document.querySelectorAll("a, button")) {
  if (!named(e)) wrong.push(`a ${e.tagName} has no name`);
  if (e.tagName === "A" && !e.getAttribute("href")) wrong.push(`${named(e)} leads nowhere`);
}
for (const e of document.querySelectorAll("svg, img")) {
  const silent = e.getAttribute("aria-hidden") === "true";
  if (!silent && !e.getAttribute("aria-label") && !e.getAttribute("alt")) wrong.push("a picture has no text");
}
if (document.querySelector("[tabindex]:not([tabindex='0']):not([tabindex='-1'])")) wrong.push("the order of the keyboard is forced");
if (document.documentElement.scrollWidth > innerWidth) {
  const far = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5);
  wrong.push(`wider than ${innerWidth}: ${far.map((e) => e.tagName + "." + e.className).join(" ")}`);
}

// Contrast by WCAG 2.2 §1.4.3 and §1.4.11.
const rgba = (text) => {
  const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
  return [r, g, b, a];
};
const over = ([r, g, b, a], ground) => [r, g, b].map((c, i) => c * a + ground[i] * (1 - a));
const ground = (e) => {
  if (!e) return getComputedStyle(document.documentElement).colorScheme && matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  const own = rgba(getComputedStyle(e).backgroundColor);
  return own[3] === 1 ? own.slice(0, 3) : over(own, ground(e.parentElement));
};
const light = (rgb) => {
  const [r, g, b] = rgb.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (a, b) => {
  const [high, low] = [light(a), light(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
  const e = texts.currentNode.parentElement;
  if (!texts.currentNode.data.trim() || ["SCRIPT", "STYLE", "NOSCRIPT"].includes(e.tagName) || !shown(e)) continue;
  const style = getComputedStyle(e);
  const big = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
  const found = contrast(over(rgba(style.color), ground(e)), ground(e));
  if (found < (big ? 3 : 4.5)) wrong.push(`${found.toFixed(2)}: ${texts.currentNode.data.trim().slice(0, 40)}`);
}
for (const field of document.querySelectorAll("input:not([type=hidden]):not([readonly]), textarea:not([readonly])")) {
  if (!shown(field)) continue;
  const found = contrast(rgba(getComputedStyle(field).borderTopColor).slice(0, 3), ground(field.parentElement));
  if (found < 3) wrong.push(`the edge of ${field.name} has ${found.toFixed(2)}`);
}
return wrong;
