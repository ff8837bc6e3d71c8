import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { getuid } from "node:process";
import { describe, expect, test } from "vitest";
import { ContextRig } from "../../support/context-rig.ts";

describe("what a COPY selects", () => {
  test("a file under its name, with modes of which only the owner's executable bit counts", async () => {
    await using rig = await ContextRig.create({
      "a/plain.txt": { text: "x", mode: 0o600 },
      "a/run.sh": { text: "x", mode: 0o711 },
    });
    expect(await rig.select("COPY a/plain.txt /a/run.sh /x/")).toEqual([
      "file a/plain.txt (plain.txt) .:644",
      "file a/run.sh (run.sh) .:755",
    ]);
  });

  test("the contents of a directory, parents first, sorted by path", async () => {
    await using rig = await ContextRig.create({
      "d/a/x": "1",
      "d/a.c": "2",
      "d/a-b/y": "3",
      "d/b": "4",
      "d/e/": "",
    });
    const expected = "directory d (d) .:755 a:755 a-b:755 a-b/y:644 a.c:644 a/x:644 b:644 e:755";
    expect(await rig.select("COPY d /x/")).toEqual([expected]);
    expect(await rig.select("COPY ./d/ /x/")).toEqual([expected]);
  });

  test("the whole context for a dot, a slash or a path that leads back to the root", async () => {
    await using rig = await ContextRig.create({ a: "1" });
    for (const pattern of [".", "/", "./", "a/.."]) {
      expect(await rig.select(`COPY ${pattern} /x/`)).toEqual(["directory . () .:755 a:644"]);
    }
  });

  test("what a wildcard matches, directories by their contents, hidden files too", async () => {
    await using rig = await ContextRig.create({ "a.txt": "1", "b.md": "2", ".c.txt": "3", "d.txt/e": "4" });
    expect(await rig.select("COPY *.txt /x/")).toEqual([
      "file .c.txt (.c.txt) .:644",
      "file a.txt (a.txt) .:644",
      "directory d.txt (d.txt) .:755 e:644",
    ]);
  });

  test("wildcards in the middle of a path; none crosses a slash", async () => {
    await using rig = await ContextRig.create({
      "p/a/m.json": "1",
      "p/b/m.json": "2",
      "p/c/d/m.json": "3",
      "p/e": "",
    });
    expect(await rig.select("COPY p/*/m.json /x/")).toEqual([
      "file p/a/m.json (m.json) .:644",
      "file p/b/m.json (m.json) .:644",
    ]);
  });

  test("a wildcard goes through no link, neither of the context nor out of it", async () => {
    await using rig = await ContextRig.create({
      "e/a": "1",
      "e/in/a": "2",
      "f/in": { link: "/etc" },
      inside: { link: "e" },
      outside: { link: "/etc" },
      "g/a": { link: "../e/a" },
    });
    const both = ["file e/a (a) .:644", "file g/a (a) .:644"];
    expect(await rig.select("COPY */a /q/")).toEqual(both);
    expect(await rig.select("COPY **/a /q/")).toEqual(both);
    expect(await rig.select("COPY */in/a /q/")).toEqual(["file e/in/a (a) .:644"]);
    // Before the first wildcard, links are on the way to the source.
    expect(await rig.select("COPY inside/*/a /q/")).toEqual(["file inside/in/a (a) .:644"]);
    // What matches as a whole is a source, and followed.
    await expect(rig.select("COPY out* /q/")).rejects.toThrow(
      "outside is a link out of the context, to /etc",
    );
  });

  test("a name with a wildcard character, escaped by a backslash", async () => {
    await using rig = await ContextRig.create({ "a[1].txt": "1", "a1.txt": "2" });
    expect(await rig.select('COPY ["a\\\\\\\\[1].txt", "/x"]')).toEqual(["file a[1].txt (a[1].txt) .:644"]);
  });

  test("links as links inside a directory, but followed where they are the source", async () => {
    await using rig = await ContextRig.create({
      "real/file": "1",
      "real/up": { link: "../../outside" },
      "real/dangling": { link: "nowhere" },
      "to-dir": { link: "real" },
      "deep/to-file": { link: "../to-dir/file" },
    });
    expect(await rig.select("COPY real /x/")).toEqual([
      "directory real (real) .:755 dangling->nowhere file:644 up->../../outside",
    ]);
    expect(await rig.select("COPY to-dir /x/")).toEqual([
      "directory to-dir (to-dir) .:755 dangling->nowhere file:644 up->../../outside",
    ]);
    expect(await rig.select("COPY deep/to-file /x")).toEqual(["file deep/to-file (to-file) .:644"]);
    expect(await rig.select("COPY to-dir/file /x")).toEqual(["file to-dir/file (file) .:644"]);
  });

  test("heredocs beside files", async () => {
    await using rig = await ContextRig.create({ a: "1" });
    expect(await rig.select("COPY a <<EOF /x/\nbody\nEOF")).toEqual([
      "file a (a) .:644",
      "file <<EOF (EOF) .:644",
    ]);
  });
});

describe("ignored files", () => {
  test("are left out, and those taken back by a later line are not", async () => {
    await using rig = await ContextRig.create({
      ".lightignore": "node_modules\n*.log\nbuild\n!build/keep\n.lightignore\n",
      "a.log": "",
      "b.txt": "",
      "build/drop": "",
      "build/keep": "",
      "node_modules/m/index.js": "",
    });
    expect(await rig.select("COPY . /x/")).toEqual([
      "directory . () .:755 b.txt:644 build:755 build/keep:644",
    ]);
    expect(await rig.select("COPY *.log b* /x/").catch(String)).toContain("WildcardMatchesNothing");
    expect(await rig.select("COPY build /x/")).toEqual(["directory build (build) .:755 keep:644"]);
  });

  test("named as a source give an error that names the line", async () => {
    await using rig = await ContextRig.create({ ".dockerignore": "# build\n\nout\n", "out/app": "1" });
    for (const source of ["out", "out/app"]) {
      expect(await rig.mistakes(`COPY ${source} /x/`)).toEqual([
        `error CopyIgnoredFile 2:6 ${source} | ${source} is left out of the context by line 3 of .dockerignore (out) | take it back with a line !${source} at the end of the ignore file`,
      ]);
    }
  });
});

describe("a source that cannot be copied is reported at its word", () => {
  test("below a file, also below one that is left out", async () => {
    await using rig = await ContextRig.create({ a: "", ".dockerignore": "a" });
    expect(await rig.mistakes("COPY a/b /x/")).toEqual([
      `error SourceNotFound 2:6 a/b | a/b is not in the context | looked in ${rig.directory}/a`,
    ]);
  });

  test("missing, with the nearest name", async () => {
    await using rig = await ContextRig.create({ "src/main.ts": "", a: "" });
    expect(await rig.mistakes("COPY a src/mian.ts /x/")).toEqual([
      "error SourceNotFound 2:8 src/mian.ts | src/mian.ts is not in the context | did you mean main.ts?",
    ]);
    expect(await rig.mistakes("COPY scr/main.ts a/src/b /x/")).toEqual([
      "error SourceNotFound 2:6 scr/main.ts | scr/main.ts is not in the context | did you mean src?",
      `error SourceNotFound 2:18 a/src/b | a/src/b is not in the context | looked in ${rig.directory}/a`,
    ]);
    expect(await rig.mistakes("COPY qqqqqqqq /x/")).toEqual([
      `error SourceNotFound 2:6 qqqqqqqq | qqqqqqqq is not in the context | looked in ${rig.directory}`,
    ]);
    expect(await rig.mistakes("COPY a/b /x/")).toEqual([
      expect.stringContaining("error SourceNotFound 2:6 a/b"),
    ]);
    expect(await rig.mistakes("COPY a/ /x/")).toEqual([
      expect.stringContaining("a is a file, not a directory"),
    ]);
  });

  test("every missing source of a file in one run", async () => {
    await using rig = await ContextRig.create({});
    const { diagnostics } = await rig.resolve(["COPY one two /x/", "COPY three /x"]);
    expect(diagnostics.map((diagnostic) => diagnostic.message)).toEqual([
      "one is not in the context",
      "two is not in the context",
      "three is not in the context",
    ]);
  });

  test("outside the context, by its path or through a link", async () => {
    await using rig = await ContextRig.create({
      up: { link: "../secret" },
      absolute: { link: "/etc/passwd" },
      "d/up": { link: "../../secret" },
    });
    for (const source of ["../secret", "a/../../secret", "up", "absolute", "d/up"]) {
      expect(await rig.mistakes(`COPY ${source} /x/`)).toEqual([
        expect.stringContaining(`error OutsideContext 2:6 ${source} | `),
      ]);
    }
  });

  test("links that lead round in a circle", async () => {
    await using rig = await ContextRig.create({
      a: { link: "b" },
      b: { link: "a" },
      self: { link: "self/x" },
    });
    for (const source of ["a", "self"]) {
      expect(await rig.mistakes(`COPY ${source} /x/`)).toEqual([
        `error SymlinkLoop 2:6 ${source} | the links at ${source} lead round in a circle | mend the links, or copy the file that they should lead to`,
      ]);
    }
  });

  test("a link that leads nowhere", async () => {
    await using rig = await ContextRig.create({ a: { link: "nowhere" } });
    expect(await rig.mistakes("COPY a /x/")).toEqual([
      "error SourceNotFound 2:6 a | a is a link to nowhere, which is not in the context | mend the link, or name what it should lead to",
    ]);
  });

  test("a named pipe and a file whose name is not UTF-8 only matter to who selects them", async () => {
    await using rig = await ContextRig.create({ "a.txt": "", "d/b.txt": "" });
    execFileSync("mkfifo", [rig.path("pipe")]);
    await writeFile(Buffer.concat([Buffer.from(`${rig.directory}/`), Buffer.from([0xff, 0xfe])]), "");
    expect(await rig.select("COPY *.txt /x/")).toEqual(["file a.txt (a.txt) .:644"]);
    expect(await rig.select("COPY */*.txt /x/")).toEqual(["file d/b.txt (b.txt) .:644"]);
    expect(await rig.select("COPY */b.txt /x/")).toEqual(["file d/b.txt (b.txt) .:644"]);
    expect(await rig.select("COPY --parents **/b.txt /x/")).toEqual([
      "directory . () .:755 d:755 d/b.txt:644",
    ]);
    expect(await rig.mistakes("COPY pi* /x/")).toEqual([
      expect.stringContaining("UnsupportedFileType 2:6 pi*"),
    ]);
    expect(await rig.mistakes("COPY * /x/")).toEqual([
      expect.stringMatching(/UnsupportedFile(Type|Name) 2:6/),
    ]);
  });

  test("a named pipe and a socket, also inside a directory", async () => {
    await using rig = await ContextRig.create({ "d/": "" });
    execFileSync("mkfifo", [rig.path("d/pipe")]);
    const server = createServer().listen(rig.path("socket"));
    await once(server, "listening");
    try {
      expect(await rig.mistakes("COPY d/pipe /x/")).toEqual([
        "error UnsupportedFileType 2:6 d/pipe | d/pipe is a named pipe, which cannot be copied | remove it, or name it in .lightignore",
      ]);
      expect(await rig.mistakes("COPY d /x/")).toEqual([
        expect.stringContaining("error UnsupportedFileType 2:6 d | d/pipe is a named pipe"),
      ]);
      expect(await rig.mistakes("COPY . /x/")).toEqual([
        expect.stringContaining("UnsupportedFileType 2:6 ."),
      ]);
      expect(await rig.mistakes("COPY socket /x/")).toEqual([expect.stringContaining("socket is a socket")]);
    } finally {
      server.close();
    }
  });

  test.skipIf(getuid?.() === 0)("unreadable", async () => {
    await using rig = await ContextRig.create({ a: "1" });
    await chmod(rig.path("a"), 0);
    expect(await rig.mistakes("COPY a /x/")).toEqual([
      expect.stringContaining("error UnreadableSource 2:6 a | a cannot be read: permission denied"),
    ]);
  });

  test("a wildcard that matches several things but names one destination", async () => {
    await using rig = await ContextRig.create({ "a.txt": "", "b.txt": "", "c1/x": "", "c2/y": "" });
    expect(await rig.mistakes("COPY *.txt /x")).toEqual([
      "error DestinationNotDirectory 2:6 *.txt | the wildcard matches 2 sources, which cannot go to the one name /x | end the destination with a slash: /x/",
    ]);
    expect(await rig.mistakes("COPY a.* /x")).toEqual([]);
    expect(await rig.mistakes("COPY c* /x")).toEqual([]);
  });

  test("a malformed wildcard", async () => {
    await using rig = await ContextRig.create({ a: "" });
    expect(await rig.mistakes("COPY a[ /x/")).toEqual([
      expect.stringContaining("error InvalidPattern 2:6 a["),
    ]);
  });

  test("what --unpack is to unpack and is no archive", async () => {
    await using rig = await ContextRig.create({ "not.tar.gz": "text" });
    expect(await rig.mistakes("ADD not.tar.gz /x/")).toEqual([]);
    expect(await rig.mistakes("ADD --unpack not.tar.gz /x/")).toEqual([
      expect.stringContaining("error NotAnArchive 2:14 not.tar.gz"),
    ]);
  });
});

test("a wildcard that matches nothing is only a warning", async () => {
  await using rig = await ContextRig.create({});
  expect(await rig.mistakes("COPY *.txt /x/")).toEqual([
    "warning WildcardMatchesNothing 2:6 *.txt | nothing in the context matches *.txt | nothing is copied for it: correct the pattern, take it out, or say --if-exists when that is meant",
  ]);
});

test("with --if-exists, what is not there is no matter", async () => {
  await using rig = await ContextRig.create({ a: "" });
  expect(await rig.mistakes("COPY --if-exists b *.txt /x/")).toEqual([]);
  expect(await rig.select("COPY --if-exists a b /x/")).toEqual(["file a (a) .:644"]);
});

describe("--exclude", () => {
  const files = { "d/a.md": "1", "d/b.txt": "2", "d/sub/c.md": "3", "d/sub/e.txt": "4", "top.md": "5" };

  test("is relative to the source, and anchored there", async () => {
    await using rig = await ContextRig.create(files);
    expect(await rig.select("COPY --exclude=*.md d /x/")).toEqual([
      "directory d (d) .:755 b.txt:644 sub:755 sub/c.md:644 sub/e.txt:644",
    ]);
    expect(await rig.select("COPY --exclude=**/*.md d /x/")).toEqual([
      "directory d (d) .:755 b.txt:644 sub:755 sub/e.txt:644",
    ]);
  });

  test("leaves out directories whole, and the files that a wildcard matched", async () => {
    await using rig = await ContextRig.create(files);
    expect(await rig.select("COPY --exclude=sub d /x/")).toEqual([
      "directory d (d) .:755 a.md:644 b.txt:644",
    ]);
    expect(await rig.mistakes("COPY --exclude=*.md *.md /x/")).toEqual([
      expect.stringContaining(
        "warning WildcardMatchesNothing 2:21 *.md | nothing in the context matches *.md and is not",
      ),
    ]);
    expect(await rig.mistakes("COPY --if-exists --exclude=*.md *.md /x/")).toEqual([]);
  });

  test("takes back with !, and then keeps the directory on the way", async () => {
    await using rig = await ContextRig.create(files);
    expect(await rig.select("COPY --exclude=sub --exclude=!sub/c.md d /x/")).toEqual([
      "directory d (d) .:755 a.md:644 b.txt:644 sub:755 sub/c.md:644",
    ]);
  });
});

describe("--parents", () => {
  const files = { "src/a/x.c": "1", "src/a/y.h": "2", "src/b/x.c": "3", "src/b/deep/z.c": "4", other: "5" };
  const paths = async (rig: ContextRig, line: string) => {
    const { inputs } = await rig.resolve([line]);
    return [...inputs.values()].flat().map(({ written, entries }) => [
      written,
      ...entries.map((entry) => {
        const isImplied = entry.kind === "directory" && entry.isImplied === true;
        return isImplied ? `(${entry.path})` : entry.path;
      }),
    ]);
  };

  test("keeps the path of a file; the directories on the way are implied", async () => {
    await using rig = await ContextRig.create(files);
    expect(await paths(rig, "COPY --parents src/a/x.c /x/")).toEqual([
      [".", "()", "(src)", "(src/a)", "src/a/x.c"],
    ]);
  });

  test("copies a directory itself, and wildcards with their paths", async () => {
    await using rig = await ContextRig.create(files);
    expect(await paths(rig, "COPY --parents src/b /x/")).toEqual([
      [".", "()", "(src)", "src/b", "src/b/deep", "src/b/deep/z.c", "src/b/x.c"],
    ]);
    expect(await paths(rig, "COPY --parents src/*/x.c /x/")).toEqual([
      [".", "()", "(src)", "(src/a)", "src/a/x.c", "(src/b)", "src/b/x.c"],
    ]);
  });

  test("crosses directories with **", async () => {
    await using rig = await ContextRig.create(files);
    expect(await paths(rig, "COPY --parents src/**/*.c /x/")).toEqual([
      [".", "()", "(src)", "(src/a)", "src/a/x.c", "(src/b)", "(src/b/deep)", "src/b/deep/z.c", "src/b/x.c"],
    ]);
  });

  test("begins where a /./ stands", async () => {
    await using rig = await ContextRig.create(files);
    expect(await paths(rig, "COPY --parents ./src/./a/x.c /x/")).toEqual([["src", "()", "(a)", "a/x.c"]]);
    expect(await paths(rig, "COPY --parents src/*/./x.c /x/")).toEqual([
      ["src/a", "()", "x.c"],
      ["src/b", "()", "x.c"],
    ]);
  });

  test("excludes by the kept path", async () => {
    await using rig = await ContextRig.create(files);
    expect(await paths(rig, "COPY --parents --exclude=**/x.c src/a src/b/x.c /x/")).toEqual([
      [".", "()", "(src)", "src/a", "src/a/y.h"],
      [".", "()"],
    ]);
  });
});

test("what a mount shows is a file or a directory of the context, named without wildcards", async () => {
  await using rig = await ContextRig.create({ "d/a": "1", "w*": "2" });
  const mounted = (source: string) => rig.select(`RUN --mount=type=bind,target=/x,source=${source} y`);
  expect(await mounted("d")).toEqual(["directory d (d) .:755 a:644"]);
  expect(await mounted("/d/a")).toEqual(["file d/a (a) .:644"]);
  expect(await mounted("w*")).toEqual(["file w* (w*) .:644"]);
  expect(await rig.mistakes("RUN --mount=type=bind,target=/x,source=e y")).toEqual([
    expect.stringContaining("error SourceNotFound 2:33 source=e | e is not in the context"),
  ]);
});

test("a context that is missing or a file is a failure, unless nothing is copied from it", async () => {
  await using rig = await ContextRig.create({ file: "" });
  const missing = { contextDirectory: rig.path("missing") };
  const file = { contextDirectory: rig.path("file") };
  await expect(rig.resolve(["COPY a /x"], missing)).rejects.toMatchObject({ code: "ContextNotFound" });
  await expect(rig.resolve(["COPY a /x"], file)).rejects.toMatchObject({ code: "ContextNotDirectory" });
  expect((await rig.resolve(["RUN true", "COPY <<EOF /x", "EOF"], missing)).diagnostics).toEqual([]);
});

test("an aborted signal ends the selection", async () => {
  await using rig = await ContextRig.create({ a: "1" });
  const signal = AbortSignal.abort(new Error("stopped by the test"));
  await expect(rig.resolve(["COPY a /x"], { signal })).rejects.toThrow("stopped by the test");
});
