import { describeInstruction, type InstructionName, instructionNames } from "../lightfile/reserved.ts";

/** The sections of the reference, by instruction: Markdown without the heading. */
export type Reference = ReadonlyMap<string, string>;

/** Cuts `docs/lightfile.md` at its `## INSTRUCTION` headings. */
export function readReference(markdown: string): Reference {
  const sections = new Map<string, string>();
  for (const section of markdown.split(/^## /m).slice(1)) {
    const lineEnd = section.indexOf("\n");
    const heading = (lineEnd === -1 ? section : section.slice(0, lineEnd)).trim();
    // One section may be about several: `## CMD and ENTRYPOINT`.
    for (const name of heading.match(/[A-Z]+/g) ?? []) {
      if (instructionNames.includes(name) && !sections.has(name))
        sections.set(name, lineEnd === -1 ? "" : section.slice(lineEnd + 1).trim());
    }
  }
  return sections;
}

/** Longer sections are cut: a hover is a glance, and the page is one click away. */
const longestSection = 4_000;

/** What is known of an instruction, or of one of its flags, as Markdown. */
export function describe(reference: Reference, name: InstructionName, flag?: string): string {
  const { usage, summary, flags } = describeInstruction(name);
  const head = ["```lightfile", usage, "```", summary].join("\n");
  const section = reference.get(name);
  if (flag === undefined) {
    // A section begins with the usage itself.
    if (section === undefined) return head;
    return section.length > longestSection ? `${section.slice(0, longestSection)}…` : section;
  }
  const kind = Object.entries(flags).find(([known]) => known === flag)?.[1];
  const written = kind === "boolean" ? `--${flag}` : `--${flag}=value`;
  const often = kind === "values" ? ", any number of times" : "";
  // What ADD shares with COPY, for example, is told there only.
  const sections = [section, ...["COPY", "RUN", "FROM"].map((other) => reference.get(other))].filter(
    (text) => text !== undefined,
  );
  const told = sections.map((text) => aboutFlag(text, flag)).find((text) => text !== undefined);
  return [`\`${written}\` of ${name}${often}`, ...(told === undefined ? [] : [told])].join("\n\n");
}

/** The first paragraph, list item or table row of a section that begins with the flag. */
function aboutFlag(section: string, flag: string): string | undefined {
  const start = new RegExp(String.raw`^(?:[-*|]\s*|#+\s*)?(?:\*\*)?\x60--${flag}(?![\w-])`);
  const lines = section.split("\n");
  const first = lines.findIndex((line) => start.test(line));
  const line = lines[first];
  if (line === undefined) return paragraphWith(section, flag);
  if (line.startsWith("|"))
    return line
      .split(/(?<!\\)\|/)
      .slice(2, -1)
      .map((cell) => cell.trim())
      .join(" ");
  const rest = lines.slice(first + 1);
  const end = rest.findIndex((next) => next.trim() === "" || /^\s{0,3}[-*|#]/.test(next));
  const about = [line.replace(/^[-*]\s*/, ""), ...rest.slice(0, end === -1 ? rest.length : end)];
  return about.join("\n");
}

/** The first paragraph that mentions the flag, code left out. */
function paragraphWith(section: string, flag: string): string | undefined {
  const prose = section.replace(/^```[\s\S]*?^```$/gm, "");
  const mention = new RegExp(String.raw`\x60[^\x60\n]*--${flag}(?![\w-])`);
  return prose
    .split(/\n\s*\n/)
    .find((paragraph) => mention.test(paragraph))
    ?.trim();
}

/** Arguments that every Lightfile has outside of its stages. */
export const predefinedVariables: readonly string[] = [
  "TARGETPLATFORM",
  "TARGETOS",
  "TARGETARCH",
  "TARGETVARIANT",
  "BUILDPLATFORM",
  "BUILDOS",
  "BUILDARCH",
  "BUILDVARIANT",
  "TARGETSTAGE",
];
