// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are substitutions of the Lightfile language
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "../../src/lightfile-api.ts";

/** More with FUZZ_RUNS=1000000. */
const runs = Number(process.env.FUZZ_RUNS ?? 1000);

/** What stands behind an instruction's line: the lines of its heredocs. */
interface Line {
  /** Its keyword and the words between which any white space may stand. */
  readonly words: readonly string[];
  /** Text in which white space counts; behind the words. */
  readonly text?: string;
  readonly bodies?: readonly string[];
}

const lines: readonly Line[] = [
  { words: ["ARG", "--type=int", "--describe='how many, in all'", "COUNT=1", "REST"] },
  { words: ["IMPORT", "--arg=A=1", "../tools/Lightfile", "AS", "tools"] },
  { words: ["MIXIN", "setup"] },
  { words: ["RUN"], text: "echo $NAME  && make" },
  { words: ["FROM", "--platform=linux/amd64", "debian:${COUNT:-12}", "AS", "build"] },
  { words: ["ENV", "A=1", 'B="two  words"', "C=\\$x\\ y", "D='#no comment'"] },
  { words: ["ENV", "--from-output", "DATE"], text: 'date  +"%Y %m"' },
  { words: ["USE", "--title='Set up'", "setup", "NAME='a b'", "X="] },
  {
    words: ["RUN", "--mount=type=cache,target=/x", '--title="A  title"'],
    text: "apt-get update &&  apt-get install -y jq",
  },
  {
    words: ["RUN", "--network=none"],
    text: "cat <<ONE <<-'TWO' > /x",
    bodies: ["a \\", "# b", "", "ONE", "\tc", "\tTWO"],
  },
  { words: ["COPY", "--chown=a:b", "--exclude=*.md", "<<EOF", "src*/", "/to/"], bodies: ["body $x", "EOF"] },
  { words: ["COPY"], text: '["a  b", "c\\\\d", "/e"]' },
  { words: ["CMD"], text: '["node",  "server.js"]' },
  { words: ["TEST", "--timeout=3s"], text: "curl -f 'http://localhost/  x'" },
  { words: ["HEALTHCHECK", "--interval=3s", "CMD"], text: "curl  localhost" },
  { words: ["ONBUILD"], text: "RUN make  child" },
  { words: ["EXPOSE", "80", "443/udp"] },
  { words: ["VOLUME", "/a", "/b"] },
  { words: ["WORKDIR"], text: "/srv/my  app" },
  { words: ["RESOURCES", "cpus=2", "memory=1G"] },
  { words: ["SNAPSHOT", "web"] },
];

const blanks = fc.constantFrom(" ", "  ", "\t", " \t ");
const comment = fc.constantFrom("# note", "  #", "\t# why \\", "# RUN x <<E", "#'");
const betweenContinued = fc.array(fc.oneof(comment, fc.constantFrom("", "  ")), { maxLength: 3 });

/** A line's end that continues it, and the comments and blank lines that vanish behind it. */
const continuation = fc
  .tuple(fc.constantFrom("\\", "\\ ", "\\\t "), betweenContinued)
  .map(([end, between]) => [end, ...between, ""].join("\n"));

/** What may stand between two words. */
const gap = fc.oneof(
  { weight: 3, arbitrary: blanks },
  fc.tuple(blanks, continuation, fc.oneof(fc.constant(""), blanks)).map((parts) => parts.join("")),
);

const betweenLines = fc
  .array(fc.oneof(comment, fc.constantFrom("", " \t")), { maxLength: 3 })
  .map((between) =>
    // Behind an instruction, so none of them is a directive.
    between.map((line) => `${line}\n`).join(""),
  );

/** Text with line ends in it that vanish: anywhere but beside escapes and white space, and not in heredoc markers and names. */
function brokenText(text: string): fc.Arbitrary<string> {
  const places = [...text].flatMap((_, at) => {
    const isPlain = /^[a-z0-9/.&+-]{2}$/i.test(text.slice(at - 1, at + 1));
    const isInMarkerOrKeyword = /<<\S*$|^[A-Z]+$/.test(text.slice(0, at));
    return at > 0 && isPlain && !isInMarkerOrKeyword ? [at] : [];
  });
  return fc
    .tuple(fc.subarray(places, { maxLength: Math.min(places.length, 3) }), continuation)
    .map(([chosen, end]) =>
      chosen.reduceRight((broken, at) => broken.slice(0, at) + end + broken.slice(at), text),
    );
}

function laidOut({ words, text, bodies }: Line): fc.Arbitrary<string> {
  return fc
    .record({
      indent: fc.oneof(fc.constant(""), blanks),
      gaps: fc.array(gap, { minLength: words.length, maxLength: words.length }),
      text: brokenText(text ?? ""),
      end: fc.oneof(fc.constant(""), blanks),
      behind: betweenLines,
    })
    .map((layout) => {
      const written = words.map((word, index) => {
        const isLast = index === words.length - 1 && text === undefined;
        return isLast ? word : word + (layout.gaps[index] ?? " ");
      });
      const heredocs = (bodies ?? []).map((line) => `${line}\n`).join("");
      return `${layout.indent}${written.join("")}${layout.text}${layout.end}\n${heredocs}${layout.behind}`;
    });
}

const plainLines = lines.map(({ words, text, bodies }) =>
  [[...words, ...(text === undefined ? [] : [text])].join(" "), ...(bodies ?? []), ""].join("\n"),
);

/** Everything but where it stands. */
const said = (text: string) => {
  const { directives, instructions, diagnostics } = parse(text);
  return {
    directives: directives.map(({ name, value }) => [name, value]),
    instructions: instructions.map(({ range: _, ...rest }) => rest),
    errors: diagnostics.filter(({ severity }) => severity === "error"),
  };
};

describe("comments, blank lines and layout", () => {
  test("the plain text has no mistakes, so that there is something to compare", () => {
    const { instructions, errors } = said(plainLines.join(""));
    expect(errors).toEqual([]);
    expect(instructions.map(({ keyword }) => keyword)).toEqual(lines.map(({ words }) => words[0]));
  });

  test("never change what a Lightfile says", () => {
    const expected = said(plainLines.join(""));
    const texts = fc.tuple(...lines.map(laidOut)).map((written) => written.join(""));
    fc.assert(
      fc.property(texts, fc.boolean(), (text, withCarriageReturns) => {
        expect(said(withCarriageReturns ? text.replaceAll("\n", "\r\n") : text)).toEqual(expected);
      }),
      { numRuns: Math.max(100, Math.floor(runs / 10)) },
    );
  });

  test("nor does the case of a keyword or the escape character", () => {
    const text = plainLines.join("");
    const lowered = plainLines
      .map((line) => line.replace(/^[A-Z]+/, (keyword) => keyword.toLowerCase()))
      .join("");
    expect(said(lowered)).toEqual(said(text));
    const { instructions } = said(`# escape=\`\n${text.replaceAll("\\", "`")}`);
    expect(instructions.map(({ keyword }) => keyword)).toEqual(lines.map(({ words }) => words[0]));
  });
});
