import type { ExhibitView } from "./exhibits.js";

/** An idea of the lecture: a paragraph or two, a model to try it on, and a question. */
export interface Chapter {
  readonly id: string;
  readonly title: string;
  /** In one sentence, for lists. */
  readonly lead: string;
  readonly text: readonly string[];
  /** The model that is shown: a file of `exhibits/`. */
  readonly exhibit: string;
  /** The view that shows it. */
  readonly view: ExhibitView;
  /** What is asked first, as in an address of that view. */
  readonly first: Readonly<Record<string, string>>;
  /** What to try. */
  readonly question: string;
  readonly paper: string;
}

/** The lecture, idea by idea. */
export const chapters: readonly Chapter[] = [
  {
    id: "summary",
    title: "One vector for a sentence",
    lead: "An encoder squeezes a sentence into one vector; a decoder has to write from that alone.",
    text: [
      "The first neural translators read a sentence word by word with a recurrent network and kept nothing of it but the last state: one vector, as long for five words as for fifty. A second network unrolls the translation from it.",
      "Nothing here is attention. What each word of the output depends on can still be measured, by taking words of the source away one at a time; that is what the table shows.",
    ],
    exhibit: "summary",
    view: "see",
    first: { text: "my sister sees the small dog in the garden" },
    question:
      "Make the sentence longer, clause by clause. From which length on does the translation lose words, and which ones does it lose first?",
    paper: "Cho et al. 2014; Sutskever, Vinyals & Le 2014",
  },
  {
    id: "alignment",
    title: "A look for every word",
    lead: "Instead of one vector, every source word keeps its own, and each step decides which of them to read.",
    text: [
      "Soft attention scores every annotation h of the source against the decoder's state s, turns the scores into weights that add up to 1, and reads the weighted sum: e = vᵀ tanh(W s + U h), α = softmax(e), c = Σ α h. All of it has a gradient, so where to look is learnt from translations alone.",
      "Rows are words that were written, columns are words that were read. The darker a cell, the more that word was looked at.",
    ],
    exhibit: "alignment",
    view: "see",
    first: { text: "my sister sees the small dog in the garden" },
    question:
      "Drag the attention of a row to another word. Does the model now write the translation of that word? Which words does it write whatever it looks at?",
    paper: "Bahdanau, Cho & Bengio 2015",
  },
  {
    id: "explanation",
    title: "Does it explain?",
    lead: "Where a model looked need not be why it answered: attention, salience and causal effect side by side.",
    text: [
      "Three questions are asked of the same translation. Attention: where did it look? Salience: how would the likelihood change if it looked there a little more? Causal effect: how much less likely is the word once a source word is taken away?",
      "Only the last changes the input and looks what happens. Where all three agree, the map is an explanation; where they do not, it is a picture of what was read.",
    ],
    exhibit: "alignment",
    view: "explain",
    first: { text: "my sister sees the small dog in the garden" },
    question:
      "Find a word whose greatest attention is not its greatest cause. Is it a word with a meaning, or one that grammar asks for?",
    paper: "Jain & Wallace 2019; Wiegreffe & Pinter 2019",
  },
  {
    id: "glimpses",
    title: "A few glimpses",
    lead: "Hard attention looks at one small place at a time and learns where to look next by reward.",
    text: [
      "This model never sees the whole image. It has six glimpses, sharp in the middle and blurred around it, and after each decides where the next will be. A place that was chosen has no gradient: the policy is trained by REINFORCE, which makes gazes likelier that ended in a right answer.",
      "The trail shows its gazes in order, and the strips what it saw in each of them.",
    ],
    exhibit: "glimpses",
    view: "see",
    first: { example: "test:3" },
    question:
      "Move its second glimpse away from the digit. Does it find back, and is the answer still right?",
    paper: "Mnih, Heess, Graves & Kavukcuoglu 2014",
  },
  {
    id: "windows",
    title: "Windows that draw",
    lead: "A window of Gaussian filters reads and writes, so that even how large a look is has a gradient.",
    text: [
      "An image is drawn on a canvas in ten steps. In each, a grid of Gaussian filters reads a part of the image, and another writes a part of the canvas. The middle of the grid, its stride and its blur are numbers that the network puts out: a look that can move and zoom, and be trained by its gradient.",
      "Move over the steps to watch the canvas grow. Red windows show where it wrote.",
    ],
    exhibit: "windows",
    view: "see",
    first: { example: "test:5" },
    question: "Draw from the prior in place of an image. What does it write first, and where?",
    paper: "Gregor, Danihelka, Graves, Rezende & Wierstra 2015",
  },
  {
    id: "memory",
    title: "A memory to look at",
    lead: "Heads that read and write rows of a memory, by what they hold and by where they are.",
    text: [
      "The same weighted sum can go over a memory that the network itself fills. A head finds rows by what they hold, or by a step to the next row; writing erases a little and adds a little, everywhere at once, in proportion to the weights.",
      "Here rows of bits are read, and then asked for again. The bands show which row of the memory each step wrote, and which it read.",
    ],
    exhibit: "memory",
    view: "see",
    first: {
      fields:
        '{"rows":[[1,0,1,1,0,0,1,1],[0,0,0,0,0,0,0,1],[1,1,1,1,0,0,0,0],[0,1,0,1,0,1,0,1],[1,1,0,0,1,1,0,0]]}',
    },
    question:
      "Give it 25 rows; it was trained on 20 at most. Do the heads still go along the memory, row by row?",
    paper: "Graves, Wayne & Danihelka 2014",
  },
  {
    id: "heads",
    title: "Nothing but looks",
    lead: "Without recurrence: every word looks at every other, with several heads, layer over layer.",
    text: [
      "A Transformer has no state that goes along the sentence. Each layer compares queries with keys, softmax(Q Kᵀ / √d) V, for all words at once and with several heads side by side; where a word stands is told by waves that are added to it.",
      "The map is the mean of the heads that look from the translation at the source; below stand the heads, layer by layer, those that look from a sentence at itself as well.",
    ],
    exhibit: "heads",
    view: "see",
    first: { text: "my sister sees the small dog in the garden" },
    question: "Which head looks at the word before, and which at the word itself?",
    paper: "Vaswani et al. 2017",
  },
];
