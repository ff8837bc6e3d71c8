import * as v from "valibot";
import type { Failure } from "../../diagnostics/failure.ts";

/**
 * JSON of a schema, from the other side of a network.
 * @param refusal what to throw, given why the text cannot be read
 */
export function parseBody<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
  refusal: (detail: string) => Failure,
): v.InferOutput<Schema> {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) throw refusal(error.message);
    throw error;
  }
  const result = v.safeParse(schema, data, { abortEarly: true });
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw refusal(`${v.getDotPath(issue) ?? "the body"}: ${issue.message}`);
}
