/**
 * How long lightbox takes to parse 10,000 lines, against the time that dockerfile-ast takes to parse the same text and
 * to read all instructions, flags and variables.
 */
import { DockerfileParser, type Instruction, ModifiableInstruction } from "dockerfile-ast";
import type { Word } from "../../src/lightfile/ast.ts";
import { variablesIn } from "../../src/lightfile/expand.ts";
import { parseLightfile } from "../../src/lightfile/parse.ts";

const stageLines = (index: number): readonly string[] => [
  `FROM --platform=linux/amd64 debian:12 AS stage${index}`,
  `ARG VERSION_${index}=1.${index}`,
  `ENV NAME=\${VERSION_${index}:-none} TITLE="two words"`,
  "# what this step is for",
  "WORKDIR /srv/$NAME",
  "COPY --chown=app:app --chmod=644 src/a src/b* /srv/app/",
  "RUN --network=none apt-get update && \\",
  "    apt-get install -y jq $PACKAGES",
  'CMD ["node", "server.js"]',
  "",
];

const lineCount = 10_000;
const text = Array.from({ length: lineCount / 10 }, (_, index) => stageLines(index).join("\n")).join("\n");

interface Timing {
  readonly run: () => number;
  readonly rounds: number[];
}

/** Runs all in turns, so that whatever else the machine does falls on all of them alike. */
function timeInTurns(runs: readonly (() => number)[], rounds: number): readonly Timing[] {
  const timings = runs.map((run): Timing => ({ run, rounds: [] }));
  for (let round = 0; round < rounds; round++) {
    for (const timing of timings) {
      const start = performance.now();
      const read = timing.run();
      timing.rounds.push(performance.now() - start);
      if (read === 0) throw new Error("nothing was read");
    }
  }
  return timings;
}

function readWithLightbox(): number {
  const { value } = parseLightfile({ path: "Lightfile", text });
  let read = 0;
  const readWords = (words: readonly Word[]): void => {
    for (const word of words) read += 1 + variablesIn(word.text, { escape: value.escape }).length;
  };
  for (const instruction of value.instructions) {
    for (const flag of instruction.flags) read += 1 + (flag.value === null ? 0 : 1);
    if (instruction.kind === "from") readWords([instruction.image]);
    else if (instruction.kind === "run" && instruction.command.form === "shell") {
      readWords([instruction.command.line]);
    } else if (instruction.kind === "cmd" && instruction.command.form === "exec") {
      readWords(instruction.command.argv);
    } else if (instruction.kind === "copy") readWords([...instruction.sources, instruction.destination]);
    else if (instruction.kind === "env") readWords(instruction.pairs.map((pair) => pair.value));
    else if (instruction.kind === "workdir") readWords([instruction.path]);
  }
  return read;
}

function readWithDockerfileAst(): number {
  const flagsOf = (instruction: Instruction): number =>
    instruction instanceof ModifiableInstruction
      ? instruction.getFlags().reduce((sum, flag) => sum + 1 + (flag.getValue() === null ? 0 : 1), 0)
      : 0;
  return DockerfileParser.parse(text)
    .getInstructions()
    .reduce((sum, instruction) => sum + flagsOf(instruction) + instruction.getVariables().length, 0);
}

export interface ParseResult {
  readonly lines: number;
  readonly oursMs: number;
  readonly theirsMs: number;
}

/** The best of nine runs each, in turns. */
export function benchParse(): ParseResult {
  const [ours, theirs] = timeInTurns([readWithLightbox, readWithDockerfileAst], 9).map(({ rounds }) =>
    Math.min(...rounds),
  );
  if (ours === undefined || theirs === undefined) throw new Error("nothing was timed");
  return { lines: lineCount, oursMs: ours, theirsMs: theirs };
}
