import { UsageError } from "../core/index.js";
import { lstm } from "./1997-hochreiter-lstm/model.js";
import { fovealRbm } from "./2010-larochelle-foveal-rbm/model.js";
import { attentiveTracking } from "./2011-denil-attentive-tracking/model.js";
import { skipGram } from "./2013-mikolov-skip-gram/model.js";
import { dram } from "./2014-ba-dram/model.js";
import { rnnEncoderDecoder } from "./2014-cho-rnn-encoder-decoder/model.js";
import { neuralTuringMachine } from "./2014-graves-neural-turing-machine/model.js";
import { ram } from "./2014-mnih-ram/model.js";
import { glove } from "./2014-pennington-glove/model.js";
import { seq2seq } from "./2014-sutskever-seq2seq/model.js";
import { rnnsearch } from "./2015-bahdanau-rnnsearch/model.js";
import { FRAMES_OF_PLACE } from "./2015-chorowski-listen-attend/encoder.js";
import { listenAttend } from "./2015-chorowski-listen-attend/model.js";
import { drawClassifier } from "./2015-gregor-draw/classifier.js";
import { draw } from "./2015-gregor-draw/model.js";
import { skipThought } from "./2015-kiros-skip-thought/model.js";
import { conversational } from "./2015-vinyals-conversational/model.js";
import { showAndTell } from "./2015-vinyals-show-and-tell/model.js";
import { askAttendAnswer } from "./2015-xu-ask-attend-answer/model.js";
import { showAttendTell } from "./2015-xu-show-attend-tell/model.js";
import { videoTemporal } from "./2015-yao-video-temporal/model.js";
import { siameseLstm } from "./2016-mueller-siamese-lstm/model.js";
import { causalDriving } from "./2017-kim-causal-driving/model.js";
import { transformer } from "./2017-vaswani-transformer/model.js";
import { bert } from "./2018-devlin-bert/model.js";
import { bertPairs } from "./2018-devlin-bert/pairs.js";
import type { AnyModelCard } from "./contract.js";

export * from "./contract.js";
export * from "./loss.js";
export {
  askAttendAnswer,
  attentiveTracking,
  bert,
  bertPairs,
  causalDriving,
  conversational,
  dram,
  draw,
  drawClassifier,
  FRAMES_OF_PLACE,
  fovealRbm,
  glove,
  listenAttend,
  lstm,
  neuralTuringMachine,
  ram,
  rnnEncoderDecoder,
  rnnsearch,
  seq2seq,
  showAndTell,
  showAttendTell,
  siameseLstm,
  skipGram,
  skipThought,
  transformer,
  videoTemporal,
};

/** Every model, in the order of the papers. */
export const models: readonly AnyModelCard[] = [
  lstm,
  fovealRbm,
  attentiveTracking,
  skipGram,
  rnnEncoderDecoder,
  neuralTuringMachine,
  seq2seq,
  ram,
  glove,
  dram,
  rnnsearch,
  listenAttend,
  skipThought,
  showAndTell,
  showAttendTell,
  askAttendAnswer,
  draw,
  drawClassifier,
  siameseLstm,
  causalDriving,
  conversational,
  videoTemporal,
  transformer,
  bert,
  bertPairs,
];

/** The card of a model. @throws UsageError naming the models there are */
export function modelById(id: string): AnyModelCard {
  const found = models.find((model) => model.id === id);
  if (!found)
    throw new UsageError(
      `there is no model called "${id}"; choose one of ${models.map((model) => model.id).join(", ")}.`,
    );
  return found;
}
