const repositories =
  /^mcr\.microsoft\.com\/(?:windows|dotnet\/framework|mssql\/server\/windows)(?:[/:@]|$)|^(?:docker\.io\/)?microsoft\/(?:windowsservercore|nanoserver|iis|aspnet|wcf|dotnet-framework)(?:[:@-]|$)/i;
const variants = /(?:^|[/:._-])(?:windowsservercore|nanoserver)(?=$|[:@._-])/i;

/** Whether an image's name says that Windows is in it, as those of Microsoft and of the official images do. */
export function holdsWindows(reference: string): boolean {
  return repositories.test(reference) || variants.test(reference);
}
