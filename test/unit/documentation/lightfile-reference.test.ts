import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { systemErrorCode } from "../../../src/diagnostics/failure.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { instructions } from "../../../src/lightfile/reserved.ts";
import { lint } from "../../../src/lint/lint.ts";
import { keysOf, planText, shown } from "../../support/planned.ts";

const repository = new URL("../../../", import.meta.url);
const page = await readText("docs/lightfile.md");

interface Example {
  readonly section: string;
  readonly number: number;
  readonly text: string;
}

/** Lightfiles that the examples refer to; the examples themselves are `/project/Lightfile`. */
const otherFiles = {
  "/base/Lightfile": "ARG DEBIAN=12-slim\nFROM debian:$DEBIAN AS runtime\nRUN true\nFROM debian:12 AS last\n",
  "/frontend/Lightfile": "FROM node:22-slim AS bundle\nRUN mkdir /out\n",
  "/mixins/Lightfile": "MIXIN apt\nARG --required packages\nRUN apt-get install -y $packages\n",
};

const sections = page
  .split(/^## /m)
  .slice(1)
  .map((text) => {
    const [title = "", ...lines] = text.split("\n");
    return { title, body: lines.join("\n") };
  });

const examples = sections.flatMap(({ title, body }) =>
  [...body.matchAll(/^```lightfile\n([\s\S]*?)^```$/gm)].map(
    ([, text = ""], index): Example => ({ section: title, number: index + 1, text }),
  ),
);

/** What is in a git repository is not at hand here. */
const needsRepository = /^(?:FROM|IMPORT)\b.*(?:\.git#|git@)/m;

/** Sections whose example shows what a check complains about. */
const shownWarnings: Readonly<Record<string, readonly string[]>> = {
  VOLUME: ["NoEffect"],
  MAINTAINER: ["MaintainerDeprecated"],
  Dockerfiles: ["MissingSnapshot", "NoEffect"],
};

describe("the examples of docs/lightfile.md", () => {
  for (const { section, number, text } of examples) {
    test(`under ${section}, number ${number}, is a Lightfile without mistakes`, () => {
      const parsed = parseLightfile({ path: "Lightfile", text });
      expect(shown(parsed.diagnostics.filter(({ severity }) => severity === "error"))).toEqual([]);
      const found = lint(text).map(({ code }) => code);
      expect([...new Set(found)]).toEqual(shownWarnings[section] ?? []);
      if (needsRepository.test(text)) return;
      const planned = planText(text, { files: otherFiles });
      expect(shown(planned.diagnostics.filter(({ severity }) => severity === "error"))).toEqual([]);
      expect(planned.plan?.stages).not.toEqual([]);
    });
  }
});

test("the Lightfiles of the README have no mistakes", async () => {
  const readme = await readText("README.md");
  const texts = [...readme.matchAll(/^```dockerfile\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  expect(texts.length).toBeGreaterThan(1);
  for (const text of texts) {
    const { plan, diagnostics } = planText(text, { files: otherFiles });
    expect(shown(diagnostics.filter(({ severity }) => severity === "error"))).toEqual([]);
    expect(plan).not.toBeNull();
  }
});

describe("the table of keys in docs/lightfile.md", () => {
  const text = "FROM a\nARG V=1\nRUN x\nCOPY f /f\n";
  const keys = async (lightfile: string) => Object.values(await keysOf(lightfile));
  const withLine = (line: string) => text.replace("RUN x", `${line}\nRUN x`);
  const run = (flag: string) => text.replace("RUN x", `RUN ${flag} x`);

  test.each([
    ["a title", run("--title=x")],
    ["--timeout", run("--timeout=5s")],
    ["--retry", run("--retry=2")],
    ["a comment", withLine("# x")],
    ["LABEL", withLine("LABEL a=b")],
    ["EXPOSE", withLine("EXPOSE 80")],
    ["CMD", withLine("CMD x")],
    ["HEALTHCHECK", withLine("HEALTHCHECK CMD x")],
    ["cpus= and memory=", withLine("RESOURCES cpus=3 memory=3G")],
    ["SNAPSHOT", `${text}SNAPSHOT x\n`],
    ["TEST", `${text}TEST x\n`],
    ["a stage's name", text.replace("FROM a", "FROM a AS b")],
  ])("is right that %s is in none", async (_what, changed) => {
    expect(changed).not.toBe(text);
    expect(await keys(changed)).toEqual(await keys(text));
  });

  test.each([
    ["an argument's value", text.replace("V=1", "V=2")],
    ["the network", run("--network=none")],
    ["a mount", run("--mount=type=secret,id=x")],
    ["disk=", withLine("RESOURCES disk=9G")],
    ["--chmod", text.replace("COPY f", "COPY --chmod=755 f")],
    ["white space in a command", text.replace("RUN x", "RUN x  y")],
  ])("is right that %s is in one", async (_what, changed) => {
    expect(await keys(changed)).not.toEqual(await keys(text));
  });
});

describe("docs/lightfile.md", () => {
  test("has a section for each instruction, with an example that uses it and all its flags", () => {
    const lacks = Object.entries(instructions).flatMap(([name, { flags }]) => {
      const section = sections.find(({ title }) => title === name);
      if (section === undefined) return [`## ${name}`];
      const own = examples.filter((example) => example.section === name);
      const isShown = own.some(({ text }) => new RegExp(`^(?:ONBUILD )?${name}\\b`, "m").test(text));
      const inherited = name === "ADD" ? (sections.find(({ title }) => title === "COPY")?.body ?? "") : "";
      const unnamed = Object.keys(flags).filter(
        (flag) => !`${section.body}${inherited}`.includes(`--${flag}`),
      );
      return [...(isShown ? [] : [`an example of ${name}`]), ...unnamed.map((flag) => `${name} --${flag}`)];
    });
    expect(lacks).toEqual([]);
  });

  test("names no flag in an instruction's usage or table that the instruction does not have", () => {
    const wrong = Object.entries(instructions).flatMap(([name, { flags }]) => {
      const body = sections.find(({ title }) => title === name)?.body ?? "";
      const named = [...body.matchAll(/^\| `--([a-z-]+)/gm)].map(([, flag = ""]) => flag);
      return named.filter((flag) => !Object.hasOwn(flags, flag)).map((flag) => `${name} --${flag}`);
    });
    expect(wrong).toEqual([]);
  });

  test("links to sections and files that are there", async () => {
    const anchors = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, "")
          .replaceAll(" ", "-"),
      ),
    );
    const broken: string[] = [];
    for (const [, target = ""] of page.matchAll(/\]\(([^)]+)\)/g)) {
      if (target.startsWith("#") ? anchors.has(target.slice(1)) : await isThere(`docs/${target}`)) continue;
      broken.push(target);
    }
    expect(broken).toEqual([]);
  });

  test("names codes that docs/errors.md has", async () => {
    const errors = await readText("docs/errors.md");
    const named = [...page.matchAll(/`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`/g)].map(([, code = ""]) => code);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((code) => !errors.includes(`\`${code}\``))).toEqual([]);
  });
});

function readText(path: string): Promise<string> {
  return readFile(new URL(path, repository), "utf8");
}

async function isThere(path: string): Promise<boolean> {
  try {
    await readFile(new URL(path.replace(/#.*$/, ""), repository));
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    return false;
  }
}
