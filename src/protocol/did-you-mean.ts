/** The name that was most likely meant by a misspelt one. */

/** So many can be read in one line. */
const fewNames = 10

/** What to say of a name that is none of `names`. */
export function hintFor(written: string, names: readonly string[]): string {
  const nearest = nearestName(written, names)
  if (nearest !== undefined) return `Did you mean ${nearest}?`
  return names.length > fewNames
    ? 'There is no such setting.'
    : `There is none of that name. Use ${names.join(', ')}.`
}

function nearestName(written: string, names: readonly string[]): string | undefined {
  const [nearest] = names
    .map((name) => ({ name, distance: editDistance(fold(written), fold(name)) }))
    .filter(({ name, distance }) => distance <= Math.max(1, name.length / 4))
    .toSorted((a, b) => a.distance - b.distance)
  return nearest?.name
}

/** redirectUris, Redirect-URIs and redirect_uris are one name to a person. */
function fold(name: string): string {
  return name
    .slice(0, 100)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of a.split('').entries()) {
    const next = [i + 1]
    for (const [j, other] of b.split('').entries())
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter === other ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
