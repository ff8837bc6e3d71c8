import { expect, test } from "vitest";
import { parseJson } from "../../../src/model/parse-json.ts";

test("text that is not JSON reads as undefined, which no JSON does", () => {
  expect(["", "{", "undefined", '{"a":1}x'].map(parseJson)).toEqual(Array(4).fill(undefined));
  expect(["null", "0", '""', '{"a":[1]}'].map(parseJson)).toEqual([null, 0, "", { a: [1] }]);
});
