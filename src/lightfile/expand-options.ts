/** The value of a variable; undefined when it is not set, which differs from empty. */
export type VariableLookup = (name: string) => string | undefined;

export interface ExpandOptions {
  /** The file's escape character. */
  readonly escape: "\\" | "`";
  /**
   * Told of each variable that is not set where nothing is given in its place (`$n`, `${n}` and the cutting and
   * replacing forms, but not `-`, `+` and `?`). `offset` is that of the `$` in the word.
   */
  readonly onUndefined?: (name: string, offset: number) => void;
}
