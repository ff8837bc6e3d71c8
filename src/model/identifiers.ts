/** A string that must not be mixed up with another kind of string; the property is never there. */
type Branded<Name extends string> = string & { readonly __brand: Name };

/** Names a layer: 32 lower-case hex digits (two XXH64 of its key record). */
export type LayerKey = Branded<"LayerKey">;

/** Names a file's content: 32 lower-case hex digits (two XXH64 of its bytes). */
export type ContentDigest = Branded<"ContentDigest">;

/** `sha256:` and 64 lower-case hex digits; what crosses a trust boundary is named by these. */
export type Sha256Digest = Branded<"Sha256Digest">;

/** Names a step within one plan, e.g. `build/3` (stage, ordinal from 1); not stable across edits. */
export type StepId = Branded<"StepId">;

const hex128 = /^[0-9a-f]{32}$/;
const sha256 = /^sha256:[0-9a-f]{64}$/;

export function isLayerKey(text: string): text is LayerKey {
  return hex128.test(text);
}

export function isContentDigest(text: string): text is ContentDigest {
  return hex128.test(text);
}

export function isSha256Digest(text: string): text is Sha256Digest {
  return sha256.test(text);
}

function checked<Id extends string>(
  text: string,
  guard: (text: string) => text is Id & string,
  kind: string,
): Id {
  if (guard(text)) return text;
  throw new Error(`internal error: not a ${kind}: ${JSON.stringify(text)}`);
}

/** @throws Error (a bug) when the text does not have the form. Check untrusted text with {@link isLayerKey}. */
export function layerKey(text: string): LayerKey {
  return checked<LayerKey>(text, isLayerKey, "layer key");
}

export function contentDigest(text: string): ContentDigest {
  return checked<ContentDigest>(text, isContentDigest, "content digest");
}

export function sha256Digest(text: string): Sha256Digest {
  return checked<Sha256Digest>(text, isSha256Digest, "SHA-256 digest");
}

function isStepId(text: string): text is StepId {
  return text.length > 0;
}

export function stepId(text: string): StepId {
  return checked<StepId>(text, isStepId, "step id");
}
