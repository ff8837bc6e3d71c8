import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasErrors } from "../../../src/diagnostics/diagnostic.ts";
import { isSnapshotName } from "../../../src/graph/instructions/snapshot.ts";
import { defaultSnapshotName } from "../../../src/import/default-name.ts";
import { importDockerfile } from "../../../src/import/import-dockerfile.ts";
import { ChangedText } from "../../../src/import/text-change.ts";
import { parseLightfile } from "../../../src/lightfile/parse.ts";
import { mutatedText } from "../../support/mutated-text.ts";
import { shown } from "../../support/planned.ts";

function imported(text: string) {
  const result = importDockerfile(
    { path: "Dockerfile", text },
    { snapshotName: "name", platform: "linux/amd64" },
  );
  return { text: result.value?.text ?? null, notes: shown(result.diagnostics) };
}

describe("an imported Dockerfile", () => {
  test("keeps its comments, blank lines and continuations as they are", () => {
    const body = "\n# about this\nRUN one \\\n    # between\n    && two   \n\n#  last\n";
    expect(imported(`FROM a${body}`)).toEqual({ text: `FROM a\nSNAPSHOT name${body}`, notes: [] });
  });

  test("keeps its line ends and a byte-order mark", () => {
    expect(imported("\uFEFFFROM a\r\nRUN b\r\n").text).toBe("\uFEFFFROM a\r\nSNAPSHOT name\r\nRUN b\r\n");
  });

  test("keeps other directives when the frontend's goes", () => {
    const text = "# escape=`\n# syntax=docker/dockerfile:1\n# check=skip=all\nFROM a\nRUN b `\n c\n";
    expect(imported(text).text).toBe("# escape=`\n# check=skip=all\nFROM a\nSNAPSHOT name\nRUN b `\n c\n");
  });

  test("loses its --links with one note, and is told what error=true means here", () => {
    const text = "# check=skip=A;error=true\nFROM a:1\nCOPY --link a /a\nCOPY --link b /b\nADD --link c /c\n";
    const { text: written, notes } = imported(text);
    expect(written).not.toContain("--link");
    expect(notes).toEqual([
      expect.stringMatching(
        /^warning CarriedOverDifferently 1:1 # check=skip=A;error=true \| error=true makes errors of /,
      ),
      expect.stringMatching(
        /^warning CarriedOverDifferently 3:6 --link \| --link is left out here and in 2 other places: each layer .* \| /,
      ),
    ]);
    expect(imported("# check=error=false\nFROM a:1\nCOPY --link a /a\n").notes).toEqual([
      expect.stringMatching(/--link is left out: each layer is made on the one below it \| /),
    ]);
  });

  test("gets a SNAPSHOT for stages that are there to be a target, and not for those that others need", () => {
    const text = [
      "FROM a AS base",
      "FROM base AS dev",
      "FROM base AS tools",
      "FROM a AS files",
      "FROM a AS mounted",
      "FROM a",
      "COPY --from=files /x /x",
      "RUN --mount=type=bind,from=mounted,target=/m true",
      "COPY --from=2 /y /y",
    ].join("\n");
    const lines = imported(text).text?.split("\n") ?? [];
    expect(lines.filter((line) => line.startsWith("SNAPSHOT"))).toEqual([
      "SNAPSHOT name/dev",
      "SNAPSHOT name",
    ]);
  });

  test("has a whole heredoc commented out with its instruction", () => {
    expect(imported("FROM a\nCOPYY <<EOF /x\nRUN this is text\nEOF\nRUN b\n").text).toBe(
      [
        "FROM a",
        "SNAPSHOT name",
        '# lightbox import left this out: unknown instruction "COPYY"',
        "# COPYY <<EOF /x",
        "# RUN this is text",
        "# EOF",
        "RUN b",
        "",
      ].join("\n"),
    );
  });

  test("is itself when it is a Lightfile already", () => {
    const text = "FROM a AS dev\nSNAPSHOT mine/dev\nFROM a\nSNAPSHOT mine\nTEST true\n";
    expect(imported(text)).toEqual({ text, notes: [] });
    expect(imported(imported("FROM a\nRUN b\n").text ?? "").text).toBe("FROM a\nSNAPSHOT name\nRUN b\n");
  });

  test("has its maintainer as a label that says the same", () => {
    expect(imported('FROM a\nMAINTAINER Me $HOME "x" <a@b>\n').text).toContain(
      String.raw`LABEL org.opencontainers.image.authors="Me \$HOME \"x\" <a@b>"`,
    );
    expect(imported("# escape=`\nFROM a\nMAINTAINER 'C:\\me $x'\n").text).toContain(
      'LABEL org.opencontainers.image.authors="C:\\me `$x"',
    );
  });

  test("names what it leaves out or writes in other words, also where that changes nothing", () => {
    const text =
      "# syntax=docker/dockerfile:1\nFROM a\nCOPY --link b /c\nRUN --security=insecure d\nMAINTAINER me\n";
    expect(imported(text).notes).toEqual([
      expect.stringMatching(/^warning CarriedOverDifferently 1:1 # syntax=/),
      expect.stringMatching(/^warning CarriedOverDifferently 3:6 --link /),
      expect.stringMatching(/^warning CarriedOverDifferently 4:5 --security=insecure /),
      expect.stringMatching(/^warning CarriedOverDifferently 5:1 MAINTAINER /),
    ]);
  });

  test("warns of frontends that are not Docker's own, as the check does", () => {
    const noteOf = (frontend: string) => imported(`# syntax=${frontend}\nFROM a:1\n`).notes.join();
    const own = [
      "docker/dockerfile",
      "mirror.example.org/docker/dockerfile-upstream:master",
      "docker/dockerfile:1 a=b",
    ];
    for (const frontend of own) expect(noteOf(frontend)).toContain("lightbox reads its Lightfiles itself");
    for (const frontend of ["example.org/frontend:2", "docker/dockerfile2", "Docker/Dockerfile:1"])
      expect(noteOf(frontend)).toContain("which may know other instructions");
  });

  test("ends its last line", () => {
    expect(imported("FROM a\nRUN b").text).toBe("FROM a\nSNAPSHOT name\nRUN b\n");
    expect(imported("FROM a\r\nRUN b").text).toBe("FROM a\r\nSNAPSHOT name\r\nRUN b\r\n");
    expect(imported("FROM a").text).toBe("FROM a\nSNAPSHOT name\n");
  });

  test("says of scratch in a mount what can be done there", () => {
    const { notes } = imported("FROM a\nRUN --mount=type=cache,target=/x,from=scratch b\n");
    expect(notes.join()).toContain("leave it out");
    expect(notes.join()).not.toContain("COPY");
  });

  test("names what cannot be planned and leaves it in place", () => {
    const { text, notes } = imported("FROM a\nRUN --mount=type=bind,target=/x,relabel=shared true\n");
    expect(text).toContain("relabel=shared");
    expect(notes).toHaveLength(1);
    expect(notes[0]).toMatch(/^warning NotCarriedOver 2:\d+ relabel=shared \| /);
  });

  test("is not made when the mistake is in a FROM", () => {
    const { text, notes } = imported("FROM a AS\nRUN b\n");
    expect(text).toBeNull();
    expect(notes.join()).toMatch(/^error /);
  });

  test("parses without errors, whatever the Dockerfile", () => {
    const line = fc.constantFrom(
      "RUN true",
      "RUN ['a', 'b']",
      'CMD ["a",]',
      "COPY --link a b /c/",
      "COPY a",
      "MAINTAINER 'me'",
      "ONBUILD RUN ['a']",
      "ONBUILD FROM b",
      "FROM b AS x",
      "FROM scratch",
      "ARG A=1 B",
      "ENV a b c",
      "ENV a",
      "RUN <<EOF\ntext\nEOF",
      "RUN --security=insecure --network=host true",
      "EXPOSE 80",
      "NONSENSE \\\n more",
      "# comment",
      "",
      "SHELL sh -c",
      "HEALTHCHECK CMD ['a']",
      "\tUSER me",
      "STOPSIGNAL",
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.boolean(), (lines, crlf) => {
        const text = ["FROM a", ...lines].join("\n");
        const result = imported(crlf ? text.replaceAll("\n", "\r\n") : text).text;
        expect(result).not.toBeNull();
        expect(hasErrors(parseLightfile({ path: "Lightfile", text: result ?? "" }).diagnostics)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a Dockerfile with anything in it", () => {
  const folder = new URL("../../golden/import/", import.meta.url);
  const originals = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => readFileSync(new URL(`${name}/Dockerfile`, folder), "utf8"));
  const piece = fc.constantFrom(
    ..."\\\n|\n|'|\"|[|]|<<EOF|EOF\n|$|{|}|`|FROM |ONBUILD |--|=|,|#|USE m\n|TEST x\n".split("|"),
  );

  test("becomes a Lightfile without errors, or is refused with a reason", () => {
    const texts = fc.constantFrom(...originals).chain((original) => mutatedText(original, piece));
    fc.assert(
      fc.property(texts, (text) => {
        const { text: result, notes } = imported(text);
        if (result === null) expect(notes.join()).toMatch(/^error /);
        else expect(hasErrors(parseLightfile({ path: "Lightfile", text: result }).diagnostics)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("a snapshot's default name", () => {
  test("is the folder's, and the file's variant below it", () => {
    expect(defaultSnapshotName("/work/Shop API/Dockerfile")).toBe("shop-api");
    expect(defaultSnapshotName("/work/shop/Dockerfile.web")).toBe("shop/web");
    expect(defaultSnapshotName("/work/shop/web.Dockerfile")).toBe("shop/web");
    expect(defaultSnapshotName("/Dockerfile")).toBe("imported");
  });

  test("is always one that a snapshot can have", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (folder, variant) => {
        expect(isSnapshotName(defaultSnapshotName(`/${folder}/Dockerfile.${variant}`))).toBe(true);
      }),
    );
  });
});

describe("a changed text", () => {
  test("leads from every place back to where it was", () => {
    const changed = new ChangedText("one two three", [
      { range: { start: 8, end: 13 }, newText: "3" },
      { range: { start: 3, end: 3 }, newText: " and" },
      { range: { start: 4, end: 8 }, newText: "" },
    ]);
    expect(changed.text).toBe("one and 3");
    expect([0, 2, 3, 6, 7, 8, 9].map((offset) => changed.originalOffset(offset))).toEqual([
      0, 2, 3, 3, 3, 8, 13,
    ]);
  });
});
