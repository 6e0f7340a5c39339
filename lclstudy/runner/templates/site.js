"use strict";

const $ = (selector) => document.querySelector(selector);

// Contents on a narrow screen, code of all cells, light and dark.

$("#menu").onclick = () => $("#menu").setAttribute("aria-expanded", $("#contents").classList.toggle("open"));

const blocks = document.querySelectorAll("details.code");
$("#code").hidden = blocks.length === 0;
$("#code").onclick = () => {
  const open = ![...blocks].every((block) => block.open);
  blocks.forEach((block) => (block.open = open));
  $("#code").textContent = open ? "hide code" : "show code";
};

$("#theme").onclick = () => {
  const root = document.documentElement.dataset;
  const dark = root.theme === "auto" ? matchMedia("(prefers-color-scheme: dark)").matches : root.theme === "dark";
  root.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", root.theme);
};

// Figures that enlarge.

document.querySelectorAll("img.figure").forEach((image) => {
  image.onclick = () => {
    $("#large img").src = image.src;
    $("#large").showModal();
  };
});
$("#large").onclick = () => $("#large").close();

// Tables that sort: by the first number of a cell where all have one, else by text; what is missing goes last.

const number = (text) => {
  const found = text.replaceAll("−", "-").replaceAll(",", "").match(/^[^\d-]{0,2}(-?\d+(\.\d+)?)/);
  return found ? Number(found[1]) : NaN;
};

document.querySelectorAll("main th").forEach((head) => {
  head.onclick = () => {
    const body = head.closest("table").tBodies[0];
    const descending = head.ariaSort === "ascending";
    const cell = (row) => row.cells[head.cellIndex].textContent.trim();
    const rows = [...body.rows];
    const missing = (row) => ["", "–", "not run"].includes(cell(row));
    const numeric = rows.every((row) => missing(row) || !Number.isNaN(number(cell(row))));
    const compare = (a, b) => (numeric ? number(cell(a)) - number(cell(b)) : cell(a).localeCompare(cell(b)));
    rows.sort((a, b) => missing(a) - missing(b) || (descending ? -1 : 1) * compare(a, b));
    body.append(...rows);
    head.parentElement.querySelectorAll("th").forEach((other) => (other.ariaSort = null));
    head.ariaSort = descending ? "descending" : "ascending";
  };
});

// Search in the sections of all pages. The index is a script, because a page that is opened from a folder may fetch nothing.

let asked = false;
const search = () => {
  const words = $("#search").value.toLowerCase().split(/\s+/).filter(Boolean);
  $("#found").hidden = words.length === 0;
  if (!window.SECTIONS || !words.length) return;
  const score = ([, title, heading, text]) => {
    const [head, rest] = [`${title} ${heading}`.toLowerCase(), text.toLowerCase()];
    if (!words.every((word) => head.includes(word) || rest.includes(word))) return 0;
    return 1 + 5 * words.filter((word) => head.includes(word)).length;
  };
  const hits = SECTIONS.map((section) => [score(section), section]).filter(([points]) => points);
  hits.sort((a, b) => b[0] - a[0]);
  $("#found").replaceChildren(...hits.slice(0, 20).map(([, [address, title, heading, text]]) => {
    const item = document.createElement("li"), link = document.createElement("a"), about = document.createElement("small");
    const at = Math.max(0, text.toLowerCase().indexOf(words[0]) - 60);
    link.href = address;
    link.textContent = heading || title;
    about.textContent = `${title}: …${text.slice(at, at + 140)}…`;
    link.append(about);
    item.append(link);
    return item;
  }));
  if (!hits.length) $("#found").innerHTML = "<li><a>nothing found</a></li>";
};
$("#search").oninput = () => {
  if (!asked) {
    const script = document.createElement("script");
    [script.src, script.onload, asked] = ["search.js", search, true];
    document.head.append(script);
  }
  search();
};
$("#search").onkeydown = (event) => {
  if (event.key === "Enter") $("#found a[href]")?.click();
};
document.addEventListener("click", (event) => {
  if (!event.target.closest(".search")) $("#found").hidden = true;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement.tagName !== "INPUT") {
    event.preventDefault();
    $("#search").focus();
  }
});
