import { equal, isObject } from '../json.ts'

/**
 * Orders a merged list as strategic merge patch does: items named in `order` follow it, the others keep the order
 * they had in `before`, and the two are woven together by `before` as well as that goes.
 * @param mergeKey - the field by which items are the same; '' for scalars
 */
export function orderElements(
  merged: readonly unknown[],
  order: readonly unknown[],
  before: readonly unknown[],
  mergeKey: string,
): unknown[] {
  const rank = (list: readonly unknown[], item: unknown) =>
    list.findIndex((other) => isSame(other, item, mergeKey))
  const named = merged
    .filter((item) => rank(order, item) !== -1)
    .sort((a, b) => rank(order, a) - rank(order, b))
  const others = merged
    .filter((item) => rank(order, item) === -1)
    .sort((a, b) => rank(before, a) - rank(before, b))

  const woven: unknown[] = []
  while (others.length > 0 && named.length > 0) {
    const [left, right] = [rank(before, others[0]), rank(before, named[0])]
    const isLeftFirst = left === -1 || right === -1 || left < right
    woven.push(isLeftFirst ? others.shift() : named.shift())
  }
  return [...woven, ...others, ...named]
}

function isSame(a: unknown, b: unknown, mergeKey: string): boolean {
  if (mergeKey === '') return equal(a, b)
  return isObject(a) && isObject(b) && equal(a[mergeKey], b[mergeKey])
}
