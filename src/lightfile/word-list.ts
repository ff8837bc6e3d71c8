/** What Unicode calls white space: no byte-order mark, but a next line. */
const whiteSpace = /((?:[^\S\uFEFF]|\u0085)+)/;

/** Collects words; only text that is added as splittable can end one. */
export class WordList {
  private readonly words: string[] = [];
  private current = "";

  addWhole(text: string): void {
    this.current += text;
  }

  addSplit(text: string): void {
    let isBlank = false;
    for (const piece of text.split(whiteSpace)) {
      if (isBlank) this.endWord();
      else this.current += piece;
      isBlank = !isBlank;
    }
  }

  finish(): readonly string[] {
    this.endWord();
    return this.words;
  }

  private endWord(): void {
    if (this.current !== "") this.words.push(this.current);
    this.current = "";
  }
}
