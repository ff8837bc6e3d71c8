import { expect, test } from "vitest";
import { appliedMode } from "../../../../../src/worker/local/copy/file-mode.ts";

function symbolic(expression: string, current: number, isDirectory = false): string {
  return appliedMode({ kind: "symbolic", expression }, current, isDirectory).toString(8);
}

test("without --chmod, and with octal digits, the mode is as given", () => {
  expect(appliedMode(null, 0o640, false)).toBe(0o640);
  expect(appliedMode({ kind: "octal", bits: 0o4711 }, 0o640, false)).toBe(0o4711);
});

test("symbolic modes do what chmod does", () => {
  expect(symbolic("u=rwX,go=rX", 0o600)).toBe("644");
  expect(symbolic("u=rwX,go=rX", 0o700)).toBe("755");
  expect(symbolic("u=rwX,go=rX", 0o600, true)).toBe("755");
  expect(symbolic("+x", 0o644)).toBe("755");
  expect(symbolic("a-w", 0o777)).toBe("555");
  expect(symbolic("go=", 0o755)).toBe("700");
  expect(symbolic("u+s,o+t", 0o755)).toBe("5755");
  expect(symbolic("g=u", 0o640)).toBe("660");
  expect(symbolic("u+w-x", 0o555)).toBe("655");
});

test("what is no mode is refused", () => {
  expect(() => symbolic("q+x", 0o644)).toThrow(/is no file mode/);
  expect(() => symbolic("", 0o644)).toThrow(/is no file mode/);
});
