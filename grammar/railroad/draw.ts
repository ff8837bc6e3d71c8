/** A railroad diagram's parts, and how they are drawn as SVG. Lengths are in pixels. */
export type Track =
  /** Text as written in the file. */
  | { readonly kind: "literal"; readonly text: string }
  /** Something that has a diagram or an explanation of its own at `#href`. */
  | { readonly kind: "named"; readonly text: string; readonly href: string }
  | { readonly kind: "sequence"; readonly items: readonly Track[] }
  | { readonly kind: "choice"; readonly items: readonly Track[] }
  | { readonly kind: "optional"; readonly item: Track }
  | { readonly kind: "repeated"; readonly item: Track };

/** A track with its size; the rails enter and leave at the height `y` that it is drawn at. */
interface Drawing {
  readonly width: number;
  readonly above: number;
  readonly below: number;
  draw(x: number, y: number): string;
}

const radius = 10;
const gap = 12;
const boxHeight = 24;
const characterWidth = 8.5;
const rowGap = 10;

/** The whole picture, with a buffer at each end. */
export function drawDiagram(track: Track, title: string): string {
  const drawing = layOut(track);
  const width = drawing.width + 2 * (gap + radius);
  const top = drawing.above + radius;
  const height = top + drawing.below + radius;
  const end = width - radius;
  const rails = [
    `M${radius} ${top - radius}v${2 * radius}M${radius} ${top}h${gap}`,
    `M${end - gap} ${top}h${gap}M${end} ${top - radius}v${2 * radius}`,
  ];
  return [
    `<svg width="${round(width)}" height="${round(height)}" viewBox="0 0 ${round(width)} ${round(height)}" role="img" aria-label="${escapeXml(title)}">`,
    rail(rails.join("")),
    drawing.draw(radius + gap, top),
    "</svg>",
  ].join("\n");
}

function layOut(track: Track): Drawing {
  switch (track.kind) {
    case "literal":
      return box(track.text, "literal", null);
    case "named":
      return box(track.text, "named", track.href);
    case "sequence":
      return sequence(track.items.map(layOut));
    case "choice":
      return choice(track.items.map(layOut));
    case "optional":
      return choice([straight, layOut(track.item)]);
    case "repeated":
      return repeated(layOut(track.item));
  }
}

const straight: Drawing = { width: 0, above: 0, below: 0, draw: () => "" };

function box(text: string, kind: "literal" | "named", href: string | null): Drawing {
  const width = text.length * characterWidth + 20;
  const half = boxHeight / 2;
  const draw = (x: number, y: number): string => {
    const corner = kind === "literal" ? ` rx="${half}"` : "";
    const shape = `<rect x="${round(x)}" y="${round(y - half)}" width="${round(width)}" height="${boxHeight}"${corner}/>`;
    const label = `<text x="${round(x + width / 2)}" y="${round(y + 4)}">${escapeXml(text)}</text>`;
    const group = `<g class="${kind}">${shape}${label}</g>`;
    return href === null ? group : `<a href="#${escapeXml(href)}">${group}</a>`;
  };
  return { width, above: half, below: half, draw };
}

function sequence(items: readonly Drawing[]): Drawing {
  const width = sum(items.map((item) => item.width)) + gap * Math.max(0, items.length - 1);
  return {
    width,
    above: Math.max(0, ...items.map((item) => item.above)),
    below: Math.max(0, ...items.map((item) => item.below)),
    draw: (x, y) => {
      let at = x;
      const parts: string[] = [];
      for (const [index, item] of items.entries()) {
        if (index > 0) {
          parts.push(rail(`M${round(at)} ${round(y)}h${gap}`));
          at += gap;
        }
        parts.push(item.draw(at, y));
        at += item.width;
      }
      return parts.join("\n");
    },
  };
}

/** The first item goes straight on, the others branch off below it. */
function choice(items: readonly Drawing[]): Drawing {
  const [first = straight, ...rest] = items;
  const inner = Math.max(...items.map((item) => item.width));
  const offsets: number[] = [];
  let below = first.below;
  for (const item of rest) {
    const offset = Math.max(2 * radius, below + rowGap + item.above);
    offsets.push(offset);
    below = offset + item.below;
  }
  return {
    width: inner + 4 * radius,
    above: first.above,
    below,
    draw: (x, y) => {
      const start = x + 2 * radius;
      const parts = [row(first, { from: x, to: x + inner + 4 * radius, x: start, y })];
      for (const [index, item] of rest.entries()) {
        const offset = offsets[index] ?? 0;
        parts.push(rail(branch(x, y, offset) + join(start + inner, y + offset, offset)));
        parts.push(row(item, { from: start, to: start + inner, x: start, y: y + offset }));
      }
      return parts.join("\n");
    },
  };
}

/** An item and the rails from `from` to it and from it to `to`. */
function row(
  item: Drawing,
  at: { readonly from: number; readonly to: number; readonly x: number; readonly y: number },
): string {
  const end = at.x + item.width;
  const before = at.x > at.from ? `M${round(at.from)} ${round(at.y)}H${round(at.x)}` : "";
  const after = at.to > end ? `M${round(end)} ${round(at.y)}H${round(at.to)}` : "";
  return [before + after === "" ? "" : rail(before + after), item.draw(at.x, at.y)]
    .filter(Boolean)
    .join("\n");
}

/** Down by `offset`, two radii to the right. */
function branch(x: number, y: number, offset: number): string {
  const r = radius;
  return `M${round(x)} ${round(y)}a${r} ${r} 0 0 1 ${r} ${r}v${round(offset - 2 * r)}a${r} ${r} 0 0 0 ${r} ${r}`;
}

/** Up by `offset`, two radii to the right. */
function join(x: number, y: number, offset: number): string {
  const r = radius;
  return `M${round(x)} ${round(y)}a${r} ${r} 0 0 0 ${r} -${r}v${round(2 * r - offset)}a${r} ${r} 0 0 1 ${r} -${r}`;
}

/** Once or more: a rail leads back below. */
function repeated(item: Drawing): Drawing {
  const r = radius;
  const offset = Math.max(2 * r, item.below + rowGap);
  return {
    width: item.width + 2 * r,
    above: item.above,
    below: offset,
    draw: (x, y) => {
      const end = x + r + item.width;
      const back =
        `M${round(end)} ${round(y)}a${r} ${r} 0 0 1 ${r} ${r}v${round(offset - 2 * r)}a${r} ${r} 0 0 1 -${r} ${r}` +
        `H${round(x + r)}a${r} ${r} 0 0 1 -${r} -${r}v${round(2 * r - offset)}a${r} ${r} 0 0 1 ${r} -${r}`;
      const along = `M${round(x)} ${round(y)}h${r}M${round(end)} ${round(y)}h${r}`;
      return [rail(along + back), item.draw(x + r, y)].join("\n");
    },
  };
}

function rail(path: string): string {
  return `<path d="${path}"/>`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
