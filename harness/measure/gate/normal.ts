/** A standard normal number (Box and Muller 1958, one of the two). */
export function normal(random: () => number): number {
  // why: 1 - u is never zero, so the logarithm is finite
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
