import { isAbsolute, sep } from "node:path";
import { pathToFileURL } from "node:url";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import type { Fix } from "../../diagnostics/fix.ts";
import { positionAt, type Range, type SourceFile } from "../../diagnostics/source-file.ts";

export interface SarifTool {
  readonly version: string;
  /** The rules that may speak, for their descriptions. */
  readonly rules: readonly { readonly name: string; readonly summary: string }[];
}

/**
 * Diagnostics in the Static Analysis Results Interchange Format, version 2.1.0
 * (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for tools that collect findings. Ends in a line feed.
 */
export function formatAsSarif(diagnostics: readonly Diagnostic[], tool: SarifTool): string {
  const described = new Map(tool.rules.map(({ name, summary }) => [name, summary]));
  const ids = [...new Set(diagnostics.map(({ code }) => code))].sort();
  const log = {
    $schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "lightbox",
            semanticVersion: tool.version,
            rules: ids.map((id) => ({
              id,
              ...(described.has(id) ? { shortDescription: { text: described.get(id) } } : {}),
            })),
          },
        },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((diagnostic) => toResult(diagnostic, ids)),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function toResult(diagnostic: Diagnostic, ids: readonly string[]) {
  const { code, severity, message, hint, source, range, related = [], fixes = [] } = diagnostic;
  return {
    ruleId: code,
    ruleIndex: ids.indexOf(code),
    level: severity,
    message: { text: hint === undefined ? `${message}.` : `${message}: ${hint}.` },
    locations: [{ physicalLocation: toLocation(source, range) }],
    ...(related.length === 0
      ? {}
      : {
          relatedLocations: related.map((place, index) => ({
            id: index + 1,
            message: { text: place.message },
            physicalLocation: toLocation(place.source, place.range),
          })),
        }),
    ...(fixes.length === 0 ? {} : { fixes: fixes.map((fix) => toFix(fix, source)) }),
  };
}

function toFix({ title, edits }: Fix, source: SourceFile) {
  return {
    description: { text: title },
    artifactChanges: [
      {
        artifactLocation: toArtifact(source.path),
        replacements: edits.map(({ range, newText }) => ({
          deletedRegion: toRegion(source, range),
          insertedContent: { text: newText },
        })),
      },
    ],
  };
}

function toLocation(source: SourceFile, range: Range) {
  return { artifactLocation: toArtifact(source.path), region: toRegion(source, range) };
}

/** Paths in the working directory stay relative: whoever reads the log knows where it was made. */
function toArtifact(path: string) {
  if (isAbsolute(path)) return { uri: pathToFileURL(path).href };
  const segments = path.split(sep).map(encodeURIComponent);
  return { uri: segments.join("/"), uriBaseId: "%SRCROOT%" };
}

function toRegion(source: SourceFile, { start, end }: Range) {
  const from = positionAt(source, start);
  const to = positionAt(source, Math.max(start, end));
  return { startLine: from.line, startColumn: from.column, endLine: to.line, endColumn: to.column };
}
