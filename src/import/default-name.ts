import { basename, dirname } from "node:path";

const longestName = 64;

/**
 * A snapshot's name for a Dockerfile that has none: its folder's, with `/web` behind it for `Dockerfile.web` and
 * `web.Dockerfile`.
 */
export function defaultSnapshotName(path: string): string {
  const folder = asNamePart(basename(dirname(path)));
  const variant = /^(?:Dockerfile|Containerfile)\.(.+)$|^(.+)\.(?:Dockerfile|Containerfile)$/i.exec(
    basename(path),
  );
  const part = asNamePart(variant?.[1] ?? variant?.[2] ?? "");
  const name = [folder, part].filter((one) => one !== "").join("/");
  return name.slice(0, longestName).replace(/[^A-Za-z0-9]+$/, "") || "imported";
}

function asNamePart(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, "-")
    .replace(/^[^a-z0-9]+/, "")
    .replace(/-+$/, "");
}
