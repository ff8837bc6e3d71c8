import type * as v from "valibot";

/** `Type` as plain data that can be compared: nothing optional, nothing readonly, all the way down. */
type Plain<Type> = Type extends string | number | boolean | null | undefined
  ? Type
  : { -readonly [Key in keyof Type]-?: Plain<Type[Key]> };
type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false;
/** True when values that pass the schema are those of the type. */
export type Describes<Schema extends v.GenericSchema, Type> = Same<Plain<v.InferOutput<Schema>>, Plain<Type>>;

/** Does nothing when it runs; does not compile when a schema and its type differ. */
export function everySchemaDescribesItsType<_Verdicts extends readonly true[]>(): void {}
