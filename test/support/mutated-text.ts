import fc from "fast-check";

/** A text and what is done to it: at each place so many characters are replaced by a piece. */
export function mutatedText(
  original: string,
  piece: fc.Arbitrary<string>,
  edits: { readonly most: number; readonly longestCut: number } = { most: 12, longestCut: 4 },
): fc.Arbitrary<string> {
  return fc
    .array(fc.tuple(fc.nat(original.length), fc.nat(edits.longestCut), piece), {
      minLength: 1,
      maxLength: edits.most,
    })
    .map((changes) =>
      changes.reduce(
        (text, [at, cut, insert]) => text.slice(0, at) + insert + text.slice(at + cut),
        original,
      ),
    );
}
