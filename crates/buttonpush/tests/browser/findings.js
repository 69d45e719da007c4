// What is wrong with this page, for whoever looks or listens. Not a script of the application: the tests run it.
const width = arguments[0];
const findings = [];
const page = document.documentElement;
if (!page.lang) findings.push("the page does not say its language");
if (!document.title.trim()) findings.push("the page has no title");
const headings = document.querySelectorAll("h1").length;
if (headings !== 1) findings.push(`${headings} headings of the first level`);
if (page.scrollWidth > width) findings.push(`${page.scrollWidth} wide, so it scrolls sideways`);

function nameOf(element) {
  const by = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
  const texts = by.map((id) => (document.getElementById(id) || {}).textContent);
  texts.push(element.getAttribute("aria-label"));
  for (const label of element.labels || []) texts.push(label.textContent);
  if (element.matches("button, a")) texts.push(element.textContent);
  return texts.filter(Boolean).join(" ").trim();
}
for (const element of document.querySelectorAll("input, select, textarea, meter, progress, button, a[href]")) {
  const hidden = element.type === "hidden" || !element.checkVisibility();
  if (!hidden && !nameOf(element)) findings.push(`no name: ${element.outerHTML}`);
}
for (const reference of ["for", "aria-labelledby", "aria-describedby"]) {
  for (const element of document.querySelectorAll(`[${reference}]`)) {
    for (const id of element.getAttribute(reference).split(/\s+/)) {
      if (!document.getElementById(id)) findings.push(`${reference}="${id}" leads nowhere`);
    }
  }
}
const seen = new Set();
for (const { id } of document.querySelectorAll("[id]")) {
  if (seen.has(id)) findings.push(`id="${id}" is there twice`);
  seen.add(id);
}
for (const image of document.querySelectorAll("img:not([alt])")) findings.push(`no words for ${image.outerHTML}`);
if (document.querySelector("script")) findings.push("a script, where none should be");
return findings;
