/** Why a source of the context cannot be copied; becomes a diagnostic at the source's word. */
export class ContextTrouble extends Error {
  readonly code: ContextTroubleCode;
  readonly hint: string | undefined;

  constructor(code: ContextTroubleCode, message: string, hint?: string) {
    super(message);
    this.name = "ContextTrouble";
    this.code = code;
    this.hint = hint;
  }
}

export type ContextTroubleCode =
  | "SourceNotFound"
  | "OutsideContext"
  | "InvalidPattern"
  | "UnsupportedFileType"
  | "SymlinkLoop"
  | "UnreadableSource"
  | "SourceChanged"
  | "UnsupportedFileName"
  | "DestinationNotDirectory"
  | "NotSupportedYet";
