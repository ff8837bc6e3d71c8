/** What the installation does, as it does it. */
export type InstallEvent =
  | { readonly kind: "found"; readonly what: string; readonly detail: string }
  | { readonly kind: "command"; readonly command: string; readonly why: string }
  | { readonly kind: "output"; readonly text: string }
  | { readonly kind: "waiting-for-other-process" };
