import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { drawDiagram } from "../../../grammar/railroad/draw.ts";
import { makePage } from "../../../grammar/railroad/page.ts";
import { readTracks } from "../../../grammar/railroad/tracks.ts";
import { describeInstruction, instructionNames, isInstructionName } from "../../../src/lightfile/reserved.ts";

test("grammar/railroad.html is what `node grammar/make-diagrams.ts` makes of the parser now", () => {
  const written = readFileSync(new URL("../../../grammar/railroad.html", import.meta.url), "utf8");
  expect(written === makePage()).toBe(true);
});

test("every instruction has a diagram with its flags", () => {
  const rules = new Map(readTracks().map(({ name, track }) => [name, drawDiagram(track, name)]));
  expect([...rules.keys()].sort()).toEqual([...instructionNames, "instruction", "lightfile"].sort());
  for (const name of instructionNames.filter(isInstructionName)) {
    const drawn = [...(rules.get(name) ?? "").matchAll(/>--([a-z-]+)/g)].map((match) => match[1]);
    expect(drawn).toEqual(Object.keys(describeInstruction(name).flags));
  }
});

test("every link of the page leads to a place in it", () => {
  const page = makePage();
  const places = new Set([...page.matchAll(/id="([^"]+)"/g)].map((match) => match[1]));
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
  expect(links.length).toBeGreaterThan(50);
  expect(links.filter((link) => !places.has(link))).toEqual([]);
});

test("no box of a diagram lies outside of its picture, and no two overlap", () => {
  for (const { name, track } of readTracks()) {
    const svg = drawDiagram(track, name);
    const [, width = 0, height = 0] = (/viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg) ?? []).map(Number);
    const boxes = [
      ...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g),
    ].map(([, ...numbers]) => {
      const [x = -1, y = -1, w = 0, h = 0] = numbers.map(Number);
      return { left: x, top: y, right: x + w, bottom: y + h };
    });
    expect(boxes.length).toBeGreaterThan(0);
    for (const [index, box] of boxes.entries()) {
      expect(box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height).toBe(true);
      const overlapping = boxes
        .slice(index + 1)
        .filter(
          (other) =>
            other.left < box.right &&
            box.left < other.right &&
            other.top < box.bottom &&
            box.top < other.bottom,
        );
      expect(overlapping).toEqual([]);
    }
  }
});
