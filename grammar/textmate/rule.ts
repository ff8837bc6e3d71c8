/** The parts of a TextMate grammar that this one uses; patterns are Oniguruma's regular expressions. */
export type Rule =
  | { readonly include: string }
  | { readonly match: string; readonly name?: string; readonly captures?: Captures }
  | {
      readonly begin: string;
      readonly end: string;
      readonly name?: string;
      readonly contentName?: string;
      readonly beginCaptures?: Captures;
      readonly endCaptures?: Captures;
      readonly patterns?: readonly Rule[];
    }
  | { readonly patterns: readonly Rule[] };

export type Captures = Readonly<
  Record<string, { readonly name?: string; readonly patterns?: readonly Rule[] }>
>;

export type Repository = Readonly<Record<string, Rule>>;

/** `scope("comment.line")` is `comment.line.lightfile`. */
export function scope(name: string): string {
  return `${name}.lightfile`;
}

export function named(name: string): { readonly name: string } {
  return { name: scope(name) };
}
