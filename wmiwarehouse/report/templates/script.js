"use strict";
// Comfort only: without this everything can still be read. Nothing here reads or writes outside of the page.
(() => {
  const make = (tag, text, attributes) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes ?? {})) element.setAttribute(name, value);
    return element;
  };

  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const name = () => { theme.textContent = dark() ? "Light theme" : "Dark theme"; };
  theme.hidden = false;
  name();
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; name(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);

  const toc = document.querySelector(".toc");
  toc.addEventListener("click", (event) => { if (event.target.closest("a")) toc.open = false; });
  document.addEventListener("click", (event) => { if (!toc.contains(event.target)) toc.open = false; });
  toc.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !toc.open) return;
    toc.open = false;
    toc.querySelector("summary").focus();
  });

  const key = (cell, isNumber) => {
    const text = cell?.dataset.v ?? cell?.textContent.trim() ?? "";
    if (!isNumber && cell?.dataset.v === undefined) return text;
    const number = Number.parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(number) ? -Infinity : number;
  };
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? (a < b ? -1 : a > b ? 1 : 0) : words.compare(a, b);
  for (const table of document.querySelectorAll("table.sort")) {
    const body = table.tBodies[0];
    const heads = [...table.tHead.rows[0].cells];
    if (body.rows.length < 2) continue;
    heads.forEach((head, column) => {
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") !== "ascending";
        const isNumber = head.classList.contains("n");
        const rows = [...body.rows].map((row, place) => ({ row, place, key: key(row.cells[column], isNumber) }));
        rows.sort((a, b) => (up ? 1 : -1) * compare(a.key, b.key) || a.place - b.place);
        body.append(...rows.map((one) => one.row));
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
      });
    });
  }

  document.querySelectorAll("table[data-filter]").forEach((table, index) => {
    const body = table.tBodies[0];
    const total = body.rows.length;
    if (total < 6) return;
    const find = make("div", "", { class: "find" });
    const input = make("input", "", { type: "search", id: `find-${index}`, autocomplete: "off", spellcheck: "false" });
    const said = make("span", "", { role: "status", class: "quiet" });
    find.append(make("label", `Filter ${table.dataset.filter}`, { for: input.id }), input, said);
    table.closest(".scroll").before(find);
    let texts = null;
    input.addEventListener("input", () => {
      texts ??= new Map([...body.rows].map((row) => [row, row.textContent.toLowerCase()]));
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of body.rows) {
        const fits = wanted.every((word) => texts.get(row).includes(word));
        row.hidden = !fits;
        if (fits) count += 1;
      }
      said.textContent = wanted.length ? `${count} of ${total} rows` : "";
    });
  });

  for (const code of document.querySelectorAll(".commands code")) {
    const button = make("button", "Copy", { type: "button", "aria-label": `Copy ${code.textContent}` });
    button.addEventListener("click", async () => {
      let done = true;
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        const range = document.createRange();
        range.selectNodeContents(code);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        done = false;
      }
      button.textContent = done ? "Copied" : "Selected";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    code.after(button);
  }

  const cases = [...document.querySelectorAll("details.whole")];
  const all = document.getElementById("all");
  if (all) {
    all.hidden = false;
    all.addEventListener("click", () => {
      const open = all.getAttribute("aria-expanded") !== "true";
      for (const one of cases) one.open = open;
      all.setAttribute("aria-expanded", String(open));
      all.textContent = open ? "Close all cases" : "Open all cases";
    });
  }

  const reveal = () => {
    let id = "";
    try { id = decodeURIComponent(location.hash.slice(1)); } catch { return; }
    const target = id && document.getElementById(id);
    if (!target) return;
    target.hidden = false; // a filter may have hidden it
    const own = target.querySelector(":scope > details");
    if (own) own.open = true;
    for (let at = target.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open], .toc)")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of opened) one.open = false; });

  // A region that scrolls must be reachable by keyboard; one that does not must be no stop on the way.
  const watch = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const scrolls = target.scrollWidth > target.clientWidth + 1;
      if (scrolls) {
        target.tabIndex = 0;
        if (!target.hasAttribute("role")) { target.setAttribute("role", "group"); target.dataset.made = "1"; }
        if (!target.hasAttribute("aria-label")) target.setAttribute("aria-label", "Table, scrolls sideways");
      } else {
        target.removeAttribute("tabindex");
      }
    }
  });
  for (const one of document.querySelectorAll(".scroll")) watch.observe(one);
})();
