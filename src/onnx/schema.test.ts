import protobuf from "protobufjs/minimal.js";
import { expect, test } from "vitest";
import { encoderBytes } from "../../test/foreign-graphs.js";
import { decodeModel, encodeModel, fromHalf, tensorNumbers, toHalf } from "./index.js";

/** A message of protobuf, written field by field. */
const wire = (write: (writer: protobuf.Writer) => void): Uint8Array => {
  const writer = protobuf.Writer.create();
  write(writer);
  return writer.finish();
};

/** A model that has what Regard itself never writes. */
const strange = wire((model) => {
  model.uint32((1 << 3) | 0).int64(8);
  model.uint32((6 << 3) | 2).string("a docstring, which is not listed");
  model.uint32((7 << 3) | 2).bytes(
    wire((graph) => {
      graph.uint32((1 << 3) | 2).bytes(
        wire((node) => {
          node.uint32((2 << 3) | 2).string("y");
          node.uint32((4 << 3) | 2).string("Constant");
          node.uint32((5 << 3) | 2).bytes(
            wire((attribute) => {
              attribute.uint32((1 << 3) | 2).string("ends");
              // −2⁶³ and 2⁶³ − 1 in varints of ten and nine bytes, one after the other without being packed.
              attribute.uint32((8 << 3) | 0).int64({ low: 0, high: -(2 ** 31), unsigned: false } as never);
              attribute.uint32((8 << 3) | 0).int64({ low: -1, high: 2 ** 31 - 1, unsigned: false } as never);
              attribute.uint32((20 << 3) | 0).int32(7);
              // A field that no version has, of each wire type.
              attribute.uint32((900 << 3) | 0).uint32(300);
              attribute.uint32((901 << 3) | 1).fixed64(5);
              attribute.uint32((902 << 3) | 2).string("kept");
              attribute.uint32((903 << 3) | 5).fixed32(6);
            }),
          );
        }),
      );
      graph.uint32((5 << 3) | 2).bytes(
        wire((tensor) => {
          tensor.uint32((1 << 3) | 0).int64(3);
          tensor.uint32((2 << 3) | 0).int32(1);
          // A quiet number that is none, with a payload.
          tensor.uint32((4 << 3) | 5).fixed32(0x7fc12345);
          tensor.uint32((4 << 3) | 2).bytes(wire((data) => data.float(1.5).float(-0)));
        }),
      );
    }),
  );
  // A graph that comes in two parts is one.
  model.uint32((7 << 3) | 2).bytes(wire((graph) => graph.uint32((2 << 3) | 2).string("main")));
});

test("what is not known is kept, numbers to the bit, and what is absent stays so", () => {
  const model = decodeModel(strange);
  const [node] = model.graph.node;
  expect(node!.attribute[0]!.ints).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
  expect(node!.attribute[0]!.i).toBe(0);
  expect(Object.hasOwn(node!.attribute[0]!, "i")).toBe(false);
  expect(model.graph.name).toBe("main");
  expect(Array.from(tensorNumbers(model.graph.initializer[0]!))).toEqual([Number.NaN, 1.5, -0]);
  const again = encodeModel(model);
  const hex = Buffer.from(again).toString("hex");
  // The payload, the docstring and every field that is not known.
  for (const part of [
    "4523c17f",
    Buffer.from("a docstring, which is not listed").toString("hex"),
    "a038ac02",
    "a9380500000000000000",
    `b23804${Buffer.from("kept").toString("hex")}`,
    "bd3806000000",
  ])
    expect(hex).toContain(part);
  expect(Buffer.from(encodeModel(decodeModel(again))).equals(again)).toBe(true);
});

test("a model that others wrote comes out as it went in", () => {
  const bytes = encoderBytes();
  expect(Buffer.from(encodeModel(decodeModel(bytes))).equals(bytes)).toBe(true);
});

test("what is cut off, too deep or no text is refused", () => {
  const bytes = encoderBytes();
  for (const length of [1, 20, 200, bytes.length - 1])
    expect(() => decodeModel(bytes.subarray(0, length))).toThrow();
  let deep = wire((writer) => writer.uint32((2 << 3) | 2).string("inner"));
  for (let count = 0; count < 60; count++) {
    const attribute = wire((writer) => writer.uint32((6 << 3) | 2).bytes(deep));
    const node = wire((writer) => writer.uint32((5 << 3) | 2).bytes(attribute));
    deep = wire((writer) => writer.uint32((1 << 3) | 2).bytes(node));
  }
  expect(() => decodeModel(wire((writer) => writer.uint32((7 << 3) | 2).bytes(deep)))).toThrow(
    "its parts lie more than 100 deep in each other",
  );
  const name = wire((writer) => writer.uint32((2 << 3) | 2).bytes(Uint8Array.of(0xff, 0xfe)));
  expect(() => decodeModel(name)).toThrow(/not valid/);
});

test("half precision is read and written as IEEE 754 has it", () => {
  const known: readonly (readonly [bits: number, value: number])[] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xfc00, Number.NEGATIVE_INFINITY],
  ];
  for (const [bits, value] of known) {
    expect(fromHalf(bits)).toBe(value);
    expect(toHalf(value)).toBe(bits);
  }
  for (let bits = 0; bits < 0x7c00; bits++) expect(toHalf(fromHalf(bits))).toBe(bits);
  expect(toHalf(65520)).toBe(0x7c00);
  expect(toHalf(65519)).toBe(0x7bff);
  // Halfway between two, to the even one.
  expect(toHalf(1 + 2 ** -11)).toBe(0x3c00);
  expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
  expect(toHalf(2 ** -25)).toBe(0);
  expect(toHalf(1.5 * 2 ** -24)).toBe(2);
  expect(fromHalf(toHalf(Number.NaN))).toBeNaN();
});
