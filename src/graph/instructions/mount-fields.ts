import type { Range } from "../../diagnostics/source-file.ts";
import { didYouMean } from "../../diagnostics/suggest.ts";
import type { Flag } from "../../lightfile/ast.ts";
import type { StageBuilder } from "../stage-builder.ts";
import { splitCsv } from "./csv-fields.ts";

/** A field of a `--mount`, its value expanded. */
export interface MountField {
  readonly value: string | null;
  readonly range: Range;
}

export type MountType = "bind" | "cache" | "volume" | "tmpfs" | "secret" | "ssh";

/** What each type takes, by the first of its names. */
const fieldsOf: Readonly<Record<MountType, readonly string[]>> = {
  bind: ["target", "source", "from", "readonly", "readwrite"],
  cache: ["target", "id", "from", "source", "sharing", "mode", "uid", "gid", "readonly", "readwrite"],
  volume: ["target", "source", "readonly", "readwrite"],
  tmpfs: ["target", "size", "mode"],
  secret: ["id", "target", "env", "required", "mode", "uid", "gid"],
  ssh: ["id", "target", "required", "mode", "uid", "gid"],
};

const mountTypes = Object.keys(fieldsOf);

function isMountType(text: string): text is MountType {
  return Object.hasOwn(fieldsOf, text);
}

const firstNames: Readonly<Record<string, string>> = {
  dst: "target",
  destination: "target",
  src: "source",
  ro: "readonly",
  rw: "readwrite",
};

/** The fields of one `--mount`, as far as they are right. */
export class MountFields {
  readonly type: MountType;
  /** Of the whole flag. */
  readonly range: Range;
  readonly #stage: StageBuilder;
  readonly #fields: ReadonlyMap<string, MountField>;
  readonly #hasUnknown: boolean;

  private constructor(
    stage: StageBuilder,
    parts: {
      readonly type: MountType;
      readonly range: Range;
      readonly fields: ReadonlyMap<string, MountField>;
      readonly hasUnknown: boolean;
    },
  ) {
    this.#stage = stage;
    this.type = parts.type;
    this.range = parts.range;
    this.#fields = parts.fields;
    this.#hasUnknown = parts.hasUnknown;
  }

  /** Null when a diagnostic says why there is nothing to read. */
  static read(stage: StageBuilder, flag: Flag): MountFields | null {
    const word = flag.value;
    // The parser has reported a flag without a value.
    if (word === null) return null;
    const fields = splitCsv(word.text);
    if ("quoteAt" in fields) {
      const range = within(stage, word, fields.quoteAt, fields.quoteAt + 1);
      stage.findings.error("MalformedMount", "the quotes of this mount do not enclose a whole field", range, {
        hint: `quote a field with its name: --mount='type=bind,"source=a,b",target=/x'`,
      });
      return null;
    }
    const read = new Map<string, MountField>();
    for (const { text, start, end } of fields) {
      const range = within(stage, word, start, end);
      if (text.trim() === "") {
        stage.findings.error("MalformedMount", "a field of this mount is empty", range, {
          hint: "take one of the commas out",
        });
        continue;
      }
      const equals = text.indexOf("=");
      const written = (equals === -1 ? text : text.slice(0, equals)).trim().toLowerCase();
      const place = valueRange(stage, text, equals + 1, range);
      const value = equals === -1 ? null : stage.scope.expand(text.slice(equals + 1), place);
      if (equals !== -1 && value === null) continue;
      const name = firstNames[written] ?? written;
      if (read.has(name)) {
        stage.findings.error("DuplicateMountField", `this mount says ${written} twice`, range, {
          hint: "take one of them out",
        });
        continue;
      }
      read.set(name, { value, range });
    }
    return MountFields.#ofType(stage, flag.range, read);
  }

  static #ofType(stage: StageBuilder, range: Range, fields: Map<string, MountField>): MountFields | null {
    const given = fields.get("type");
    fields.delete("type");
    const type = (given?.value ?? (given === undefined ? "bind" : "")).toLowerCase();
    if (!isMountType(type)) {
      stage.findings.error(
        "UnknownMountType",
        `there is no mount of type ${type || "''"}`,
        given?.range ?? range,
        {
          hint: didYouMean(type, mountTypes) ?? `types: ${mountTypes.join(", ")}`,
        },
      );
      return null;
    }
    const known = fieldsOf[type];
    const count = fields.size;
    for (const [name, field] of fields) {
      // Docker takes `source` for the id of a secret, too.
      if (known.includes(name) || (type === "secret" && name === "source")) continue;
      fields.delete(name);
      stage.findings.error("UnknownMountField", `a mount of type ${type} has no field ${name}`, field.range, {
        hint: didYouMean(name, [...known, "type"]) ?? `${type} knows ${known.join(", ")}`,
      });
    }
    return new MountFields(stage, { type, range, fields, hasUnknown: fields.size < count });
  }

  /** The range of a field, or of the flag where the field is not there. */
  rangeOf(name: string): Range {
    return this.#fields.get(name)?.range ?? this.range;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  /** A field's value; null when it is absent or, as a diagnostic says, empty. */
  text(name: string): string | null {
    const field = this.#fields.get(name);
    if (field === undefined) return null;
    if (field.value !== null && field.value !== "") return field.value;
    this.refuse(name, `${name} of this mount is empty`, `write ${name}=…, or look at the variables in it`);
    return null;
  }

  /** `name`, `name=true`, `name=1`, `name=false`, …; absent: `otherwise`. */
  flag(name: string, otherwise: boolean): boolean {
    const field = this.#fields.get(name);
    if (field === undefined) return otherwise;
    switch ((field.value ?? "true").toLowerCase()) {
      case "true":
      case "1":
        return true;
      case "false":
      case "0":
        return false;
      default:
        this.refuse(
          name,
          `${name} is either true or false, not ${field.value}`,
          `write ${name}, or ${name}=false`,
        );
        return otherwise;
    }
  }

  /** Neither says: `otherwise`; both: the mount cannot be both. */
  isReadOnly(otherwise: boolean): boolean {
    if (this.has("readonly") && this.has("readwrite")) {
      this.refuse("readwrite", "a mount is either readonly or readwrite", "take one of them out");
    }
    if (this.has("readwrite")) return !this.flag("readwrite", true);
    return this.flag("readonly", otherwise);
  }

  /** A whole number in the given base up to `most`. */
  number(
    name: string,
    otherwise: number,
    { base, most }: { readonly base: 8 | 10; readonly most: number },
  ): number {
    const value = this.text(name);
    if (value === null) return otherwise;
    const digits = base === 8 ? /^[0-7]{1,11}$/ : /^\d{1,10}$/;
    const number = digits.test(value) ? Number.parseInt(value, base) : Number.NaN;
    if (number <= most) return number;
    const limit = base === 8 ? `octal digits up to ${most.toString(8)}` : `a whole number up to ${most}`;
    this.refuse(name, `${name}=${value} cannot be`, `${name} takes ${limit}`);
    return otherwise;
  }

  refuse(name: string, message: string, hint: string): void {
    this.#stage.findings.error("InvalidMountField", message, this.rangeOf(name), { hint });
  }

  /** Says that a field is missing, unless it may be there under a misspelt name. */
  require(name: string, example: string): void {
    if (this.#hasUnknown) return;
    this.#stage.findings.error(
      "MissingMountField",
      `a mount of type ${this.type} needs ${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`,
      this.range,
      { hint: `add ${example}` },
    );
  }
}

/** The range of a field's value, where the field stands in the file letter by letter. */
function valueRange(stage: StageBuilder, text: string, start: number, range: Range): Range {
  const isVerbatim = stage.findings.source.text.startsWith(text, range.start);
  return isVerbatim ? { start: range.start + start, end: range.end } : range;
}

/** Where a part of a flag's value stands; all of the value where quotes or continuations hide the places. */
function within(
  stage: StageBuilder,
  word: { readonly text: string; readonly range: Range },
  start: number,
  end: number,
): Range {
  const isVerbatim = stage.findings.source.text.startsWith(word.text, word.range.start);
  return isVerbatim ? { start: word.range.start + start, end: word.range.start + end } : word.range;
}
