/** Words of the field that pages use, each explained in a sentence or two. The first of several is the one that is looked up by. */
export const GLOSSARY: readonly (readonly [words: readonly string[], explanation: string])[] = [
  [["alignment", "alignments"], "Which words of one sentence stand for which of the other."],
  [
    ["annotation", "annotations"],
    "What an encoder makes of a place, a word or a part of an image: the vector that attention gives a weight.",
  ],
  [
    ["beam"],
    "How many unfinished outputs are kept side by side while one is written; with one, the likeliest word is taken at every step.",
  ],
  [
    ["BLEU"],
    "How many runs of one to four words an output shares with a reference, from 0 to 100; short outputs are marked down.",
  ],
  [
    ["bootstrap intervals", "bootstrap interval"],
    "Where the measure lies in 95 of 100 test sets that are drawn anew, with repeats, from the examples that were measured.",
  ],
  [
    ["causal effect", "effect"],
    "How much less likely an output becomes once a place of the input is taken away.",
  ],
  [["chrF"], "How many runs of up to six letters an output shares with a reference, from 0 to 100."],
  [
    ["divergence"],
    "How far neighbourhoods on the plane are from those among the vectors: 0 where they are the same (Kullback and Leibler).",
  ],
  [
    ["entropy"],
    "How spread out weights are: 0 nats where all are on one place, the logarithm of the number of places where they are alike.",
  ],
  [["gold"], "What is known to be right, because the data was made with it or people marked it."],
  [
    ["gradient"],
    "How much a result changes with each number it is computed from, if that is changed a little.",
  ],
  [
    ["head", "heads"],
    "One of several attentions side by side in a layer, each with queries, keys and weights of its own.",
  ],
  [["maxout"], "A layer that takes the greater of each two of its numbers in place of a curve such as tanh."],
  [
    ["nats", "nat"],
    "Units of information by natural logarithms: what has a probability of 37 % carries one nat; 0.69 nats are a bit.",
  ],
  [
    ["perplexity"],
    "Among how many equally likely words a model is unsure at each step: e to the power of its loss in nats.",
  ],
  [
    ["pointing"],
    "The share of steps at which the place with the most attention is one that the right answer is about.",
  ],
  [
    ["rank correlation"],
    "Whether two lists put the same places in the same order: 1 where they do, −1 where one is the other reversed, 0 where they have nothing in common.",
  ],
  [
    ["rollout"],
    "Attention multiplied through all layers, each mixed with what passes it by (Abnar and Zuidema 2020).",
  ],
  [
    ["salience"],
    "The gradient that reaches each weight of attention: where a little more attention would help most.",
  ],
  [
    ["softmax"],
    "Turns any numbers into shares that add up to 1: e to the power of each, over the sum of all.",
  ],
  [
    ["temperature"],
    "How freely words are drawn: by their probabilities at 1; below, likely ones are drawn more often than that, above less often.",
  ],
  [
    ["t-SNE"],
    "Lays vectors on a plane so that near ones stay near (van der Maaten and Hinton 2008); distances between far ones mean little.",
  ],
  [
    ["validation loss"],
    "The mean of −log p of what is right, in examples that training does not see; lower is better. That of training is measured while the model changes, with dropout and smoothed labels where they are used, and so differs.",
  ],
];
