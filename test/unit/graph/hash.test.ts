import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson } from "../../../src/graph/keys/canonical-json.ts";
import { loadHasher } from "../../../src/graph/keys/hash.ts";

const hasher = await loadHasher();

test("digests are 32 hex digits that stay what they are", () => {
  // First half: the published XXH64 of the empty text and of "a" with seed 0.
  expect(hasher.hashText("").slice(0, 16)).toBe("ef46db3751d8e999");
  expect(hasher.hashText("a").slice(0, 16)).toBe("d24ec4f1a98c6e5b");
  expect(hasher.hashText("")).toMatchInlineSnapshot(`"ef46db3751d8e999638725db4a60194b"`);
  expect(hasher.hashText("a")).toMatchInlineSnapshot(`"d24ec4f1a98c6e5b20d2943288d60c7e"`);
});

test("the halves are different functions", () => {
  const digest = hasher.hashText("lightbox");
  expect(digest.slice(0, 16)).not.toBe(digest.slice(16));
});

test("text and its UTF-8 bytes, at once or in pieces, have one digest", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), fc.array(fc.nat(300)), (text, cuts) => {
      const bytes = Buffer.from(text, "utf8");
      const hash = hasher.start();
      let from = 0;
      for (const cut of [...cuts, bytes.length].sort((left, right) => left - right)) {
        const to = Math.max(from, Math.min(cut, bytes.length));
        hash.update(bytes.subarray(from, to));
        from = to;
      }
      expect([hash.digest(), hasher.hashText(text)]).toEqual([
        hasher.hashBytes(bytes),
        hasher.hashBytes(bytes),
      ]);
    }),
  );
});

test("canonical JSON is JSON, and the order of members does not show", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const value = JSON.parse(JSON.stringify(object)) as Parameters<typeof canonicalJson>[0];
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(value);
      const reversed = Object.fromEntries(Object.entries(object).reverse());
      expect(canonicalJson(JSON.parse(JSON.stringify(reversed)))).toBe(text);
    }),
  );
  expect(canonicalJson({ b: 1, a: [true, null, "\u00e9\n"], B: { z: 0.5, "\u00e9": "" } })).toBe(
    '{"B":{"z":0.5,"\u00e9":""},"a":[true,null,"\u00e9\\n"],"b":1}',
  );
});
