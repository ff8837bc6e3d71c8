import { expect, test, vi } from "vitest";
import { instructionNames } from "../../../src/lightfile/reserved.ts";

/** The parser as a new process has it: with rules for nothing yet. */
async function newParser() {
  vi.resetModules();
  const { parseLightfile } = await import("../../../src/lightfile/parse.ts");
  return (text: string) => {
    const { value, diagnostics } = parseLightfile({ path: "Lightfile", text });
    // Without the sources, which are the same by construction.
    return {
      instructions: value.instructions,
      comments: value.comments,
      codes: diagnostics.map(({ code, range }) => [code, range]),
    };
  };
}

const whole = `FROM a AS b
${instructionNames.map((name) => `${name} x=1 y <<E [\n`).join("")}
ONBUILD ONBUILD RUN x
ONBUILD
RNU "x
HEALTHCHECK NO
FROM
`;
const texts = [
  "",
  "# nothing\n",
  "RUN x",
  "ONBUILD COPY a",
  "RNU x\nFROM a",
  "FROM a b\nRUN x",
  ...instructionNames.map((name) => `FROM a\n${name} x y\n${name}\nRUN x\n`),
  whole,
];

test("a text is read the same, whatever was read before it", async () => {
  const inOneProcess = await newParser();
  const afterAll = await newParser();
  afterAll(whole);
  for (const text of texts) {
    const alone = (await newParser())(text);
    expect(inOneProcess(text)).toEqual(alone);
    expect(afterAll(text)).toEqual(alone);
  }
});
