/** A package's control paragraph. */
export interface PackageControl {
  readonly name: string;
  /** The stem of its files in dpkg's database: packages that exist for several architectures at once carry theirs. */
  readonly fileName: string;
  /** The paragraph as the package has it. */
  readonly paragraph: string;
}

/** Reads a `control` file (deb-control(5)). @throws Error when fields are missing that every package has */
export function parseControl(content: string): PackageControl {
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, "mi").exec(content)?.[1]?.trim();
  const name = field("Package");
  const architecture = field("Architecture");
  if (name === undefined || architecture === undefined)
    throw new Error("a package without a name or architecture");
  const fileName = field("Multi-Arch") === "same" ? `${name}:${architecture}` : name;
  return { name, fileName, paragraph: content.trimEnd() };
}

/**
 * The package's paragraph in dpkg's status file, as if it had been installed.
 * @param conffiles MD5 sums by path; with them dpkg knows later which of them were edited
 */
export function statusEntry(control: PackageControl, conffiles: ReadonlyMap<string, string>): string {
  const [first = "", ...rest] = control.paragraph.split("\n");
  const known = [...conffiles].filter(([, sum]) => sum !== "").map(([path, sum]) => ` ${path} ${sum}`);
  const section = known.length === 0 ? [] : ["Conffiles:", ...known];
  return `${[first, "Status: install ok installed", ...rest, ...section].join("\n")}\n`;
}
