import { drawDiagram, escapeXml } from "./draw.ts";
import { readTracks, tokenTexts } from "./tracks.ts";

const style = `
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; background: #fff; }
figure { margin: 0; overflow-x: auto; }
svg path { fill: none; stroke: #555; stroke-width: 2; }
svg rect { stroke: #555; stroke-width: 1.5; fill: #eef4fb; }
svg .literal rect { fill: #e7f6e7; }
svg text { font: 14px ui-monospace, monospace; text-anchor: middle; fill: #222; }
dt { font-family: ui-monospace, monospace; }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #161616; }
  a { color: #9cc4ff; }
  svg path, svg rect { stroke: #999; }
  svg rect { fill: #22303f; }
  svg .literal rect { fill: #1f3a24; }
  svg text { fill: #eee; }
}`;

/** The page with a diagram for each rule of the parser. The same parser always gives the same page. */
export function makePage(): string {
  const rules = readTracks();
  const contents = rules.map(({ name }) => `<a href="#rule-${name}">${name}</a>`).join(" · ");
  const diagrams = rules.map(({ name, track }) =>
    [`<h2 id="rule-${name}">${name}</h2>`, `<figure>${drawDiagram(track, name)}</figure>`].join("\n"),
  );
  const tokens = Object.entries(tokenTexts).map(
    ([token, { name, meaning }]) =>
      `<dt id="token-${token}">${escapeXml(name)}</dt>\n<dd>${escapeXml(meaning)}</dd>`,
  );
  return [
    "<!doctype html>",
    '<html lang="en">',
    "<!-- Made from the parser by `node grammar/make-diagrams.ts`. -->",
    '<meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width">',
    "<title>The grammar of a Lightfile</title>",
    `<style>${style}\n</style>`,
    "<h1>The grammar of a Lightfile</h1>",
    "<p>Read from left to right. Round boxes are text as written, in any case; the others lead to their own diagram or explanation. Comments and blank lines may stand between instructions.</p>",
    `<p>${contents}</p>`,
    ...diagrams,
    "<h2>Words</h2>",
    "<dl>",
    ...tokens,
    "</dl>",
    "</html>",
    "",
  ].join("\n");
}
