import fc from "fast-check";
import { expect, test } from "vitest";
import { keysOf, planText } from "../../support/planned.ts";

const instruction = fc.constantFrom(
  "RUN make",
  "RUN --network=none check",
  "ENV A=1",
  "ENV B=$A-x",
  "ARG C=3",
  "LABEL l=$C",
  "WORKDIR dir",
  "USER app",
  "COPY src /x/$A/",
  "COPY --from=zero /a /b",
  'SHELL ["/bin/bash", "-c"]',
  "CMD run",
  'ENTRYPOINT ["run"]',
  "RUN <<EOF\nline one\nline two\nEOF",
  "RUN first && \\\n    second",
);
const blank = fc.constantFrom("", "# a comment", "#", "   ", "\t# indented", "  # RUN nothing");
const file = fc.array(fc.record({ before: fc.array(blank, { maxLength: 3 }), line: instruction }), {
  maxLength: 12,
});

const head = "FROM a AS zero\nRUN zero\nFROM b AS one\n";

test("comments, blank lines, indentation and the case of keywords never change a key", async () => {
  await fc.assert(
    fc.asyncProperty(file, fc.boolean(), fc.boolean(), async (parts, indent, lower) => {
      const plain = parts.map(({ line }) => line).join("\n");
      const decorated = parts
        .flatMap(({ before, line }) => {
          const keyword = line.slice(0, line.indexOf(" "));
          const rest = line.slice(keyword.length);
          return [...before, `${indent ? "  " : ""}${lower ? keyword.toLowerCase() : keyword}${rest}`];
        })
        .join("\n");
      expect(await keysOf(`# syntax\n\n${head}${decorated}\n# end\n`)).toEqual(
        await keysOf(`${head}${plain}\n`),
      );
    }),
  );
});

test("line ends do not change a key, outside of what a shell is given", async () => {
  await fc.assert(
    fc.asyncProperty(file, async (parts) => {
      const text = `${head}${parts.map(({ line }) => line).join("\n")}\n`;
      expect(await keysOf(text.replaceAll("\n", "\r\n"))).toEqual(await keysOf(text));
    }),
  );
});

test("a step's key holds all that is before it in its stage: no two steps share one", async () => {
  await fc.assert(
    fc.asyncProperty(file, async (parts) => {
      const keys = Object.values(await keysOf(`${head}${parts.map(({ line }) => line).join("\n")}\n`));
      expect(new Set(keys).size).toBe(keys.length);
    }),
  );
});

test("planning never throws on what a person may type, and is the same twice", () => {
  const word = fc.constantFrom(
    "FROM",
    "RUN",
    "COPY",
    "ADD",
    "ARG",
    "ENV",
    "LABEL",
    "USER",
    "WORKDIR",
    "SNAPSHOT",
    "RESOURCES",
    "EXPOSE",
    "VOLUME",
    "SHELL",
    "CMD",
    "ONBUILD",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "a",
    "b",
    "$A",
    "$",
    "${",
    "}",
    "A=1",
    "=",
    "--from=a",
    "--from=0",
    "--from=$A",
    "--chown=",
    "--chmod=7",
    "<<EOF",
    "EOF",
    '["x"]',
    "[",
    "AS",
    "\n",
    "\n",
    "\n",
    "\\\n",
    "cpus=1",
    "disk=9",
    "80/tcp",
    "*",
    "..",
    "'",
    '"',
    "scratch",
    "1",
    "-",
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 60 }),
      fc.option(fc.constantFrom("a", "0", "1")),
      (words, target) => {
        const text = `FROM a AS a\n${words.join(" ").replaceAll(" \n ", "\n")}`;
        const shape = (result: ReturnType<typeof planText>) =>
          JSON.stringify([result.plan, result.diagnostics.length]);
        const first = planText(text, { target });
        expect(shape(planText(text, { target }))).toBe(shape(first));
        for (const { range } of first.diagnostics) {
          expect(range.start).toBeGreaterThanOrEqual(0);
          expect(range.end).toBeLessThanOrEqual(text.length);
          expect(range.end).toBeGreaterThanOrEqual(range.start);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
