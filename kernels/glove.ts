// GloVe, one cell of the table of co-occurrences after another. AssemblyScript; `scripts/kernels.mjs` compiles it to WebAssembly
// with SIMD.
//
// Addresses are bytes. V words have rows of `size` float32 in both tables, and a bias each. Of everything there is a sum of squares
// of its steps at the same place of another array, 0 at first.

/** A step along one number is no greater than this. */
const MOST: f32 = 100;

function sumOf(x: v128): f32 {
  return (
    f32x4.extract_lane(x, 0) +
    f32x4.extract_lane(x, 1) +
    (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
  );
}

function dot(a: usize, b: usize, size: i32): f32 {
  let sums = f32x4.splat(0);
  let left = size;
  for (; left >= 4; left -= 4) {
    sums = f32x4.add(sums, f32x4.mul(v128.load(a), v128.load(b)));
    a += 16;
    b += 16;
  }
  let sum = sumOf(sums);
  for (; left > 0; left--) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

function limited(x: v128): v128 {
  return f32x4.min(f32x4.splat(MOST), f32x4.max(f32x4.splat(-MOST), x));
}

/** x ← x − g / √(1 + s), s ← s + g². */
function stepOne(at: usize, squares: usize, by: f32): void {
  const g = min(MOST, max(-MOST, by));
  const s = load<f32>(squares);
  store<f32>(at, load<f32>(at) - g / sqrt<f32>(1 + s));
  store<f32>(squares, s + g * g);
}

/** Both rows, each by the other as it was. */
function stepRows(a: usize, b: usize, squaresOfA: usize, squaresOfB: usize, by: f32, size: i32): void {
  const factor = f32x4.splat(by);
  const one = f32x4.splat(1);
  let left = size;
  for (; left >= 4; left -= 4) {
    const rowA = v128.load(a);
    const rowB = v128.load(b);
    const forA = limited(f32x4.mul(factor, rowB));
    const forB = limited(f32x4.mul(factor, rowA));
    const sA = v128.load(squaresOfA);
    const sB = v128.load(squaresOfB);
    v128.store(a, f32x4.sub(rowA, f32x4.div(forA, f32x4.sqrt(f32x4.add(one, sA)))));
    v128.store(b, f32x4.sub(rowB, f32x4.div(forB, f32x4.sqrt(f32x4.add(one, sB)))));
    v128.store(squaresOfA, f32x4.add(sA, f32x4.mul(forA, forA)));
    v128.store(squaresOfB, f32x4.add(sB, f32x4.mul(forB, forB)));
    a += 16;
    b += 16;
    squaresOfA += 16;
    squaresOfB += 16;
  }
  for (; left > 0; left--) {
    const rowA = load<f32>(a);
    const rowB = load<f32>(b);
    stepOne(a, squaresOfA, by * rowB);
    stepOne(b, squaresOfB, by * rowA);
    a += 4;
    b += 4;
    squaresOfA += 4;
    squaresOfB += 4;
  }
}

/**
 * One pass over cells: word, context and how often they stand together.
 * @param squares how far behind a number the sum of its squares lies, in bytes
 * @param logs log of each count
 * @param weights of each cell in the loss
 * @returns the sum of ½ f(X) (w · w̃ + b + b̃ − log X)²
 */
export function glove(
  words: usize,
  contexts: usize,
  logs: usize,
  weights: usize,
  count: i32,
  input: usize,
  output: usize,
  inputBias: usize,
  outputBias: usize,
  squares: usize,
  size: i32,
  rate: f32,
): f64 {
  const bytes = (<usize>size) << 2;
  let loss: f64 = 0;
  for (let cell: i32 = 0; cell < count; cell++) {
    const at = (<usize>cell) << 2;
    const word = <usize>load<u32>(words + at);
    const context = <usize>load<u32>(contexts + at);
    const a = input + word * bytes;
    const b = output + context * bytes;
    const biasA = inputBias + (word << 2);
    const biasB = outputBias + (context << 2);
    const off = dot(a, b, size) + load<f32>(biasA) + load<f32>(biasB) - load<f32>(logs + at);
    const weighed = load<f32>(weights + at) * off;
    loss += 0.5 * <f64>weighed * <f64>off;
    const by = rate * weighed;
    stepRows(a, b, a + squares, b + squares, by, size);
    stepOne(biasA, biasA + squares, by);
    stepOne(biasB, biasB + squares, by);
  }
  return loss;
}
