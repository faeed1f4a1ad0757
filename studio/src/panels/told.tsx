import { Fragment, useId, useState } from "react";
import { GLOSSARY } from "../glossary.js";

const EXPLAINED = new Map(
  GLOSSARY.flatMap(([words, explanation]) => words.map((word) => [word.toLowerCase(), explanation] as const)),
);

/** Every word that is explained, the longest first, as whole words. */
const WORDS = new RegExp(
  `(?<![\\p{L}\\p{N}-])(${[...EXPLAINED.keys()]
    .sort((a, b) => b.length - a.length)
    .map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join("|")})(?![\\p{L}\\p{N}-])`,
  "giu",
);

/** A text whose words of the field are explained where they are pointed at or reached by keyboard, each the first time. */
export function Told({ text }: { readonly text: string }) {
  const parts = text.split(WORDS);
  const seen = new Set<string>();
  return parts.map((part, index) => {
    const explanation = index % 2 === 1 ? EXPLAINED.get(part.toLowerCase()) : undefined;
    if (explanation === undefined || seen.has(explanation)) return <Fragment key={index}>{part}</Fragment>;
    seen.add(explanation);
    return <Term key={index} word={part} explanation={explanation} />;
  });
}

/** Its explanation is there only while it is asked for, so that the text around it stays what it says. */
function Term({ word, explanation }: { readonly word: string; readonly explanation: string }) {
  const id = useId();
  const [asked, setAsked] = useState(false);
  return (
    <span className="term" onPointerEnter={() => setAsked(true)} onPointerLeave={() => setAsked(false)}>
      <button
        type="button"
        aria-describedby={asked ? id : undefined}
        onFocus={() => setAsked(true)}
        onBlur={() => setAsked(false)}
        onKeyDown={({ key }) => key === "Escape" && setAsked(false)}
      >
        {word}
      </button>
      {asked && (
        <span role="tooltip" id={id}>
          {explanation}
        </span>
      )}
    </span>
  );
}
