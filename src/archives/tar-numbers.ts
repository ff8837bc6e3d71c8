import type { Header } from "tar-stream";

export interface TarNumbers {
  readonly mode: number | null;
  readonly userId: number;
  readonly groupId: number;
  readonly modifiedMs: number | null;
}

/** Linux takes the highest number for "no change". */
const highestId = 2 ** 32 - 2;
const longestTimeMs = 8.64e15;

/**
 * Who an entry belongs to, and from when it is. What stands in its pax record counts before its header: numbers that
 * the header has no room for are there alone.
 *
 * @throws Error for what is no such number: the archive is damaged
 */
export function tarNumbers({ name, mode, uid, gid, mtime, pax }: Header): TarNumbers {
  const record: Readonly<Record<string, string>> = typeof pax === "object" ? { ...pax } : {};
  return {
    mode: mode === undefined ? null : checked(mode, { name, what: "mode", highest: 2 ** 32 - 1 }),
    userId: idOf(record.uid, uid, { name, what: "user", highest: highestId }),
    groupId: idOf(record.gid, gid, { name, what: "group", highest: highestId }),
    modifiedMs: timeOf(record.mtime, mtime, name),
  };
}

interface Field {
  readonly name: string;
  readonly what: string;
  readonly highest: number;
}

/** An empty value in a pax record leaves what the header says. */
function idOf(written: string | undefined, header: number | undefined, field: Field): number {
  if (written === undefined || written === "") return checked(header ?? 0, field);
  if (!/^\d+$/.test(written)) throw unreadable(field, written);
  return checked(Number(written), field);
}

function checked(value: number, field: Field): number {
  if (Number.isInteger(value) && value >= 0 && value <= field.highest) return value;
  throw unreadable(field, String(value));
}

function timeOf(written: string | undefined, header: Date | undefined, name: string): number | null {
  const field = { name, what: "time", highest: longestTimeMs };
  const isInRecord = written !== undefined && written !== "";
  if (isInRecord && !/^-?(?:\d+\.?\d*|\.\d+)$/.test(written)) throw unreadable(field, written);
  const timeMs = isInRecord ? Number(written) * 1000 : header?.getTime();
  if (timeMs === undefined) return null;
  if (Math.abs(timeMs) <= longestTimeMs) return timeMs;
  throw unreadable(field, isInRecord ? written : String(timeMs));
}

function unreadable({ name, what }: Field, value: string): Error {
  return new Error(`the ${what} of ${JSON.stringify(name)} cannot be ${JSON.stringify(value.slice(0, 40))}`);
}
