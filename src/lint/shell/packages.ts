import type { LocatedCommand } from "./run-commands.ts";

/** The words that are no options, the values of some options among them. */
export function operands(command: LocatedCommand): readonly string[] {
  return command.arguments.filter(({ text }) => !text.startsWith("-")).map(({ text }) => text);
}

export function hasOption(command: LocatedCommand, ...names: readonly string[]): boolean {
  return command.arguments.some(({ text }) =>
    names.some((name) =>
      name.startsWith("--")
        ? text === name || text.startsWith(`${name}=`)
        : new RegExp(`^-[A-Za-z]*${name.slice(1)}`).test(text) && !text.startsWith("--"),
    ),
  );
}

/** Package managers of the system, and the word that installs. */
export function isInstall(command: LocatedCommand, ...programs: readonly string[]): boolean {
  if (!programs.includes(command.program)) return false;
  const [verb] = operands(command);
  return ["install", "add", "in", "dist-upgrade", "upgrade", "full-upgrade"].includes(verb ?? "");
}

export function isUpdate(command: LocatedCommand, ...programs: readonly string[]): boolean {
  return programs.includes(command.program) && operands(command)[0] === "update";
}

const systemPrograms = ["apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper"];
const languageVerbs: Readonly<Record<string, RegExp>> = {
  npm: /^(?:ci|install|i)$/,
  pnpm: /^(?:install|i|fetch)$/,
  yarn: /^(?:install)?$/,
  bun: /^(?:install|i)$/,
  pip: /^install$/,
  pip3: /^install$/,
  uv: /^(?:sync|pip)$/,
  poetry: /^install$/,
  bundle: /^install$/,
  composer: /^install$/,
  cargo: /^fetch$/,
  go: /^mod$/,
  mix: /^deps\.get$/,
  dotnet: /^restore$/,
};

/** Whether a command fetches packages: of the system, or the dependencies that a project lists. */
export function installsPackages(command: LocatedCommand): boolean {
  if (isInstall(command, ...systemPrograms)) return true;
  const verb = Object.hasOwn(languageVerbs, command.program) ? languageVerbs[command.program] : undefined;
  return verb?.test(operands(command)[0] ?? "") ?? false;
}
