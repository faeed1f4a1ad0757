import { Tokenizer } from "@huggingface/tokenizers";
import { UsageError } from "../core/index.js";

/** A text as the tokens of somebody else's model, and the words that they are pieces of. */
export interface TokenizedText {
  readonly ids: readonly number[];
  /** What each token is called. */
  readonly pieces: readonly string[];
  /** The number of the word that each token is of, counted from 0; marks such as `[CLS]` are words of their own. */
  readonly word: readonly number[];
  readonly words: readonly string[];
}

/** Cuts texts into the tokens that a model was trained on. */
export interface TextTokenizer {
  tokenize(text: string): TokenizedText;
  /** What tokens that were given as numbers are. */
  named(ids: readonly number[]): TokenizedText;
  /** The token that stands for one that is hidden, or, where there is none, for one that is not known. */
  readonly hidden: number | undefined;
  /** The token that fills what is left of a fixed length. */
  readonly padding: number;
}

/** Bytes of a file of a tokenizer at most. */
const LARGEST = 64 * 2 ** 20;

/**
 * Opens a user's `tokenizer.json` (of Hugging Face's tokenizers), or `vocab.txt`, a token of WordPiece on each line.
 * @throws UsageError where it is neither
 */
export function openTokenizer(bytes: Uint8Array, name: string): TextTokenizer {
  if (bytes.length > LARGEST)
    throw new UsageError(
      `"${name}" has ${bytes.length} bytes, too many for a tokenizer; give a tokenizer.json or a vocab.txt.`,
    );
  const text = new TextDecoder().decode(bytes);
  const json = text.trimStart().startsWith("{");
  let content: Record<string, unknown>;
  let tokenizer: Tokenizer;
  try {
    content = json ? JSON.parse(text) : wordPiece(text.split(/\r?\n/));
    tokenizer = new Tokenizer(content, {});
    tokenizer.encode("a");
  } catch (error) {
    throw new UsageError(
      `"${name}" is no tokenizer that can be used here (${(error as Error).message.split("\n")[0]}); give a tokenizer.json, or a vocab.txt with a token of WordPiece on each line.`,
    );
  }
  return wrapped(tokenizer);
}

/** What BERT's own vocabularies leave to be known (Devlin et al. 2019). @throws UsageError where it is none of those */
function wordPiece(lines: readonly string[]): Record<string, unknown> {
  const tokens = lines.at(-1) === "" ? lines.slice(0, -1) : lines;
  const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  const marks = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"].filter((mark) => Object.hasOwn(vocab, mark));
  if (!marks.includes("[UNK]")) throw new UsageError('it has no token "[UNK]"');
  // Vocabularies that tell large letters from small ones have words with them; some large letters, such as ℝ, have no small one.
  const lowercase = !tokens.some((token) => /^\p{Lu}/u.test(token) && token !== token.toLowerCase());
  const pair = (mark: string) => [mark, vocab[mark]];
  return {
    version: "1.0",
    added_tokens: marks.map((content) => ({
      id: vocab[content],
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    ...(marks.includes("[CLS]") &&
      marks.includes("[SEP]") && {
        post_processor: { type: "BertProcessing", cls: pair("[CLS]"), sep: pair("[SEP]") },
      }),
    decoder: { type: "WordPiece", prefix: "##", cleanup: false },
    model: {
      type: "WordPiece",
      unk_token: "[UNK]",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  };
}

function wrapped(tokenizer: Tokenizer): TextTokenizer {
  const vocabulary = tokenizer.get_vocab(true);
  const special = new Set([...tokenizer.get_added_tokens_decoder().values()].map(({ content }) => content));
  const begins = (mark: string) =>
    [...vocabulary.keys()].some((token) => token.startsWith(mark) && token !== mark);
  const continued = begins("##");
  const spaced = ["Ġ", "▁"].find(begins);
  /** Whether a token goes on with the word before it. */
  const goesOn = (piece: string, before: string | undefined): boolean => {
    if (before === undefined || special.has(piece) || special.has(before)) return false;
    if (continued) return piece.startsWith("##");
    // Bytes of letters of other alphabets look like marks, but are none.
    return spaced !== undefined && !/^[Ġ▁Ċĉ!-/:-@[-`{-~]/.test(piece);
  };
  const named = (ids: readonly number[]): TokenizedText => {
    const raw = ids.map((id) => tokenizer.id_to_token(id) ?? String(id));
    const word: number[] = [];
    raw.forEach((piece, index) => {
      word.push(index === 0 ? 0 : word[index - 1]! + (goesOn(piece, raw[index - 1]) ? 0 : 1));
    });
    // Letters of other alphabets are several tokens of bytes, which only decoding makes legible.
    const legible = (some: readonly number[]) => {
      if (some.length === 1 && special.has(raw[ids.indexOf(some[0]!)]!)) return raw[ids.indexOf(some[0]!)]!;
      const text = tokenizer.decode([...some], { skip_special_tokens: false }).trim();
      return text === "" ? (tokenizer.id_to_token(some[0]!) ?? "") : text;
    };
    const words = Array.from({ length: (word.at(-1) ?? -1) + 1 }, (_, index) =>
      legible(ids.filter((__, at) => word[at] === index)),
    );
    const pieces = raw.map((piece) =>
      spaced === "Ġ" && !special.has(piece) ? legibleBytes(piece) : piece.replace(/^▁(?=.)/u, ""),
    );
    return { ids, pieces, word, words };
  };
  const idOf = (...tokens: string[]) =>
    tokens.map((token) => tokenizer.token_to_id(token)).find((id) => id !== undefined);
  return {
    named,
    tokenize: (text) => named(tokenizer.encode(text).ids),
    hidden: idOf("[MASK]", "<mask>", "[UNK]", "<unk>"),
    padding: idOf("[PAD]", "<pad>", "<|endoftext|>") ?? 0,
  };
}

/** Letters that byte-level tokenizers write bytes as that are no letters of their own (Radford et al. 2019). */
const BYTE_OF: ReadonlyMap<string, number> = (() => {
  const found = new Map<string, number>();
  let extra = 256;
  for (let byte = 0; byte < 256; byte++) {
    const plain = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    found.set(String.fromCodePoint(plain ? byte : extra++), byte);
  }
  return found;
})();

/** A byte-level token as its text; as it stands where it is no whole letters. */
function legibleBytes(piece: string): string {
  const bytes = Array.from(piece, (letter) => BYTE_OF.get(letter));
  if (bytes.some((byte) => byte === undefined)) return piece;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Uint8Array.from(bytes as number[]));
    return text.trim() === "" ? piece : text.trim();
  } catch {
    return piece;
  }
}
