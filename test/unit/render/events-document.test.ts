import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { eventSchemaVersion } from "../../../src/bake/events.ts";
import { sampleEvents } from "./sample-events.ts";

const page = await readFile(new URL("../../../docs/events.md", import.meta.url), "utf8");

/** The rows of the table: kind and the names in the last column that are not in brackets. */
function documentedEvents(): Map<string, readonly string[]> {
  const rows = page.matchAll(/^\| `([a-z-]+)` \| [^|]* \| ([^|]*)\|$/gm);
  return new Map(
    [...rows].map(([, kind = "", fields = ""]) => {
      const outside = fields.replace(/\([^()]*\)/g, "");
      return [kind, [...outside.matchAll(/`([A-Za-z]+)`/g)].map(([, name = ""]) => name)];
    }),
  );
}

test("docs/events.md has a row for each kind of event and no other", () => {
  expect([...documentedEvents().keys()].sort()).toEqual(Object.keys(sampleEvents).sort());
});

test.each(Object.entries(sampleEvents))("docs/events.md names the fields of %s", (kind, event) => {
  const fields = Object.keys(event).filter((name) => name !== "kind");
  expect([...(documentedEvents().get(kind) ?? [])].sort()).toEqual(fields.sort());
});

test("docs/events.md states the version of the schema", () => {
  expect(page).toContain(`version of this page: **${eventSchemaVersion}**`);
});
