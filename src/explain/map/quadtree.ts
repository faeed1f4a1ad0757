/** Children of a cell. */
const FOUR = 4;
/** Cells one in another at most: points that are nearer than this parts of the whole count as one. */
const DEEPEST = 50;

/**
 * Points of the plane in cells, each with its middle of mass, so that what is far away can be taken together (Barnes & Hut 1986). Kept
 * from one iteration to the next: only what it holds is made anew.
 */
export class Quadtree {
  #children = new Int32Array(0);
  #mass: Float64Array = new Float64Array(0);
  #x: Float64Array = new Float64Array(0);
  #y: Float64Array = new Float64Array(0);
  #width: Float64Array = new Float64Array(0);
  #centreX: Float64Array = new Float64Array(0);
  #centreY: Float64Array = new Float64Array(0);
  /** The point that a cell without children holds, one that stands for all of its place; −1 where there is none. */
  #point = new Int32Array(0);
  #used = 0;
  readonly #stack = new Int32Array(FOUR * (DEEPEST + 2));

  #grow(): void {
    const room = Math.max(1024, 2 * this.#mass.length);
    const ints = (from: Int32Array, length: number) => {
      const to = new Int32Array(length);
      to.set(from);
      return to;
    };
    const floats = (from: Float64Array) => {
      const to = new Float64Array(room);
      to.set(from);
      return to;
    };
    this.#children = ints(this.#children, FOUR * room);
    this.#point = ints(this.#point, room);
    [this.#mass, this.#x, this.#y, this.#width, this.#centreX, this.#centreY] = [
      this.#mass,
      this.#x,
      this.#y,
      this.#width,
      this.#centreX,
      this.#centreY,
    ].map(floats) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  }

  #cell(centreX: number, centreY: number, width: number): number {
    if (this.#used === this.#mass.length) this.#grow();
    const cell = this.#used++;
    this.#children.fill(-1, FOUR * cell, FOUR * (cell + 1));
    this.#mass[cell] = this.#x[cell] = this.#y[cell] = 0;
    this.#centreX[cell] = centreX;
    this.#centreY[cell] = centreY;
    this.#width[cell] = width;
    this.#point[cell] = -1;
    return cell;
  }

  /** Takes points, [N, 2], in place of those before. */
  build(points: Float64Array): void {
    let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let at = 0; at < points.length; at += 2) {
      left = Math.min(left, points[at]!);
      right = Math.max(right, points[at]!);
      top = Math.min(top, points[at + 1]!);
      bottom = Math.max(bottom, points[at + 1]!);
    }
    this.#used = 0;
    const width = Math.max(right - left, bottom - top, Number.MIN_VALUE) * (1 + 1e-9);
    this.#cell((left + right) / 2, (top + bottom) / 2, width);
    for (let point = 0; point < points.length / 2; point++)
      this.#insert(point, points[2 * point]!, points[2 * point + 1]!, points);
    for (let cell = 0; cell < this.#used; cell++) {
      this.#x[cell]! /= this.#mass[cell]!;
      this.#y[cell]! /= this.#mass[cell]!;
    }
  }

  #childOf(cell: number, x: number, y: number): number {
    const slot = FOUR * cell + (x >= this.#centreX[cell]! ? 1 : 0) + (y >= this.#centreY[cell]! ? 2 : 0);
    const known = this.#children[slot]!;
    if (known >= 0) return known;
    const half = this.#width[cell]! / 2;
    const child = this.#cell(
      this.#centreX[cell]! + (x >= this.#centreX[cell]! ? half / 2 : -half / 2),
      this.#centreY[cell]! + (y >= this.#centreY[cell]! ? half / 2 : -half / 2),
      half,
    );
    this.#children[slot] = child;
    return child;
  }

  #isLeaf(cell: number): boolean {
    for (let slot = FOUR * cell; slot < FOUR * (cell + 1); slot++)
      if (this.#children[slot]! >= 0) return false;
    return true;
  }

  #insert(point: number, x: number, y: number, points: Float64Array): void {
    let cell = 0;
    for (let depth = 0; ; depth++) {
      const before = this.#mass[cell]!;
      this.#mass[cell]! += 1;
      this.#x[cell]! += x;
      this.#y[cell]! += y;
      if (before === 0) {
        this.#point[cell] = point;
        return;
      }
      if (depth === DEEPEST) return;
      if (this.#isLeaf(cell)) {
        const other = this.#point[cell]!;
        const [otherX, otherY] = [points[2 * other]!, points[2 * other + 1]!];
        // Points at one place stay together.
        if (otherX === x && otherY === y) return;
        const child = this.#childOf(cell, otherX, otherY);
        this.#mass[child] = before;
        this.#x[child] = otherX * before;
        this.#y[child] = otherY * before;
        this.#point[child] = other;
        this.#point[cell] = -1;
      }
      cell = this.#childOf(cell, x, y);
    }
  }

  /**
   * How others push a point away: Σ q² (y − y') into `into`, and Σ q, where q = 1 / (1 + |y − y'|²).
   * @param theta how large a cell may be, in parts of its distance, to be taken together; 0 takes each point by itself
   */
  push(x: number, y: number, theta: number, into: Float64Array, at: number): number {
    let [forceX, forceY, sum] = [0, 0, 0];
    let top = 1;
    this.#stack[0] = 0;
    while (top > 0) {
      const cell = this.#stack[--top]!;
      const mass = this.#mass[cell]!;
      const apartX = x - this.#x[cell]!;
      const apartY = y - this.#y[cell]!;
      const apart = apartX * apartX + apartY * apartY;
      const width = this.#width[cell]!;
      const leaf = this.#isLeaf(cell);
      if (leaf || width * width < theta * theta * apart) {
        const q = 1 / (1 + apart);
        sum += mass * q;
        const force = mass * q * q;
        forceX += force * apartX;
        forceY += force * apartY;
      } else
        for (let slot = FOUR * cell; slot < FOUR * (cell + 1); slot++) {
          const child = this.#children[slot]!;
          if (child >= 0) this.#stack[top++] = child;
        }
    }
    into[at] = forceX;
    into[at + 1] = forceY;
    // Its own share is 1 of the sum, and pushes nowhere.
    return sum - 1;
  }
}
