/**
 * One component of a path with wildcards, as Go's `filepath.Match` reads it: `*`, `?`, `[a-z]`, `[^a-z]`, and `\`
 * before a character that means itself.
 */
export interface NamePattern {
  /** The name itself when the component has no wildcard; null when it has. */
  readonly literal: string | null;
  /** `**`, of which each stands for any number of directories, none included. */
  readonly crossesDirectories: boolean;
  matches(name: string): boolean;
}

/** The components of an absolute guest path. `.` and `..` stay inside the root. */
export function parsePathPattern(
  pattern: string,
  { crossesDirectories = false }: { readonly crossesDirectories?: boolean } = {},
): readonly NamePattern[] {
  const components: string[] = [];
  for (const component of pattern.split("/")) {
    if (component === "" || component === ".") continue;
    if (component === "..") components.pop();
    else components.push(component);
  }
  return components.map((component) =>
    crossesDirectories && component === "**"
      ? { literal: null, crossesDirectories: true, matches: () => true }
      : parseNamePattern(component),
  );
}

function parseNamePattern(component: string): NamePattern {
  let expression = "";
  let literal: string | null = "";
  for (let at = 0; at < component.length; at++) {
    const character = component.charAt(at);
    if (character === "*" || character === "?") {
      expression += character === "*" ? "[^/]*" : "[^/]";
      literal = null;
    } else if (character === "[") {
      const set = /^\[(\^?)((?:\\.|[^\]\\])+)\]/u.exec(component.slice(at));
      if (set === null) {
        expression += "\\[";
        literal = literal === null ? null : `${literal}[`;
        continue;
      }
      const [whole, negation = "", members = ""] = set;
      expression += `[${negation}${members.replace(/\\(.)/gu, (_, escaped: string) => quoted(escaped)).replaceAll("[", "\\[")}]`;
      literal = null;
      at += whole.length - 1;
    } else {
      const meant = character === "\\" && at + 1 < component.length ? component.charAt(++at) : character;
      expression += quoted(meant);
      literal = literal === null ? null : literal + meant;
    }
  }
  const whole = new RegExp(`^${expression}$`, "s");
  return { literal, crossesDirectories: false, matches: (name) => whole.test(name) };
}

function quoted(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/-]/, "\\$&");
}
