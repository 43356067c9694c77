import { median } from './quantile.ts'

/** A point of a relation: where it was looked at, and what was seen there. */
export type Point = readonly [x: number, y: number]

/**
 * Slope of a line through points, robust against outliers: the median of the slopes of all pairs (Sen 1968, JASA 63).
 * @throws RangeError when there are no two points with different x
 */
export function theilSenSlope(points: readonly Point[]): number {
  const slopes = points.flatMap(([x, y], index) =>
    points
      .slice(index + 1)
      .filter(([other]) => other !== x)
      .map(([otherX, otherY]) => (otherY - y) / (otherX - x)),
  )
  return median(slopes)
}
