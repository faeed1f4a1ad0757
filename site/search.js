// Searches the headings of all pages, in the page; `?words=` in the address is searched at once.
const [words, count, found] = ["words", "count", "found"].map((id) => document.getElementById(id));
const MOST = 60;
const headings = await (await fetch("headings.json")).json();

/** How well a heading fits, smaller is better; undefined where a word is not in it. */
function rank([text, page], asked) {
  const [own, all] = [text.toLowerCase(), `${text} ${page}`.toLowerCase()];
  if (!asked.every((word) => all.includes(word))) return undefined;
  const whole = asked.join(" ");
  return own === whole ? 0 : own.startsWith(whole) ? 1 : asked.every((word) => own.includes(word)) ? 2 : 3;
}

function show() {
  const asked = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = asked.length === 0 ? [] : headings.map((heading) => [rank(heading, asked), heading]);
  const best = fits
    .filter(([how]) => how !== undefined)
    .sort(([a, [left]], [b, [right]]) => a - b || left.length - right.length);
  count.textContent =
    asked.length === 0
      ? ""
      : best.length > MOST
        ? `The first ${MOST} of ${best.length}`
        : `${best.length} found`;
  found.replaceChildren(
    ...best.slice(0, MOST).map(([, [text, page, url]]) => {
      const [item, link] = ["li", "a"].map((tag) => document.createElement(tag));
      link.href = url;
      link.textContent = text;
      item.append(link, page ? ` ${page}` : "");
      return item;
    }),
  );
  history.replaceState(
    undefined,
    "",
    asked.length === 0 ? "search.html" : `?words=${encodeURIComponent(words.value)}`,
  );
}

words.value = new URLSearchParams(location.search).get("words") ?? "";
words.addEventListener("input", show);
words.focus();
show();
