import { expect, test } from "vitest";
import { outputValueLimitBytes } from "../../../../../src/model/step-operation.ts";
import { OutputValue } from "../../../../../src/worker/local/run/output-value.ts";

function printed(...chunks: readonly (string | Uint8Array)[]): string {
  const value = new OutputValue("VERSION");
  for (const chunk of chunks) value.add(Buffer.from(chunk));
  return value.finish();
}

test("line ends at the end go, everything else stays, also characters that come in pieces", () => {
  const euro = Buffer.from("€");
  expect(printed(" 1.2\n", "3 \r\n\n")).toBe(" 1.2\n3 ");
  expect(printed(euro.subarray(0, 1), euro.subarray(1))).toBe("€");
  expect(printed()).toBe("");
});

test("just as much as fits is taken, and no more", () => {
  const most = "x".repeat(outputValueLimitBytes);
  expect(printed(most, "\n")).toBe(most);
  expect(() => printed(most, "y\n")).toThrow(expect.objectContaining({ code: "OutputTooLong" }));
  expect(() => printed(...Array.from({ length: 50 }, () => most))).toThrow(
    expect.objectContaining({ code: "OutputTooLong" }),
  );
});

test("what is no text is refused", () => {
  expect(() => printed("a\0b")).toThrow(expect.objectContaining({ code: "OutputNotText" }));
  expect(() => printed(Buffer.from([0xff, 0xfe]))).toThrow(
    expect.objectContaining({ code: "OutputNotText" }),
  );
});
