import temml from "temml";

// Equations as cards and models have them, in plain text ("e_ij = vᵀ tanh(W s_{i−1} + U h_j)"), typeset as MathML, which browsers
// draw by themselves.

const FUNCTIONS = "exp log tanh sin cos max min softmax softplus relu maxout diag sigmoid".split(" ");

/** Words of two letters; two other letters side by side are a product. */
const WORDS = "of at by in or to is as an on no be it do up if we".split(" ");

const SIGNS = {
  "−": "-",
  "·": "\\cdot ",
  "∘": "\\circ ",
  "⊙": "\\odot ",
  "×": "\\times ",
  "∗": "\\ast ",
  "±": "\\pm ",
  "∝": "\\propto ",
  "≈": "\\approx ",
  "≤": "\\le ",
  "≥": "\\ge ",
  "∈": "\\in ",
  "~": "\\sim ",
  "→": "\\to ",
  "←": "\\gets ",
  "∂": "\\partial ",
  "∇": "\\nabla ",
  "‖": "\\Vert ",
  "…": "\\dots ",
  Σ: "\\sum ",
  Π: "\\prod ",
  "∞": "\\infty ",
  "′": "'",
  "{": "\\{",
  "}": "\\}",
  "%": "\\%",
  "&": "\\&",
  "#": "\\#",
  $: "\\$",
};

const [RAISED, RAISED_AS] = ["⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ᵀᶜᵍᵏⁱⁿ", "0123456789+-()⊤cgkin"];
const [LOWERED, LOWERED_AS] = ["₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₜ", "0123456789+-ijkt"];
const MARKS = { "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0307": "dot" };

const WORD = /^[\p{Lu}\p{Ll}\p{Lo}]+/u;

/** Whether a name stands for a function: it is followed by what it is of, or is one in capitals. */
const isCalled = (word, after) =>
  word.length > 1 && (after === "(" || after === "_" || /^[A-Z]{2,}$/.test(word));

/** Whether a text begins with a word that is said, and stands for nothing. */
function isSaid(text) {
  const word = WORD.exec(text)?.[0];
  if (word === undefined || MARKS[text[1]]) return false;
  const after = text[word.length] ?? "";
  if (/^\d/.test(after)) return word.length > 2;
  if (FUNCTIONS.includes(word)) return false;
  if (word === "a") return /^a [a-z]{3,}(?![\p{L}_(])/u.test(text);
  return (word.length > 2 || WORDS.includes(word)) && !isCalled(word, after) && !/['^ᵀ]/.test(after);
}

/** The text from `start` to the bracket that closes the one before it. */
function enclosed(text, start, open, close) {
  let depth = 1;
  for (let at = start; at < text.length; at++) {
    if (text[at] === open) depth++;
    else if (text[at] === close && --depth === 0) return text.slice(start, at);
  }
  throw new Error(`site/equation.js: “${text}” opens a ${open} that nothing closes.`);
}

/** What stands small beside a sign, after _ or ^, as TeX, and how long it is in the text. */
function small(text, at) {
  if (text[at] === "{") {
    const inner = enclosed(text, at + 1, "{", "}");
    return [texOf(inner), inner.length + 2];
  }
  if (text[at] === "(") {
    const inner = enclosed(text, at + 1, "(", ")");
    return [`(${texOf(inner)})`, inner.length + 2];
  }
  const [run] = /^(?:[*¼½¾]|−?[\p{Lu}\p{Ll}\p{Nd}\p{M}]+(?::[\p{Lu}\p{Ll}\p{Nd}]+(?:[+−]\d+)?)?)/u.exec(
    text.slice(at),
  ) ?? [""];
  if (run === "") throw new Error(`site/equation.js: nothing stands after the ${text[at - 1]} of “${text}”.`);
  return [/^[a-z]{3,}\d*$/.test(run) ? `\\mathrm{${run}}` : texOf(run), run.length];
}

/** An equation in plain text as TeX. */
export function texOf(equation) {
  const text = equation.normalize("NFD");
  let tex = "";
  let at = 0;
  const rest = () => text.slice(at);
  while (at < text.length) {
    const sign = text[at];
    const arrow = /^([→←])(\p{L}\p{M}*)/u.exec(rest());
    const mark = MARKS[text[at + 1]];
    const word = WORD.exec(rest())?.[0];
    if (sign === "_" || sign === "^") {
      const [inner, length] = small(text, at + 1);
      tex += `${sign}{${inner}}`;
      at += 1 + length;
    } else if (RAISED.includes(sign) || LOWERED.includes(sign)) {
      const [from, to, mark] = RAISED.includes(sign) ? [RAISED, RAISED_AS, "^"] : [LOWERED, LOWERED_AS, "_"];
      let inner = "";
      while (at < text.length && from.includes(text[at])) inner += to[from.indexOf(text[at++])];
      tex += `${mark}{${inner.replaceAll("⊤", "\\top ")}}`;
    } else if (sign === "√") {
      at++;
      const inner =
        text[at] === "("
          ? enclosed(text, at + 1, "(", ")")
          : /^\p{L}\p{M}*(?:_[\p{Lu}\p{Ll}]+)?/u.exec(rest())[0];
      at += inner.length + (text[at] === "(" ? 2 : 0);
      tex += `\\sqrt{${texOf(inner)}}`;
    } else if (arrow) {
      tex += `\\over${arrow[1] === "→" ? "right" : "left"}arrow{${texOf(arrow[2])}}`;
      at += arrow[0].length;
    } else if (word && mark) {
      tex += `\\${mark}{${texOf(sign)}}`;
      at += 2;
    } else if (
      word &&
      !isSaid(rest()) &&
      (FUNCTIONS.includes(word) || isCalled(word, text[at + word.length]))
    ) {
      at += word.length;
      // Where nothing encloses what it is of, a little room.
      tex += `\\operatorname{${word}}${text[at] === " " ? "\\," : ""}`;
    } else if (word && isSaid(rest())) {
      let said = "";
      while (isSaid(rest())) {
        const [run] = /^[\p{L}\p{Nd}’-]+ */u.exec(rest());
        said += run;
        at += run.length;
      }
      const room = text[at - said.length - 1] === " " && /[^,;:([=\s]\s*$/.test(tex) ? "~" : "";
      tex += `\\text{${room}${said.trimEnd()}${said.endsWith(" ") ? "~" : ""}}`;
    } else if (sign === "|") {
      tex += text[at - 1] === " " && text[at + 1] === " " ? "\\mid " : "|";
      at++;
    } else if (sign === " ") {
      tex += " ";
      at++;
    } else {
      tex += SIGNS[sign] ?? sign;
      at++;
    }
  }
  return tex;
}

/** An equation in plain text as MathML, with where the paper has it, as "  (5)" behind it. */
export function typeset(equation) {
  const [, body, where] = /^(.*?)(?: {2,}(\(.*\)))?$/su.exec(equation.trim());
  const math = temml.renderToString(texOf(body), { throwOnError: true, annotate: false });
  return where ? `${math} <span class="where">${where}</span>` : math;
}

/** Whether a text says something in signs. */
const isFormula = (text) => /[_^=∝~Σ∂√ᵀ²∘∗⁻⁽]|[(\p{L}]\s?[+/]\s?[\p{L}(]/u.test(text);

/** Parts of a text at a sign that stands outside brackets. */
function parts(text) {
  const found = [""];
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if ("([{".includes(text[at])) depth++;
    if (")]}".includes(text[at])) depth--;
    if (depth === 0 && /^[;,] /.test(text.slice(at))) {
      found.push(text[at], "");
      at++;
    } else found[found.length - 1] += text[at];
  }
  return found;
}

const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A text with the equations in it typeset: what stands between commas and says something in signs. */
export const withEquations = (text) =>
  parts(text)
    .map((part) =>
      part === "," || part === ";" ? `${part} ` : isFormula(part) ? typeset(part) : escaped(part),
    )
    .join("");
