import { distance } from "fastest-levenshtein";

/** The candidate nearest to a misspelt word, or undefined when none is near enough to be meant. */
export function nearestName(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const candidateDistance = distance(wanted, candidate.toLowerCase());
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
