/** The sum of one Prometheus counter over all its label sets (text exposition format 0.0.4); 0 when it is absent. */
export function counterSum(exposition: string, name: string): number {
  let sum = 0
  for (const line of exposition.split('\n')) {
    if (!line.startsWith(name)) continue
    const rest = line.slice(name.length)
    if (!rest.startsWith('{') && !rest.startsWith(' ')) continue
    const value = Number(
      rest
        .slice(rest.lastIndexOf('}') + 1)
        .trim()
        .split(' ')[0],
    )
    if (Number.isFinite(value)) sum += value
  }
  return sum
}
