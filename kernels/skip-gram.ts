// Skip-gram with negative sampling, one word after another. AssemblyScript; `scripts/kernels.mjs` compiles it to WebAssembly
// with SIMD.
//
// Addresses are bytes. V words have rows of `size` float32 in both tables. Words are int32, and −1 ends a sentence.

/** Words of a sentence that are kept in view; a longer one goes on as another (word2vec.c's 1,000). */
const LONGEST: i32 = 1000;

/** σ and −log σ are read from tables of so many steps from −6 to 6, beyond which a score counts as certain. */
const STEPS: i32 = 4096;
const SURE: f32 = 6;

let state: u64 = 0;

/** xorshift64*, Marsaglia 2003. */
function random(): u64 {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  // biome-ignore lint/correctness/noPrecisionLoss: it is of 64 bits here.
  return state * 0x2545f4914f6cdd1d;
}

function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

/** Scores of a row against three others, which share the loads of it. */
function scoreThree(row: usize, targets: usize, scores: usize, size: i32): void {
  let a = load<u32>(targets);
  let b = load<u32>(targets, 4);
  let c = load<u32>(targets, 8);
  let sumA = f32x4.splat(0);
  let sumB = f32x4.splat(0);
  let sumC = f32x4.splat(0);
  let otherA = f32x4.splat(0);
  let otherB = f32x4.splat(0);
  let otherC = f32x4.splat(0);
  let left = size;
  for (; left >= 8; left -= 8) {
    const x = v128.load(row);
    const y = v128.load(row, 16);
    sumA = f32x4.add(sumA, f32x4.mul(x, v128.load(a)));
    sumB = f32x4.add(sumB, f32x4.mul(x, v128.load(b)));
    sumC = f32x4.add(sumC, f32x4.mul(x, v128.load(c)));
    otherA = f32x4.add(otherA, f32x4.mul(y, v128.load(a, 16)));
    otherB = f32x4.add(otherB, f32x4.mul(y, v128.load(b, 16)));
    otherC = f32x4.add(otherC, f32x4.mul(y, v128.load(c, 16)));
    row += 32;
    a += 32;
    b += 32;
    c += 32;
  }
  let scoreA = sumOf(f32x4.add(sumA, otherA));
  let scoreB = sumOf(f32x4.add(sumB, otherB));
  let scoreC = sumOf(f32x4.add(sumC, otherC));
  for (; left > 0; left--) {
    const x = load<f32>(row);
    scoreA += x * load<f32>(a);
    scoreB += x * load<f32>(b);
    scoreC += x * load<f32>(c);
    row += 4;
    a += 4;
    b += 4;
    c += 4;
  }
  store<f32>(scores, scoreA);
  store<f32>(scores, scoreB, 4);
  store<f32>(scores, scoreC, 8);
}

/** change += Σ by · target; each target += by · row; three targets. */
function learnThree(change: usize, row: usize, targets: usize, by: usize, size: i32): void {
  let a = load<u32>(targets);
  let b = load<u32>(targets, 4);
  let c = load<u32>(targets, 8);
  const byA = load<f32>(by);
  const byB = load<f32>(by, 4);
  const byC = load<f32>(by, 8);
  const allA = f32x4.splat(byA);
  const allB = f32x4.splat(byB);
  const allC = f32x4.splat(byC);
  let left = size;
  // A target may be there twice: each is stored before the next is loaded.
  for (; left >= 4; left -= 4) {
    const x = v128.load(row);
    let sum = v128.load(change);
    const ofA = v128.load(a);
    sum = f32x4.add(sum, f32x4.mul(allA, ofA));
    v128.store(a, f32x4.add(ofA, f32x4.mul(allA, x)));
    const ofB = v128.load(b);
    sum = f32x4.add(sum, f32x4.mul(allB, ofB));
    v128.store(b, f32x4.add(ofB, f32x4.mul(allB, x)));
    const ofC = v128.load(c);
    sum = f32x4.add(sum, f32x4.mul(allC, ofC));
    v128.store(c, f32x4.add(ofC, f32x4.mul(allC, x)));
    v128.store(change, sum);
    row += 16;
    change += 16;
    a += 16;
    b += 16;
    c += 16;
  }
  for (; left > 0; left--) {
    const x = load<f32>(row);
    let sum = load<f32>(change);
    const ofA = load<f32>(a);
    sum += byA * ofA;
    store<f32>(a, ofA + byA * x);
    const ofB = load<f32>(b);
    sum += byB * ofB;
    store<f32>(b, ofB + byB * x);
    const ofC = load<f32>(c);
    sum += byC * ofC;
    store<f32>(c, ofC + byC * x);
    store<f32>(change, sum);
    row += 4;
    change += 4;
    a += 4;
    b += 4;
    c += 4;
  }
}

function add(to: usize, change: usize, size: i32): void {
  let left = size;
  for (; left >= 4; left -= 4) {
    v128.store(to, f32x4.add(v128.load(to), v128.load(change)));
    to += 16;
    change += 16;
  }
  for (; left > 0; left--) {
    store<f32>(to, load<f32>(to) + load<f32>(change));
    to += 4;
    change += 4;
  }
}

/** How many predictions the last call made. */
let made: i32 = 0;

export function predictions(): i32 {
  return made;
}

/**
 * One pass over words.
 * @param kept of each word, the share of 2³² of its occurrences that are read
 * @param threshold, alias of each word, for negative words by Walker's method
 * @param sigmoid STEPS + 1 values of σ, then as many of −log σ, from −6 to 6
 * @param work room for LONGEST words, two rows of which the second is 0, and 2 · (negatives + 3) numbers
 * @returns the sum of the losses, in nats
 */
export function skipGram(
  words: usize,
  count: i32,
  vocabulary: u32,
  input: usize,
  output: usize,
  size: i32,
  window: u32,
  negatives: i32,
  kept: usize,
  threshold: usize,
  alias: usize,
  sigmoid: usize,
  work: usize,
  seed: u64,
  rate: f32,
): f64 {
  state = seed | 1;
  made = 0;
  const bytes = (<usize>size) << 2;
  const change = work + ((<usize>LONGEST) << 2);
  const nothing = change + bytes;
  const targets = nothing + bytes;
  const scores = targets + ((<usize>(negatives + 3)) << 2);
  const costs = sigmoid + ((<usize>(STEPS + 1)) << 2);
  const perStep: f32 = <f32>STEPS / (2 * SURE);
  let loss: f64 = 0;
  let at: i32 = 0;
  while (at < count) {
    let length: i32 = 0;
    while (at < count && length < LONGEST) {
      const word = load<i32>(words + ((<usize>at) << 2));
      at++;
      if (word < 0) break;
      if (<u32>(random() >> 32) > load<u32>(kept + ((<usize>word) << 2))) continue;
      store<i32>(work + ((<usize>length) << 2), word);
      length++;
    }
    for (let position: i32 = 0; position < length; position++) {
      const word = load<i32>(work + ((<usize>position) << 2));
      const reach = 1 + <i32>(((random() >> 32) * window) >> 32);
      const from = max(0, position - reach);
      const to = min(length - 1, position + reach);
      for (let other = from; other <= to; other++) {
        if (other === position) continue;
        const row = input + <usize>load<i32>(work + ((<usize>other) << 2)) * bytes;
        store<u32>(targets, <u32>(output + <usize>word * bytes));
        let count: i32 = 1;
        for (let drawn: i32 = 0; drawn < negatives; drawn++) {
          const by = random();
          const slot = <u32>(((by >> 32) * vocabulary) >> 32);
          const target =
            <u32>by <= load<u32>(threshold + ((<usize>slot) << 2))
              ? slot
              : load<u32>(alias + ((<usize>slot) << 2));
          if (target === <u32>word) continue;
          store<u32>(targets + ((<usize>count) << 2), <u32>(output + <usize>target * bytes));
          count++;
        }
        // What is left of the last three is a row of zeros that learns nothing.
        const whole = ((count + 2) / 3) * 3;
        for (let place = count; place < whole; place++)
          store<u32>(targets + ((<usize>place) << 2), <u32>nothing);
        for (let place: i32 = 0; place < whole; place += 3)
          scoreThree(row, targets + ((<usize>place) << 2), scores + ((<usize>place) << 2), size);
        for (let place: i32 = 0; place < count; place++) {
          const at = scores + ((<usize>place) << 2);
          const score = load<f32>(at);
          // What is no number is greater than nothing, nor as small.
          if (!(score <= Infinity)) return NaN;
          const near = min(SURE, max(-SURE, score));
          const step = (<usize>((near + SURE) * perStep + 0.5)) << 2;
          const label: f32 = place === 0 ? 1 : 0;
          loss += load<f32>(costs + step) + (1 - label) * near;
          store<f32>(at, (label - (score > SURE ? 1 : score < -SURE ? 0 : load<f32>(sigmoid + step))) * rate);
        }
        for (let place = count; place < whole; place++) store<f32>(scores + ((<usize>place) << 2), 0);
        made++;
        memory.fill(change, 0, bytes);
        for (let place: i32 = 0; place < whole; place += 3)
          learnThree(change, row, targets + ((<usize>place) << 2), scores + ((<usize>place) << 2), size);
        add(row, change, size);
      }
    }
  }
  return loss;
}
