/**
 * The candidate nearest to a misspelt word, or undefined when none is near enough to be meant: a word of one letter is
 * near to any other such word, so it means none.
 */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  const furthest = Math.min(Math.max(1, Math.floor(wanted.length / 3)), wanted.length - 1);
  let bestDistance = furthest + 1;
  for (const candidate of candidates) {
    // The difference in length is a lower bound of the distance: it spares the work on words of any length.
    if (Math.abs(candidate.length - wanted.length) >= bestDistance || wanted.length > longestWord) continue;
    const candidateDistance = editDistance(wanted, candidate.toLowerCase());
    if (candidateDistance < bestDistance) {
      best = candidate;
      bestDistance = candidateDistance;
    }
  }
  return best;
}

/** `did you mean X?` for the nearest candidate, ready to be a hint. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const nearest = nearestName(word, candidates);
  return nearest === undefined ? undefined : `did you mean ${nearest}?`;
}

/** A name longer than this is no misspelling of anything, and not worth the search. */
const longestWord = 200;

/**
 * The number of insertions, deletions, replacements and swaps of neighbours between two words (optimal string
 * alignment). A swap counts once, because swapped letters are the most frequent slip: RNU for RUN.
 */
function editDistance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}
